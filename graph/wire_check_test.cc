#include "graph/wire_check.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/meta_graph.pb.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Bytes(uint32_t number, const std::string& payload) {
  std::string out;
  AppendBytesField(number, payload, &out);
  return out;
}
std::string Varint(uint32_t number, uint64_t value) {
  std::string out;
  AppendVarintField(number, value, &out);
  return out;
}

absl::Status CheckGraph(const std::string& bytes) { return CheckWire(bytes, MessageKind::kGraphDef, "g.pb"); }

// An AttrValue with `depth` messages below it: lists of functions with attributes that are lists of functions
// …
std::string Nested(int depth) {
  constexpr uint32_t kSteps[] = {1, 9, 2, 2};  // list, func, attr, value
  std::string bytes;
  for (int i = depth; i > 0; --i) bytes = Bytes(kSteps[(i - 1) % 4], bytes);
  return bytes;
}

TEST(CheckWireTest, AcceptsAGraph) {
  tensorflow::GraphDef graph;
  tensorflow::NodeDef* node = graph.add_node();
  node->set_name("conv\xc3\xa9");
  node->set_op("Conv2D");
  node->add_input("x");
  (*node->mutable_attr())["f"].set_f(1.5f);
  (*node->mutable_attr())["i"].set_i(-1);
  (*node->mutable_attr())["s"].set_s("\xff\x00");
  tensorflow::TensorProto* tensor = (*node->mutable_attr())["t"].mutable_tensor();
  tensor->set_tensor_content("\xff\xff");
  for (int i = -3; i < 3; ++i) tensor->add_int_val(i);
  tensor->add_double_val(2);
  graph.mutable_versions()->set_producer(27);
  EXPECT_OK(CheckGraph(graph.SerializeAsString()));
  EXPECT_OK(CheckGraph(""));
  EXPECT_TRUE(IsWireValid(graph.SerializeAsString(), MessageKind::kGraphDef));
}

TEST(CheckWireTest, RepeatedNumbersPackedOrNot) {
  const std::string ten_bytes = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  for (const std::string& tensor :
       {Varint(7, 5) + Varint(7, 6), Bytes(7, "\x05\x06"), Bytes(7, ""), Bytes(7, ten_bytes),
        Bytes(7, ten_bytes + "\x01" + ten_bytes), Bytes(5, "abcdefgh"), std::string("\x2d") + "abcd",
        Bytes(6, "abcdefgh"), std::string("\x31") + "abcdefgh", Bytes(7, std::string(1000, '\x05'))}) {
    EXPECT_OK(CheckWire(tensor, MessageKind::kTensorProto, "t")) << testing::PrintToString(tensor);
  }
  for (const std::string& tensor :
       {Bytes(7, "\x80"), Bytes(7, std::string(10, '\xff') + "\x01"), Bytes(5, "abc"), Bytes(6, "abcdefg"),
        Bytes(7, std::string(20, 'a') + std::string(11, '\x80') + std::string(20, 'a'))}) {
    EXPECT_THAT(CheckWire(tensor, MessageKind::kTensorProto, "t"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("packed numbers")))
        << testing::PrintToString(tensor);
  }
}

TEST(CheckWireTest, NamesThePlace) {
  const std::string good_node = Bytes(1, Bytes(1, "a") + Bytes(2, "NoOp"));
  const std::string bad_attr = Bytes(5, Bytes(1, "k") + Bytes(2, Varint(6, 1) + Bytes(6, "")));
  const std::string graph = good_node + good_node + Bytes(1, Bytes(1, "b") + bad_attr) + good_node;
  EXPECT_THAT(
      CheckGraph(graph),
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr("g.pb: not a valid GraphDef: node[2].attr[0].value.type: bytes in place of a "
                               "number"),
                     HasSubstr("(at byte 36 of 49)"))));
}

TEST(CheckWireTest, TextMustBeUtf8InStringFieldsOnly) {
  EXPECT_THAT(CheckGraph(Bytes(1, Bytes(1, "\xff"))),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("node[0].name: the text is not UTF-8")));
  EXPECT_THAT(CheckGraph(Bytes(1, Bytes(3, "x") + Bytes(3, "a long name that ends badly \xe2\x82"))),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("node[0].input[1]: the text is not UTF-8")));
  EXPECT_THAT(CheckGraph(Bytes(1, Bytes(5, Bytes(1, "\xc0\x80")))),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("node[0].attr[0].key")));
  EXPECT_OK(CheckGraph(Bytes(1, Bytes(5, Bytes(1, "k") + Bytes(2, Bytes(2, "\xff"))))));
}

