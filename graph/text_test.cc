#include "graph/text.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/meta_graph.pb.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using google::protobuf::TextFormat;
using google::protobuf::util::MessageDifferencer;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

tensorflow::GraphDef Graph(absl::string_view text) {
  tensorflow::GraphDef graph;
  const absl::StatusOr<std::string> bytes = GraphDefFromText(text, "g.pbtxt");
  EXPECT_OK(bytes) << text;
  if (bytes.ok()) {
    EXPECT_TRUE(graph.ParseFromString(*bytes));
  }
  return graph;
}

// The text of an AttrValue within a graph, and what became of it.
tensorflow::AttrValue Attr(absl::string_view value) {
  const tensorflow::GraphDef graph =
      Graph(absl::StrCat("node { name: \"n\" attr { key: \"k\" value { ", value, " } } }"));
  return graph.node_size() == 1 && graph.node(0).attr().count("k") == 1 ? graph.node(0).attr().at("k")
                                                                        : tensorflow::AttrValue();
}

absl::Status Refusal(absl::string_view text) { return GraphDefFromText(text, "g.pbtxt").status(); }
absl::Status AttrRefusal(absl::string_view value) {
  return Refusal(absl::StrCat("node { attr { key: \"k\" value { ", value, " } } }"));
}

TEST(TextAcceptedTest, CommentsSeparatorsAndBrackets) {
  const tensorflow::GraphDef graph = Graph(
      "# before { \"\n"
      "node { name: \"a\", op: 'X'; input: [\"p\", 'q'] } # between }\r\n"
      "node < name: \"b\" >, node: { name: \"c\" };\r\n"
      "node: [{ name: \"d\" }, < name: 'e' >] node: []"
      "versions{producer:27 bad_consumers:[1,2] bad_consumers: [] bad_consumers: 3}#end");
  ASSERT_EQ(graph.node_size(), 5);
  EXPECT_EQ(graph.node(0).op(), "X");
  EXPECT_EQ(graph.node(0).input(1), "q");
  EXPECT_EQ(graph.node(4).name(), "e");
  EXPECT_EQ(graph.versions().bad_consumers_size(), 3);
}

TEST(TextAcceptedTest, StringsAndEscapes) {
  EXPECT_EQ(Attr(R"(s: "ab" 'cd' "\"'" )").s(), "abcd\"'");
  EXPECT_EQ(Attr("s: \"ab\" # comment\n\r\n 'cd'").s(), "abcd");
  EXPECT_EQ(Attr(R"(s: "\a\b\f\n\r\t\v\\\'\"\?")").s(), "\a\b\f\n\r\t\v\\'\"?");
  EXPECT_EQ(Attr(R"(s: "\303\251\0\7z\x41\xe9")").s(), std::string("\303\251\0\7zA\xe9", 7));
  EXPECT_EQ(Attr(R"(s: "\u00e9\U0001F600")").s(), "\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(Attr("s: \"\xff\xfe\"").s(), "\xff\xfe");
  EXPECT_EQ(Attr("s: \"{ ] > # \"").s(), "{ ] > # ");
}

