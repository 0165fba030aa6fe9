// SavedModel messages, whole and in chunks, written and read back.
#include "graph/saved_model_export.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/record_file_reader.h"
#include "base/record_file_writer.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "graph/attr.h"
#include "graph/chunked_message.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/open.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/proto/proto_splitter.pb.h"
#include "graph/tensor.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using google::protobuf::util::MessageDifferencer;
using tensorflow::proto_splitter::ChunkMetadata;
using testing::AllOf;
using testing::HasSubstr;

tensorflow::SavedModel Parsed(absl::string_view bytes) {
  tensorflow::SavedModel message;
  EXPECT_TRUE(message.ParseFromString(std::string(bytes)));
  return message;
}

std::vector<Model> Models(absl::string_view saved_model, std::shared_ptr<const void> owner) {
  std::vector<Model> models;
  const absl::StatusOr<std::vector<MetaGraphSlice>> slices = ListMetaGraphs(saved_model, "x");
  EXPECT_OK(slices.status());
  if (!slices.ok()) return models;
  for (const MetaGraphSlice& slice : *slices) {
    models.push_back(*ImportMetaGraphDef(slice.bytes, owner, "x"));
  }
  return models;
}

std::vector<Model*> Pointers(std::vector<Model>& models) {
  std::vector<Model*> pointers;
  for (Model& model : models) pointers.push_back(&model);
  return pointers;
}

TEST(JoinChunksTest, SamplesAreTheMessageThatTheyWereCutFrom) {
  for (const std::string sample : {"savedmodel_chunked_own", "savedmodel_chunked_brotli_own"}) {
    const std::string path = SharedData("formats/" + sample + "/saved_model.cpb");
    if (path.empty()) GTEST_SKIP() << "no shared data";
    const auto file = *MappedFile::Open(path);
    const absl::StatusOr<std::string> joined = JoinChunks(file->bytes(), path);
    ASSERT_OK(joined.status());
    const auto whole = *MappedFile::Open(SharedData("formats/savedmodel_tf221/saved_model.pb"));
    EXPECT_TRUE(MessageDifferencer::Equals(Parsed(*joined), Parsed(whole->bytes()))) << sample;
  }
}

TEST(JoinChunksTest, AChunkedSavedModelOpensLikeAnyOther) {
  const std::string path = SharedData("formats/savedmodel_chunked_own");
  if (path.empty()) GTEST_SKIP() << "no shared data";
  absl::StatusOr<Model> model = OpenModel(path, {}, nullptr);
  ASSERT_OK(model.status());
  EXPECT_EQ(model->variables_prefix, path + "/variables/variables");
  EXPECT_TRUE(model->graph().Find("StatefulPartitionedCall"));
}

// Two MetaGraphs; large constants in a main graph and in a function.
tensorflow::SavedModel LargeModel() {
  tensorflow::SavedModel message;
  message.set_saved_model_schema_version(1);
  for (const std::string tag : {"serve", "train"}) {
    tensorflow::MetaGraphDef* meta = message.add_meta_graphs();
    meta->mutable_meta_info_def()->add_tags(tag);
    for (int i = 0; i < 3; ++i) {
      tensorflow::NodeDef* node = meta->mutable_graph_def()->add_node();
      if (tag == "train" && i == 2)
        node = meta->mutable_graph_def()->mutable_library()->add_function()->add_node_def();
      node->set_name(absl::StrCat("w", i));
      node->set_op("Const");
      (*node->mutable_attr())["dtype"].set_type(tensorflow::DT_FLOAT);
      tensorflow::TensorProto* tensor = (*node->mutable_attr())["value"].mutable_tensor();
      tensor->set_dtype(tensorflow::DT_FLOAT);
      tensor->mutable_tensor_shape()->add_dim()->set_size(30000 * i);
      tensor->set_tensor_content(std::string(static_cast<size_t>(120000 * i), static_cast<char>('a' + i)));
    }
    if (tag == "train") {
      // The node that went to the function left an empty one.
      meta->mutable_graph_def()->mutable_node()->RemoveLast();
      meta->mutable_graph_def()->mutable_library()->mutable_function(0)->mutable_signature()->set_name("f");
    }
  }
  return message;
}

