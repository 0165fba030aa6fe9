#include "graph/saved_model_export.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/record_file_writer.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "graph/attr.h"
#include "graph/proto/proto_splitter.pb.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

using tensorflow::proto_splitter::ChunkedField;
using tensorflow::proto_splitter::ChunkInfo;
using tensorflow::proto_splitter::ChunkMetadata;

// Numbers of the fields on the way to a constant's bytes.
enum SavedModelField : uint32_t { kSchemaVersion = 1, kMetaGraphs = 2 };
enum MetaGraphField : uint32_t { kGraphDef = 2 };
enum GraphField : uint32_t { kNode = 1, kLibrary = 2 };
enum LibraryField : uint32_t { kFunction = 1 };
enum FunctionField : uint32_t { kNodeDef = 3 };
enum NodeField : uint32_t { kAttr = 5 };
enum EntryField : uint32_t { kKey = 1, kValue = 2 };
enum AttrField : uint32_t { kTensor = 8 };
enum TensorField : uint32_t { kTensorDtype = 1, kTensorShape = 2, kTensorContent = 4 };

constexpr uint64_t kSchema = 1;
constexpr absl::string_view kValueKey = "value";

// The first field `number` of a message that is length-delimited; empty if there is none.
absl::string_view Payload(absl::string_view message, uint32_t number) {
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) return field.bytes;
  }
  return absl::string_view();
}

// `message` with the payload of its first length-delimited field `number` replaced; the field goes if
// `payload` is null.
std::string WithPayload(absl::string_view message, uint32_t number, const std::string* payload) {
  std::string result;
  bool done = false;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (!done && field.number == number && field.type == WireType::kBytes) {
      done = true;
      if (payload != nullptr) AppendBytesField(number, *payload, &result);
    } else {
      result.append(field.raw.data(), field.raw.size());
    }
  }
  return result;
}

// A value that goes to a chunk of its own, and the way to its place.
struct Value {
  const TensorSource* source = nullptr;  // Or, if null:
  absl::string_view bytes;
  ChunkedField place;
  uint64_t size() const { return source != nullptr ? source->num_bytes() : bytes.size(); }
};

// Path steps.
void Field(uint32_t number, ChunkedField* place) { place->add_field_tag()->set_field(number); }
void Element(uint32_t number, uint64_t index, ChunkedField* place) {
  Field(number, place);
  place->add_field_tag()->set_index(index);
}
void ContentOfValue(ChunkedField* place) {
  Field(kAttr, place);
  place->add_field_tag()->mutable_map_key()->set_s(std::string(kValueKey));
  Field(kTensor, place);
  Field(kTensorContent, place);
}

// A TensorProto without its value. None of `dims` is 0.
std::string TensorHead(DataType dtype, absl::Span<const int64_t> dims) {
  std::string shape, head;
  for (const int64_t size : dims) {
    std::string dim;
    AppendVarintField(1, static_cast<uint64_t>(size), &dim);
    AppendBytesField(2, dim, &shape);
  }
  AppendVarintField(kTensorDtype, static_cast<uint64_t>(dtype), &head);
  AppendBytesField(kTensorShape, shape, &head);
  return head;
}

// Takes the values of large constants out of a copy of a model.
class Splitter {
 public:
  Splitter(uint64_t min_bytes, std::vector<Value>* values) : min_bytes_(min_bytes), values_(*values) {}

  Model Split(const Model& model, uint64_t meta_graph) {
    Model copy = model.Clone();
    ChunkedField graph;
    Element(kMetaGraphs, meta_graph, &graph);
    Field(kGraphDef, &graph);
    uint64_t position = 0;
    for (const Node node : copy.graph().nodes()) {
      ChunkedField place = graph;
      Element(kNode, position++, &place);
      if (node.op() == "Const") SplitNode(node, std::move(place));
    }
    Field(kLibrary, &graph);
    for (size_t i = 0; i < copy.functions().size(); ++i) {
      Function& function = copy.functions()[i];
      if (function.edited() || function.wire().size() < min_bytes_) continue;
      ChunkedField place = graph;
      Element(kFunction, i, &place);
      auto left = std::make_shared<std::string>(SplitFunction(function.wire(), place));
      function = Function(*left, left);
    }
    return copy;
  }

 private:
  void SplitNode(Node node, ChunkedField place) {
    Value value;
    std::string left;
    const AttrView attr = node.attr(kValueKey);
    if (attr.tensor_source() != nullptr) {
      value.source = attr.tensor_source();
      if (DataTypeBytes(value.source->dtype()) == 0 || value.source->num_bytes() < min_bytes_) return;
      left = TensorHead(value.source->dtype(), value.source->dims());
    } else {
      value.bytes = Payload(attr.tensor_bytes(), kTensorContent);
      if (value.bytes.size() < min_bytes_) return;
      left = WithPayload(attr.tensor_bytes(), kTensorContent, nullptr);
    }
    ContentOfValue(&place);
    value.place = std::move(place);
    values_.push_back(std::move(value));
    node.graph().SetAttr(node, kValueKey, AttrTensor(left));
  }