TEST(TextAcceptedTest, Numbers) {
  EXPECT_EQ(Attr("f: inf").f(), std::numeric_limits<float>::infinity());
  EXPECT_EQ(Attr("f: -inf").f(), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(Attr("f: infinity").f(), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(Attr("f: nan").f()));
  EXPECT_EQ(Attr("f: 1.5f").f(), 1.5f);
  EXPECT_EQ(Attr("f: 1e+3").f(), 1000.f);
  EXPECT_EQ(Attr("f: - .5").f(), -.5f);
  EXPECT_EQ(Attr("i: 0x1F").i(), 31);
  EXPECT_EQ(Attr("i: 017").i(), 15);
  EXPECT_EQ(Attr("i: -9223372036854775808").i(), std::numeric_limits<int64_t>::min());
}

TEST(TextAcceptedTest, BooleansAndEnums) {
  for (const char* yes : {"true", "t", "1", "True"}) EXPECT_TRUE(Attr(absl::StrCat("b: ", yes)).b()) << yes;
  for (const char* no : {"false", "f", "0", "False"}) {
    const tensorflow::AttrValue value = Attr(absl::StrCat("b: ", no));
    EXPECT_EQ(value.value_case(), tensorflow::AttrValue::kB);
    EXPECT_FALSE(value.b()) << no;
  }
  EXPECT_EQ(Attr("type: DT_INT32").type(), 3);
  EXPECT_EQ(Attr("type: 3").type(), 3);
  EXPECT_EQ(Attr("type: 1234").type(), 1234);
  EXPECT_EQ(Attr("type: -5").type(), -5);
}

TEST(TextAcceptedTest, Maps) {
  const tensorflow::GraphDef graph = Graph(
      "node { attr { key: 'k' value { i: 1 } } attr { value { i: 2 } key: 'k' } attr { key: 'only' } attr { "
      "value { i: 3 } } }");
  EXPECT_EQ(graph.node(0).attr().size(), 3u);
  EXPECT_EQ(graph.node(0).attr().at("k").i(), 2);
  EXPECT_EQ(graph.node(0).attr().at("").i(), 3);
}

TEST(TextAcceptedTest, ExpandedAny) {
  ASSERT_OK_AND_ASSIGN(
      const std::string bytes,
      MessageFromText(MessageKind::kMetaGraphDef,
                      "collection_def { key: 'saved_model_assets' value { any_list { value {\n"
                      "[type.googleapis.com/tensorflow.AssetFileDef] { filename: 'vocab' } } value {\n"
                      "[type.googleapis.com/tensorflow.serving.AssetFile] { filename: 'old' } } } } }",
                      "m.pbtxt"));
  tensorflow::MetaGraphDef meta;
  ASSERT_TRUE(meta.ParseFromString(bytes));
  const google::protobuf::Any& any = meta.collection_def().at("saved_model_assets").any_list().value(0);
  EXPECT_EQ(any.type_url(), "type.googleapis.com/tensorflow.AssetFileDef");
  tensorflow::AssetFileDef asset;
  ASSERT_TRUE(any.UnpackTo(&asset));
  EXPECT_EQ(asset.filename(), "vocab");
}

TEST(TextAcceptedTest, AByteOrderMarkAtTheStartOnly) {
  EXPECT_EQ(Graph("\xef\xbb\xbfnode { name: 'a' }").node(0).name(), "a");
  EXPECT_THAT(Refusal("node {} \xef\xbb\xbfnode {}"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TextAcceptedTest, AnEmptyTextIsAnEmptyMessage) {
  EXPECT_EQ(Graph("").ByteSizeLong(), 0u);
  EXPECT_EQ(Graph("  # nothing\n").ByteSizeLong(), 0u);
}

TEST(TextRefusedTest, WithLineAndColumn) {
  EXPECT_THAT(Refusal("node { name: 'a' }\n  nodee { name: 'b' }\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(StartsWith("g.pbtxt:2:9: "), HasSubstr("has no field named \"nodee\""))));
  EXPECT_THAT(Refusal("node {}\nnode {\n  name: 'b'\n\top: 5\n}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("g.pbtxt:4:6: ")));
  EXPECT_THAT(Refusal("node {}\n\n\n"
                      "library { function {\n  oops: 1 } }"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("g.pbtxt:5:7: ")));
}

TEST(TextRefusedTest, NamesAndNumbersOfFields) {
  for (const char* text : {"nodes {}",
                           "1 {}",
                           "1: 5",
                           "Node {}",
                           "NODE {}",
                           "node { Name: 'a' }",
                           "node",
                           "node {",
                           "node }",
                           "}",
                           "node {}}",
                           "node {{}}",
                           "node { name: }",
                           "node ( )",
                           "node {>",
                           "node <}",
                           "{",
                           "\"node\" {}",
                           "[tensorflow.ext] {}",
                           ", node {}",
                           "node {},,",
                           "node {};, node {}",
                           "version: 5library {}",
                           "version: 5 5",
                           "version",
                           "version:",
                           "version: {}",
                           "node: 5",
                           "node { name: \"a }",
                           "[",
                           "[[[",
                           "-",
                           "node - {}",
                           "node {] }",
                           "\\",
                           "node [ {} ]x"}) {
    EXPECT_THAT(Refusal(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(TextRefusedTest, SingularFieldsGivenTwice) {
  EXPECT_THAT(
      Refusal("versions {} node {} versions {}"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(StartsWith("g.pbtxt:1:21: "), HasSubstr("\"versions\" is specified multiple times"))));
  EXPECT_THAT(Refusal("version: 1 version: 1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refusal("library {} library {}"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refusal("node { name: 'a' name: 'b' }"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(AttrRefusal("shape {} shape {}"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(AttrRefusal("i: 1 f: 2"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MessageFromText(MessageKind::kMetaGraphDef, "graph_def {} graph_def {}", "m"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TextRefusedTest, Values) {
  for (const char* value : {"i: 1.0",
                            "i: 9223372036854775808",
                            "i: -9223372036854775809",
                            "f: 0x10",
                            "f: 010",
                            "b: TRUE",
                            "b: yes",
                            "b: 2",
                            "type: DT_NOTHING",
                            "type: dt_int32",
                            "s: 'a\nb'",
                            "s: '\\q'",
                            "s: 5",
                            "i: '5'",
                            "i: 1e3",
                            "tensor { uint32_val: -1 }",
                            "tensor { int_val: 2147483648 }",
                            "i: 09",
                            "i: 0x",
                            "placeholder: '\\377'"}) {
    EXPECT_THAT(AttrRefusal(value), StatusIs(absl::StatusCode::kInvalidArgument)) << value;
  }
  EXPECT_THAT(AttrRefusal(absl::string_view("s: 'a\0b'", 8)), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TextRefusedTest, AZeroByteInAComment) {
  EXPECT_THAT(Refusal(absl::string_view("# a\0b\n", 6)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refusal(absl::string_view("node { # a\0b\n}", 15)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TextRefusedTest, DepthIsLimited) {
  const auto nested = [](int cycles) {
    std::string text = "name: 'f'";
    for (int i = 0; i < cycles; ++i) text = absl::StrCat("attr{key:'k' value{list{func{", text, "}}}}");
    return absl::StrCat("node{", text.substr(0, text.size()), "}");
  };
  // A node, and in each round entry, value, list and func: 1 + 4 * 24 levels.
  const auto node = [&](int cycles) { return absl::StrReplaceAll(nested(cycles), {{"name: 'f'", ""}}); };
  EXPECT_OK(Refusal(node(24)));
  EXPECT_THAT(Refusal(node(25)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refusal(node(2000)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refusal(std::string(1000000, '{')), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refusal("node " + std::string(1000000, '<')), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TextReaderTest, BytesAreInTheOrderOfNumbersAndMapsSorted) {
  ASSERT_OK_AND_ASSIGN(
      const std::string a,
      GraphDefFromText("versions { producer: 1 } node { attr { key: 'b' value { i: 1 } } attr { key: 'a' "
                       "value { i: 2 } } } library { gradient { function_name: 'f' } function {} } "
                       "node { name: 'z' }",
                       "a"));
  ASSERT_OK_AND_ASSIGN(
      const std::string b,
      GraphDefFromText("node { attr { key: 'a' value { i: 2 } } attr { key: 'b' value { i: 1 } } } "
                       "node { name: 'z' } library { function {} gradient { function_name: 'f' } } "
                       "versions { producer: 1 }",
                       "b"));
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.substr(0, 8), std::string("\x0a\x12\x2a\x07\x0a\x01"
                                        "a\x12",
                                        8));
}

TEST(TextWriterTest, PrintsAsProtobufDoes) {
  ASSERT_OK_AND_ASSIGN(
      const std::string bytes,
      GraphDefFromText(
          "node { name: 'caf\xc3\xa9' op: 'Const' input: 'x' input: '^y' attr { key: 'z' value { f: 0.1 } } "
          "attr { key: 'a' value { s: '\\000\\377\\n\"' } } attr { key: 'l' value { list { i: [1, 2] } } } } "
          "node {} library { function { signature { name: 'F' } ret { key: 'b' value: 'c' } ret { key: 'a' "
          "value: 'd' } } gradient { function_name: 'F' } } version: 3 versions { producer: 27 "
          "bad_consumers: [1, 2] }",
          "t"));
  tensorflow::GraphDef graph;
  ASSERT_TRUE(graph.ParseFromString(bytes));
  std::string expected;
  TextFormat::PrintToString(graph, &expected);
  EXPECT_THAT(expected, HasSubstr("  name: \"caf\\303\\251\"\n"));
  ASSERT_OK_AND_ASSIGN(const std::string text, MessageToText(MessageKind::kGraphDef, bytes));
  EXPECT_EQ(text, expected);
  std::string nodes;
  for (const tensorflow::NodeDef& node : graph.node()) {
    EXPECT_OK(AppendNodeText(node.SerializeAsString(), false, &nodes));
  }
  EXPECT_THAT(expected, StartsWith(nodes));
}

TEST(TextWriterTest, PartsOfOneMessageAreMerged) {
  tensorflow::GraphDef one, two;
  one.mutable_versions()->set_producer(5);
  one.add_node()->set_name("a");
  two.mutable_versions()->add_bad_consumers(7);
  two.add_node()->set_name("b");
  two.set_version(9);
  const std::string bytes = one.SerializeAsString() + two.SerializeAsString();
  tensorflow::GraphDef both;
  ASSERT_TRUE(both.ParseFromString(bytes));
  std::string expected;
  TextFormat::PrintToString(both, &expected);
  ASSERT_OK_AND_ASSIGN(const std::string text, MessageToText(MessageKind::kGraphDef, bytes));
  EXPECT_EQ(text, expected);
}

TEST(TextWriterTest, EveryByteAndLongStringsAreEscapedAsProtobufDoes) {
  std::string bytes;
  for (int i = 0; i < 100000; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  tensorflow::NodeDef node;
  node.set_name("quotes ' and \" and \\ and caf\xc3\xa9");
  (*node.mutable_attr())["v"].mutable_tensor()->set_tensor_content(bytes);
  (*node.mutable_attr())["e"].mutable_tensor()->add_string_val("");
  std::string expected, text;
  TextFormat::PrintToString(node, &expected);
  ASSERT_OK_AND_ASSIGN(text, MessageToText(MessageKind::kNodeDef, node.SerializeAsString()));
  EXPECT_EQ(text, expected);
  tensorflow::GraphDef graph;
  *graph.add_node() = node;
  TextFormat::PrintToString(graph, &expected);
  text.clear();
  EXPECT_OK(AppendNodeText(node.SerializeAsString(), false, &text));
  EXPECT_EQ(text, expected);
}

TEST(TextWriterTest, OfAOneofTheLastMemberCounts) {
  std::string bytes;
  AppendBytesField(9, "p", &bytes);  // placeholder
  AppendVarintField(3, 5, &bytes);   // i
  EXPECT_EQ(MessageToText(MessageKind::kAttrValue, bytes).value(), "i: 5\n");
}

TEST(TextWriterTest, UnknownFieldsAreRefusedOrDropped) {
  std::string node;
  AppendBytesField(1, "a", &node);
  AppendVarintField(100, 5, &node);
  std::string graph;
  AppendBytesField(1, node, &graph);
  AppendBytesField(99, "x", &graph);
  EXPECT_THAT(MessageToText(MessageKind::kGraphDef, graph),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("node[0]: field 100")));
  EXPECT_THAT(MessageToText(MessageKind::kGraphDef, graph, true).value(), "node {\n  name: \"a\"\n}\n");
  std::string text;
  EXPECT_THAT(AppendNodeText(node, false, &text),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("field 100")));
  EXPECT_EQ(text, "");
  EXPECT_OK(AppendNodeText(node, true, &text));
  EXPECT_EQ(text, "node {\n  name: \"a\"\n}\n");
}

TEST(TextWriterTest, DamagedBytesAreDataLoss) {
  EXPECT_THAT(MessageToText(MessageKind::kGraphDef, "\x0a\x05x"), StatusIs(absl::StatusCode::kDataLoss));
  std::string text;
  EXPECT_THAT(AppendNodeText("\x0a", false, &text), StatusIs(absl::StatusCode::kDataLoss));
}

// One parse of the whole by protobuf: what the pieces must add up to.
template <typename Message>
void ExpectAsWhole(MessageKind kind, const std::string& text) {
  Message expected, actual;
  TextFormat::Parser parser;
  const bool valid = parser.ParseFromString(text, &expected);
  const absl::StatusOr<std::string> bytes = MessageFromText(kind, text, "t");
  ASSERT_EQ(bytes.ok(), valid) << bytes.status() << "\n" << text;
  if (!valid) return;
  ASSERT_TRUE(actual.ParseFromString(*bytes));
  ASSERT_TRUE(MessageDifferencer::Equals(expected, actual)) << text;
  std::string printed;
  TextFormat::PrintToString(expected, &printed);
  ASSERT_OK_AND_ASSIGN(const std::string ours, MessageToText(kind, *bytes));
  ASSERT_EQ(ours, printed);
}

TEST(TextTest, DamagedTextsAreAnsweredAsTheWholeWouldBe) {
  const std::string text =
      "meta_info_def{tags:\"serve\" tags:'gpu' stripped_op_list{op{name:\"A\"}}} # c\n"
      "graph_def<node{name:\"a\" op:'C' attr{key:\"v\" value{tensor{dtype:DT_FLOAT "
      "float_val:[1,-2.5e-3]}}}}, node{}\n"
      "library:{function{signature{name:\"F\"}}gradient<>}versions{producer:2};>\n"
      "saver_def{version:V2 max_to_keep:0x5}\n"
      "collection_def{key:\"k\" "
      "value{int64_list{value:[]}}}signature_def{key:\"s\"value{method_name:\"m\"\"n\"}}";
  ExpectAsWhole<tensorflow::MetaGraphDef>(MessageKind::kMetaGraphDef, text);
  const google::protobuf::LogSilencer silencer;
  uint32_t state = 1;
  const auto random = [&state](size_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  const std::string letters = "{}<>[]:,;#\"'\\ \n-.5xe_k";
  for (int round = 0; round < 30000; ++round) {
    std::string damaged = text;
    for (size_t edits = 1 + random(2); edits > 0; --edits) {
      const size_t at = random(damaged.size());
      switch (random(4)) {
        case 0:
          damaged.erase(at, 1 + random(4));
          break;
        case 1:
          damaged.insert(at, 1, letters[random(letters.size())]);
          break;
        case 2:
          damaged[at] = letters[random(letters.size())];
          break;
        default:
          damaged.insert(at, damaged.substr(random(damaged.size()), random(30)));
      }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAsWhole<tensorflow::MetaGraphDef>(MessageKind::kMetaGraphDef, damaged));
  }
}

std::string ReadShared(const std::string& name) {
  const absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(SharedData(name));
  EXPECT_OK(file);
  return file.ok() ? std::string((*file)->bytes()) : "";
}

TEST(TextSamplesTest, TheSameGraphInBothForms) {
  if (SharedData("formats").empty()) GTEST_SKIP() << "no sample files beside the project";
  const std::string text = ReadShared("formats/graph/function.pbtxt");
  tensorflow::GraphDef binary;
  ASSERT_TRUE(binary.ParseFromString(ReadShared("formats/graph/function.pb")));
  EXPECT_TRUE(MessageDifferencer::Equals(Graph(text), binary));
  ExpectAsWhole<tensorflow::GraphDef>(MessageKind::kGraphDef, text);
}

TEST(TextSamplesTest, TheSameSavedModelInBothForms) {
  if (SharedData("formats").empty()) GTEST_SKIP() << "no sample files beside the project";
  ASSERT_OK_AND_ASSIGN(const std::string bytes,
                       MessageFromText(MessageKind::kSavedModel,
                                       ReadShared("formats/savedmodel_tf115_text/saved_model.pbtxt"), "s"));
  tensorflow::SavedModel from_text, binary;
  ASSERT_TRUE(from_text.ParseFromString(bytes));
  ASSERT_TRUE(binary.ParseFromString(ReadShared("formats/savedmodel_tf115/saved_model.pb")));
  ASSERT_EQ(from_text.meta_graphs_size(), binary.meta_graphs_size());
  EXPECT_TRUE(MessageDifferencer::Equals(from_text.meta_graphs(0).signature_def().at("serving_default"),
                                         binary.meta_graphs(0).signature_def().at("serving_default")));
  ASSERT_OK_AND_ASSIGN(const std::string text,
                       MessageToText(MessageKind::kSavedModel, binary.SerializeAsString()));
  ExpectAsWhole<tensorflow::SavedModel>(MessageKind::kSavedModel, text);
}

TEST(TextSamplesTest, Cases) {
  if (SharedData("formats").empty()) GTEST_SKIP() << "no sample files beside the project";
  ASSERT_OK_AND_ASSIGN(const Json tensors, ReadJson(SharedData("formats/tensorproto_cases.json")));
  for (const Json& each : Elements(tensors)) {
    ASSERT_OK_AND_ASSIGN(const std::string expected, FromHex(Text(each, "binary_hex")));
    ASSERT_OK_AND_ASSIGN(const std::string bytes,
                         MessageFromText(MessageKind::kTensorProto, Text(each, "text"), Text(each, "case")));
    EXPECT_EQ(bytes, expected) << Text(each, "case");
  }
  int graphs = 0;
  for (const char* name : {"formats/graphdef_cases.json", "formats/function_cases.json"}) {
    ASSERT_OK_AND_ASSIGN(const Json cases, ReadJson(SharedData(name)));
    for (const Json& each : Elements(cases)) {
      ASSERT_NO_FATAL_FAILURE(ExpectAsWhole<tensorflow::GraphDef>(MessageKind::kGraphDef, Text(each, "text")))
          << Text(each, "case");
      ++graphs;
    }
  }
  EXPECT_EQ(graphs, 64);
}

}  // namespace
}  // namespace cryograph