TEST(ExportChunkedSavedModelTest, JoinsToTheSameMessage) {
  const tensorflow::SavedModel message = LargeModel();
  const auto bytes = std::make_shared<std::string>(message.SerializeAsString());
  std::vector<Model> models = Models(*bytes, bytes);
  for (const bool compress : {false, true}) {
    StringSink sink;
    ChunkOptions options;
    options.compress = compress;
    ASSERT_OK(ExportChunkedSavedModel(Pointers(models), sink, options));
    EXPECT_EQ(sink.bytes().size() < 10000, compress) << sink.bytes().size();
    const absl::StatusOr<std::string> joined = JoinChunks(sink.bytes(), "x.cpb");
    ASSERT_OK(joined.status());
    EXPECT_TRUE(MessageDifferencer::Equals(Parsed(*joined), message));
    // Four values and the rest.
    absl::StatusOr<RecordFileReader> reader = RecordFileReader::Open(sink.bytes(), "x.cpb");
    ASSERT_OK(reader.status());
    ChunkMetadata metadata;
    ASSERT_TRUE(metadata.ParseFromString(*reader->Record(*reader->LastRecord())));
    EXPECT_EQ(metadata.chunks_size(), 5);
  }
  StringSink whole;
  ASSERT_OK(ExportSavedModel(Pointers(models), whole));
  EXPECT_EQ(*SavedModelSize(Pointers(models)), whole.bytes().size());
  EXPECT_TRUE(MessageDifferencer::Equals(Parsed(whole.bytes()), message));
}

TEST(ExportChunkedSavedModelTest, ValuesOfSourcesAreStreamed) {
  class Source final : public TensorSource {
   public:
    DataType dtype() const override { return DT_FLOAT; }
    const std::vector<int64_t>& dims() const override { return dims_; }
    uint64_t num_bytes() const override { return 400000; }
    absl::StatusOr<Tensor> Load() const override { return absl::InternalError("not as a whole"); }
    absl::Status Write(ByteSink& sink) const override {
      for (int i = 0; i < 100; ++i) {
        if (absl::Status status = sink.Append(std::string(4000, static_cast<char>(i))); !status.ok())
          return status;
      }
      return absl::OkStatus();
    }

   private:
    const std::vector<int64_t> dims_ = {100, 1000};
  };
  std::vector<Model> models(1);
  models[0].graph().AddConst("w", std::make_shared<Source>());
  StringSink sink;
  ASSERT_OK(ExportChunkedSavedModel(Pointers(models), sink));
  const absl::StatusOr<std::string> joined = JoinChunks(sink.bytes(), "x.cpb");
  ASSERT_OK(joined.status());
  const tensorflow::SavedModel message = Parsed(*joined);
  const tensorflow::TensorProto& tensor =
      message.meta_graphs(0).graph_def().node(0).attr().at("value").tensor();
  EXPECT_EQ(tensor.dtype(), tensorflow::DT_FLOAT);
  EXPECT_EQ(tensor.tensor_shape().dim(1).size(), 1000);
  ASSERT_EQ(tensor.tensor_content().size(), 400000u);
  EXPECT_EQ(tensor.tensor_content()[399999], 99);
}

// A file with these chunks and this index.
absl::StatusOr<std::string> JoinOf(const std::vector<std::string>& chunks, const std::string& message) {
  StringSink sink;
  RecordFileWriter writer(&sink, RecordFileWriter::Compression::kNone);
  ChunkMetadata metadata;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(message, &metadata)) << message;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const absl::StatusOr<uint64_t> position = writer.Append(chunks[i]);
    if (static_cast<int>(i) >= metadata.chunks_size())
      metadata.add_chunks()->set_type(i == 0 ? tensorflow::proto_splitter::ChunkInfo::MESSAGE
                                             : tensorflow::proto_splitter::ChunkInfo::BYTES);
    tensorflow::proto_splitter::ChunkInfo* info = metadata.mutable_chunks(static_cast<int>(i));
    if (info->offset() == 0) info->set_offset(*position);
    if (info->size() == 0) info->set_size(chunks[i].size());
  }
  EXPECT_OK(writer.Append(metadata.SerializeAsString()).status());
  return JoinChunks(sink.bytes(), "x.cpb");
}

std::string Base() {
  tensorflow::SavedModel message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "saved_model_schema_version: 1 meta_graphs { graph_def { node { name: 'a' } node { name: 'b' } } "
      "signature_def { key: 's' value { method_name: 'm' } } }",
      &message));
  return message.SerializeAsString();
}

// "meta_graphs[0].graph_def" as steps of a path.
constexpr char kGraph[] = "field_tag { field: 2 } field_tag { index: 0 } field_tag { field: 2 } ";