  // The FunctionDef without the values of its large constants.
  std::string SplitFunction(absl::string_view function_def, const ChunkedField& function) {
    std::string result;
    uint64_t position = 0;
    WireReader reader(function_def);
    for (WireField field; reader.Next(&field);) {
      if (field.number != kNodeDef || field.type != WireType::kBytes) {
        result.append(field.raw.data(), field.raw.size());
        continue;
      }
      ChunkedField place = function;
      Element(kNodeDef, position++, &place);
      const std::string node = field.bytes.size() < min_bytes_ ? std::string(field.bytes)
                                                               : SplitNodeDef(field.bytes, std::move(place));
      AppendBytesField(kNodeDef, node, &result);
    }
    return result;
  }

  std::string SplitNodeDef(absl::string_view node_def, ChunkedField place) {
    std::string result;
    WireReader reader(node_def);
    for (WireField field; reader.Next(&field);) {
      const absl::string_view attr = Payload(field.bytes, kValue);
      const absl::string_view tensor = Payload(attr, kTensor);
      const absl::string_view content = Payload(tensor, kTensorContent);
      if (field.number != kAttr || Payload(field.bytes, kKey) != kValueKey || content.size() < min_bytes_) {
        result.append(field.raw.data(), field.raw.size());
        continue;
      }
      const std::string head = WithPayload(tensor, kTensorContent, nullptr);
      const std::string value = WithPayload(attr, kTensor, &head);
      AppendBytesField(kAttr, WithPayload(field.bytes, kValue, &value), &result);
      Value taken;
      taken.bytes = content;
      ContentOfValue(&place);
      taken.place = place;
      values_.push_back(std::move(taken));
    }
    return result;
  }

  const uint64_t min_bytes_;
  std::vector<Value>& values_;
};

std::string Serialized(const ChunkMetadata& metadata) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    metadata.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace

absl::StatusOr<uint64_t> SavedModelSize(absl::Span<Model* const> meta_graphs, const ExportOptions& options) {
  std::string head;
  AppendVarintField(kSchemaVersion, kSchema, &head);
  uint64_t size = head.size();
  for (Model* const model : meta_graphs) {
    ASSIGN_OR_RETURN(const uint64_t meta_graph, MetaGraphDefSize(*model, options));
    size += BytesFieldSize(kMetaGraphs, meta_graph);
  }
  return size;
}

absl::Status ExportSavedModel(absl::Span<Model* const> meta_graphs, ByteSink& sink,
                              const ExportOptions& options) {
  std::string head;
  AppendVarintField(kSchemaVersion, kSchema, &head);
  for (Model* const model : meta_graphs) {
    ASSIGN_OR_RETURN(const uint64_t size, MetaGraphDefSize(*model, options));
    AppendBytesHeader(kMetaGraphs, size, &head);
    RETURN_IF_ERROR(sink.Append(head));
    RETURN_IF_ERROR(ExportMetaGraphDef(*model, sink, options));
    head.clear();
  }
  return sink.Append(head);
}

absl::Status ExportChunkedSavedModel(absl::Span<Model* const> meta_graphs, ByteSink& sink,
                                     const ChunkOptions& chunk_options, const ExportOptions& options) {
  std::vector<Value> values;
  Splitter splitter(chunk_options.min_bytes, &values);
  std::vector<Model> split;
  for (size_t i = 0; i < meta_graphs.size(); ++i) split.push_back(splitter.Split(*meta_graphs[i], i));
  std::vector<Model*> rest;
  for (Model& model : split) rest.push_back(&model);
  ExportOptions quiet = options;
  quiet.progress = nullptr;
  ASSIGN_OR_RETURN(const uint64_t size, SavedModelSize(rest, quiet));
  if (size > kTensorFlowLimit) {
    return absl::InvalidArgumentError(absl::StrCat("without the values of its constants the model still has ",
                                                   size, " bytes, which no reader takes"));
  }

  using Compression = RecordFileWriter::Compression;
  RecordFileWriter writer(&sink, chunk_options.compress ? Compression::kBrotli : Compression::kNone);
  ChunkMetadata metadata;
  metadata.mutable_version()->set_splitter_version(1);
  const auto add_chunk = [&metadata](ChunkInfo::Type type, uint64_t chunk_size, uint64_t position) {
    ChunkInfo* const chunk = metadata.add_chunks();
    chunk->set_type(type);
    chunk->set_size(chunk_size);
    chunk->set_offset(position);
  };
  metadata.mutable_message()->set_chunk_index(0);
  StringSink message;
  RETURN_IF_ERROR(ExportSavedModel(rest, message, quiet));
  ASSIGN_OR_RETURN(const uint64_t first, writer.Append(message.bytes()));
  add_chunk(ChunkInfo::MESSAGE, size, first);
  uint64_t done = 0, total = 0;
  for (const Value& value : values) total += value.size();
  for (Value& value : values) {
    absl::StatusOr<uint64_t> position =
        value.source == nullptr
            ? writer.Append(value.bytes)
            : writer.Append(value.size(), [&](ByteSink& to) { return value.source->Write(to); });
    RETURN_IF_ERROR(position.status());
    value.place.mutable_message()->set_chunk_index(static_cast<uint64_t>(metadata.chunks_size()));
    *metadata.mutable_message()->add_chunked_fields() = std::move(value.place);
    add_chunk(ChunkInfo::BYTES, value.size(), *position);
    done += value.size();
    if (options.progress != nullptr) options.progress(done, total);
  }
  return writer.Append(Serialized(metadata)).status();
}

}  // namespace cryograph