TEST(CheckWireTest, KnownFieldsHaveTheirWireType) {
  for (const std::string& bytes :
       {Varint(1, 5), Bytes(3, "x"), std::string("\x0d") + "abcd", std::string("\x09") + "abcdefgh",
        std::string("\x0b\x0c"), Bytes(1, Varint(1, 1))}) {
    EXPECT_THAT(CheckGraph(bytes), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("in place of")))
        << testing::PrintToString(bytes);
  }
}

TEST(CheckWireTest, UnknownFieldsAreSkippedButFramed) {
  const std::string all = Varint(100, 1) + Bytes(101, "\xff") +
                          "\xb5\x06"
                          "abcd" +
                          "\xb1\x06"
                          "abcdefgh" +
                          "\xbb\x06\x08\x01\xbc\x06";  // Group 103 { 1: 1 }
  EXPECT_OK(CheckGraph(all));
  EXPECT_OK(CheckGraph(Bytes(1, all)));
  EXPECT_THAT(CheckGraph(Bytes(101, "x").substr(0, 3)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("field 101")));
  EXPECT_THAT(CheckGraph("\xbb\x06\x08\x01"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("without its end")));
  EXPECT_THAT(CheckGraph("\xbb\x06\xac\x06"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not begun")));
  EXPECT_THAT(CheckGraph("\xbc\x06"), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not begun")));
  EXPECT_EQ(FirstUnknownField(all, MessageKind::kGraphDef), "field 100");
  EXPECT_EQ(FirstUnknownField(Bytes(1, "") + Bytes(1, Bytes(1, "a") + all), MessageKind::kGraphDef),
            "node[1]: field 100");
  EXPECT_EQ(FirstUnknownField(Bytes(1, Bytes(1, "a")), MessageKind::kGraphDef), "");
}

TEST(CheckWireTest, OneHundredLevels) {
  EXPECT_OK(CheckWire(Nested(100), MessageKind::kAttrValue, "a"));
  EXPECT_THAT(CheckWire(Nested(101), MessageKind::kAttrValue, "a"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("deeper than 100 levels")));
  // Groups count, and a deep chain of them costs no stack.
  std::string groups;
  for (int i = 0; i < 1000000; ++i) groups += "\xbb\x06";
  EXPECT_THAT(CheckGraph(groups), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("deeper than 100 levels")));
}

TEST(CheckWireTest, AgreesWithProtobufOnDepth) {
  tensorflow::AttrValue value;
  EXPECT_TRUE(value.ParseFromString(Nested(100)));
  EXPECT_FALSE(value.ParseFromString(Nested(101)));
}

TEST(CheckWireTest, EveryCutOfAGraphIsSeenOrIsAGraph) {
  tensorflow::GraphDef graph;
  for (const char* name : {"first", "second"}) {
    tensorflow::NodeDef* node = graph.add_node();
    node->set_name(name);
    node->set_op("Const");
    (*node->mutable_attr())["value"].mutable_tensor()->set_tensor_content(std::string(200, '\xff'));
    (*node->mutable_attr())["value"].mutable_tensor()->mutable_tensor_shape()->add_dim()->set_size(50);
  }
  graph.mutable_versions()->set_producer(1000);
  const std::string whole = graph.SerializeAsString();
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    tensorflow::GraphDef parsed;
    const std::string part = whole.substr(0, cut);
    EXPECT_EQ(IsWireValid(part, MessageKind::kGraphDef), parsed.ParseFromString(part)) << cut;
  }
  EXPECT_THAT(CheckGraph(whole.substr(0, 100)),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("node[0]"), HasSubstr("is it truncated?"), HasSubstr("of 100"))));
}