TEST(JoinChunksTest, MessagesMergeWhereThePathSays) {
  tensorflow::NodeDef node;
  node.set_op("NoOp");
  tensorflow::SignatureDef signature;
  (*signature.mutable_inputs())["x"].set_name("x:0");
  const absl::StatusOr<std::string> joined = JoinOf(
      {Base(), node.SerializeAsString(), node.SerializeAsString(), signature.SerializeAsString(), "c:0",
       signature.SerializeAsString()},
      absl::StrCat(
          "chunks { type: MESSAGE } chunks { type: MESSAGE } chunks { type: MESSAGE } chunks { type: MESSAGE "
          "} "
          "message { chunk_index: 0 chunked_fields { ",
          kGraph,
          "field_tag { field: 1 } field_tag { index: 1 } message { chunk_index: 1 } } chunked_fields { ",
          kGraph,
          "field_tag { field: 1 } field_tag { index: 3 } message { chunk_index: 2 } } "
          "chunked_fields { field_tag { field: 2 } field_tag { index: 0 } field_tag { field: 5 } field_tag { "
          "map_key "
          "{ s: 's' } } message { chunk_index: 3 chunked_fields { field_tag { field: 2 } field_tag { map_key "
          "{ s: 'o' "
          "} } field_tag { field: 1 } message { chunk_index: 4 } } } } "
          "chunked_fields { field_tag { field: 2 } field_tag { index: 0 } field_tag { field: 5 } field_tag { "
          "map_key "
          "{ s: 'new' } } message { chunk_index: 5 } } }"));
  ASSERT_OK(joined.status());
  tensorflow::SavedModel expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "saved_model_schema_version: 1 meta_graphs { graph_def { node { name: 'a' } node { name: 'b' op: "
      "'NoOp' } node { } "
      "node { op: 'NoOp' } } signature_def { key: 's' value { method_name: 'm' inputs { key: 'x' value { "
      "name: 'x:0' } } "
      "outputs { key: 'o' value { name: 'c:0' } } } } "
      "signature_def { key: 'new' value { inputs { key: 'x' value { name: 'x:0' } } } } }",
      &expected));
  EXPECT_TRUE(MessageDifferencer::Equals(Parsed(*joined), expected)) << Parsed(*joined).DebugString();
}

TEST(JoinChunksTest, WhatCannotBeJoinedSaysWhy) {
  const auto error = [](const std::vector<std::string>& chunks, const std::string& message) {
    return JoinOf(chunks, message).status();
  };
  const std::string graph = kGraph;
  const auto at = [&](const std::string& path, const std::string& content) {
    return absl::StrCat("message { chunk_index: 0 chunked_fields { ", graph, path, " message { ", content,
                        " } } }");
  };
  using absl::StatusCode;
  EXPECT_THAT(error({Base()}, "message { chunk_index: 7 }"),
              StatusIs(StatusCode::kDataLoss, HasSubstr("chunk 7 is used, but there are only 1")));
  EXPECT_THAT(error({Base()}, at("", "chunk_index: 0")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("chunk 0 is used twice")));
  EXPECT_THAT(
      error({Base(), "x"}, at("field_tag { field: 1 } field_tag { index: 4000000000 }", "chunk_index: 1")),
      StatusIs(StatusCode::kDataLoss, HasSubstr("field 2[0].2.1[4000000000] is far beyond the 2 elements")));
  EXPECT_THAT(error({Base(), "x"}, at("field_tag { field: 1 }", "chunk_index: 1")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("lacks the index of an element")));
  EXPECT_THAT(error({Base(), "x"}, at("field_tag { field: 99 }", "chunk_index: 1")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("a field that tensorflow.GraphDef does not have")));
  const std::string name = "field_tag { field: 1 } field_tag { index: 0 } field_tag { field: 1 } ";
  EXPECT_THAT(error({Base(), "x"}, at(name + "field_tag { field: 1 }", "chunk_index: 1")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("leads through a value")));
  EXPECT_OK(error({Base(), "x"}, at(name, "chunk_index: 1")));
  EXPECT_THAT(error({Base(), "x"}, at("field_tag { field: 3 }", "chunk_index: 1")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("is no place for a chunk")));
  EXPECT_THAT(error({Base().substr(0, 10)}, "message { chunk_index: 0 }"),
              StatusIs(StatusCode::kDataLoss, HasSubstr("chunk 0 is no message: damaged at its byte ")));
  EXPECT_THAT(error({Base()}, "chunks { type: MESSAGE size: 5 } message { chunk_index: 0 }"),
              StatusIs(StatusCode::kDataLoss, AllOf(HasSubstr("at byte 64: "), HasSubstr("says 5"))));
  EXPECT_THAT(error({Base()}, "chunks { type: MESSAGE offset: 70 } message { chunk_index: 0 }"),
              StatusIs(StatusCode::kDataLoss, HasSubstr("at byte 70: there is no record")));
  EXPECT_THAT(error({Base()}, "version { join_version: 9 } message { chunk_index: 0 }"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("version 9")));
  std::string deep = "message { chunk_index: 0 ";
  for (int i = 0; i < 45; ++i) deep += "chunked_fields { message { ";
  for (int i = 0; i < 45; ++i) deep += "} } ";
  EXPECT_OK(error({Base()}, deep + "}"));
  std::string path;  // attr[k].func.attr[k].func …
  for (int i = 0; i < 40; ++i)
    path += "field_tag { field: 10 } field_tag { field: 2 } field_tag { map_key { s: 'k' } } ";
  EXPECT_THAT(error({Base(), "x"},
                    at("field_tag { field: 1 } field_tag { index: 0 } field_tag { field: 5 } field_tag { "
                       "map_key { s: 'k' } } " +
                           path + path,
                       "chunk_index: 1")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("nested deeper than 100")));
}

}  // namespace
}  // namespace cryograph