// Protobuf takes a known number with another wire type for an unknown field, and cuts field numbers to 32
// bits: of these two we make errors. In all else it must agree.
TEST(CheckWireTest, RandomDamageIsAnsweredAsProtobufDoes) {
  tensorflow::MetaGraphDef meta;
  meta.mutable_meta_info_def()->add_tags("serve");
  tensorflow::NodeDef* node = meta.mutable_graph_def()->add_node();
  node->set_name("n");
  node->set_op("Const");
  (*node->mutable_attr())["l"].mutable_list()->add_shape()->add_dim()->set_size(-1);
  (*node->mutable_attr())["l"].mutable_list()->add_i(300);
  (*meta.mutable_signature_def())["s"].set_method_name("predict");
  const std::string whole = meta.SerializeAsString();
  uint32_t state = 7;
  int refused = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 2; ++i) {
      state = state * 1664525u + 1013904223u;
      bytes[(state >> 8) % bytes.size()] = static_cast<char>(state >> 24);
    }
    tensorflow::MetaGraphDef parsed;
    const absl::Status status = CheckWire(bytes, MessageKind::kMetaGraphDef, "m");
    if (status.ok()) {
      ASSERT_TRUE(parsed.ParseFromString(bytes)) << testing::PrintToString(bytes);
    } else {
      ++refused;
      const absl::string_view message = status.message();
      if (message.find("in place of") == message.npos && message.find("has the number") == message.npos) {
        ASSERT_FALSE(parsed.ParseFromString(bytes)) << status << testing::PrintToString(bytes);
      }
    }
  }
  EXPECT_GT(refused, 50000);
}

TEST(CheckWireTest, LengthsBeyondTwoGigabytes) {
  constexpr uint64_t kContent = uint64_t{3} << 30;
  // Meta graph, graph, node, attribute, value, tensor, content: tags and lengths from the inside out.
  std::string head;
  uint64_t size = kContent;
  for (const uint32_t number : {4u, 8u, 2u, 5u, 1u, 2u}) {
    std::string tag;
    AppendBytesHeader(number, size, &tag);
    head.insert(0, tag);
    size = BytesFieldSize(number, size);
  }
  const std::string path = testing::TempDir() + "/three_gigabytes";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(std::fwrite(head.data(), 1, head.size(), file), head.size());
  std::fflush(file);
  ASSERT_EQ(ftruncate(fileno(file), static_cast<off_t>(head.size() + kContent)),
            0);  // A hole: it takes no room.
  std::fclose(file);
  {
    ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const MappedFile> mapped, MappedFile::Open(path));
    ASSERT_EQ(mapped->bytes().size(), size);
    EXPECT_OK(CheckWire(mapped->bytes(), MessageKind::kMetaGraphDef, path));
    EXPECT_THAT(CheckWire(mapped->bytes().substr(0, size - 1), MessageKind::kMetaGraphDef, path),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("is it truncated?")));
  }
  std::remove(path.c_str());
}

TEST(CheckWireTest, EveryKindHasItsName) {
  EXPECT_EQ(MessageKindName(MessageKind::kGraphDef), "GraphDef");
  EXPECT_EQ(MessageKindName(MessageKind::kTrackableObjectGraph), "TrackableObjectGraph");
  EXPECT_EQ(MessageKindName(MessageKind::kBundleEntryProto), "BundleEntryProto");
}

TEST(CheckWireTest, Samples) {
  const std::string graph = SharedData("formats/graph/function.pb");
  if (graph.empty()) GTEST_SKIP() << "no sample files beside the project";
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(graph));
  EXPECT_OK(CheckWire(file->bytes(), MessageKind::kGraphDef, graph));
  EXPECT_EQ(FirstUnknownField(file->bytes(), MessageKind::kGraphDef), "");
  for (const char* name : {"savedmodel_tf115", "savedmodel_tf221"}) {
    const std::string path = SharedData(std::string("formats/") + name + "/saved_model.pb");
    ASSERT_OK_AND_ASSIGN(file, MappedFile::Open(path));
    EXPECT_OK(CheckWire(file->bytes(), MessageKind::kSavedModel, path));
    EXPECT_EQ(FirstUnknownField(file->bytes(), MessageKind::kSavedModel), "") << path;
  }
  ASSERT_OK_AND_ASSIGN(const Json cases, ReadJson(SharedData("formats/tensorproto_cases.json")));
  EXPECT_GT(Elements(cases).size(), 60);
  for (const Json& each : Elements(cases)) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes, FromHex(Text(each, "binary_hex")));
    EXPECT_OK(CheckWire(bytes, MessageKind::kTensorProto, Text(each, "case")));
  }
}

}  // namespace
}  // namespace cryograph
