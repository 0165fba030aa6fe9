// Importing one graph into another: against what TensorFlow made of the same pairs, and what it has no word
// for.
#include "graph/import_into.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/text.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "tests/json.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

Model ModelOf(absl::string_view text) {
  absl::StatusOr<std::string> bytes = GraphDefFromText(text, "test");
  EXPECT_OK(bytes);
  if (!bytes.ok()) return Model();
  const auto file = MappedFile::FromString("test", *std::move(bytes));
  absl::StatusOr<Model> model = ImportGraphDef(file->bytes(), file, "test");
  EXPECT_OK(model);
  return model.ok() ? *std::move(model) : Model();
}

// "name op input input device class class", sorted.
std::vector<std::string> Lines(Model& model) {
  std::vector<std::string> lines;
  for (Node node : model.graph().nodes()) {
    std::string line = absl::StrCat(node.name(), " ", node.op());
    for (int i = 0; i < node.num_inputs(); ++i) {
      const int32_t port = node.input(i).index;
      absl::StrAppend(&line, " ", node.input_node(i).name(), port == 0 ? "" : absl::StrCat(":", port));
    }
    for (const ControlEdge& edge : node.control_inputs()) {
      absl::StrAppend(&line, " ^", model.graph().node(edge.node).name());
    }
    absl::StrAppend(&line, " device=", node.device());
    for (const absl::string_view each : node.attr("_class").list_s()) absl::StrAppend(&line, " ", each);
    if (node.has_attr("_output_shapes")) absl::StrAppend(&line, " shapes");
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> Lines(const Json& nodes) {
  std::vector<std::string> lines;
  for (const Json& node : Elements(nodes)) {
    std::string line = absl::StrCat(Text(node, "name"), " ", Text(node, "op"));
    for (const Json& input : Elements(Member(node, "input")))
      absl::StrAppend(&line, " ", input.string_value());
    absl::StrAppend(&line, " device=", Text(node, "device"));
    for (const Json& each : Elements(Member(node, "class"))) absl::StrAppend(&line, " ", each.string_value());
    if (Member(node, "output_shapes").bool_value()) absl::StrAppend(&line, " shapes");
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string Bytes(Model& model) {
  StringSink sink;
  EXPECT_OK(ExportGraphDef(model, sink));
  return sink.bytes();
}

TEST(ImportIntoTest, DoesAsTensorFlow) {
  ASSERT_OK_AND_ASSIGN(const Json cases, ReadJson("graph/testdata/import_cases.json"));
  EXPECT_GT(Elements(cases).size(), 50);
  for (const Json& each : Elements(cases)) {
    SCOPED_TRACE(Text(each, "case"));
    const auto model_of = [](std::string text) {
      if (!absl::StrContains(text, "versions")) text += "versions { producer: 100 }";
      return ModelOf(text);
    };
    Model target = model_of(Text(each, "target")), source = model_of(Text(each, "source"));
    const Json& given = Member(each, "options");
    ImportIntoOptions options;
    if (HasMember(given, "prefix")) options.prefix = Text(given, "prefix");
    const Json& input_map = Member(given, "input_map");
    for (const std::string& key : Keys(input_map)) options.input_map.emplace_back(key, Text(input_map, key));
    for (const Json& name : Elements(Member(given, "return")))
      options.return_elements.push_back(name.string_value());
    const Json& expected = Member(each, "result");
    const std::vector<std::string> before = Lines(target);
    const absl::StatusOr<ImportIntoResult> result = ImportInto(target, source, options);
    if (HasMember(expected, "error")) {
      EXPECT_FALSE(result.ok()) << "TensorFlow says: " << Text(expected, "error");
      EXPECT_EQ(Lines(target), before);
      continue;
    }
    ASSERT_OK(result);
    EXPECT_EQ(Lines(target), Lines(Member(expected, "nodes")));
    EXPECT_OK(FindingsStatus(Verify(target)));
    std::vector<std::string> returned;
    for (const Json& name : Elements(Member(expected, "returned"))) returned.push_back(name.string_value());
    EXPECT_EQ(result->return_elements, returned);
    std::vector<std::string> functions;
    for (const Json& name : Elements(Member(expected, "functions"))) functions.push_back(name.string_value());
    std::vector<std::string> ours;
    for (const Function& function : target.functions()) ours.emplace_back(function.name());
    EXPECT_EQ(ours, functions);
    std::vector<int> versions;
    for (const Json& number : Elements(Member(expected, "versions"))) {
      versions.push_back(static_cast<int>(number.number_value()));
    }
    std::vector<int> our_versions = {target.versions().producer, target.versions().min_consumer};
    our_versions.insert(our_versions.end(), target.versions().bad_consumers.begin(),
                        target.versions().bad_consumers.end());
    EXPECT_EQ(our_versions, versions);
    // What was made can be written and read.
    EXPECT_FALSE(Bytes(target).empty());
  }
}

constexpr char kFloat[] = " attr { key: 'T' value { type: DT_FLOAT } } ";
constexpr char kX[] = "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } }\n";

TEST(ImportIntoTest, BytesOutliveTheSource) {
  Model target = ModelOf(kX);
  std::string expected;
  {
    Model source = ModelOf(absl::StrCat(kX,
                                        "node { name: 'c' op: 'Const' attr { key: 'dtype' value { type: "
                                        "DT_STRING } } attr { key: 'value' value { "
                                        "tensor { dtype: DT_STRING tensor_shape {} string_val: '",
                                        std::string(10000, 'q'), "' } } } }"));
    source.graph().SetAttr(source.graph().Find("x"), "mark", AttrString("edited in the source"));
    ASSERT_OK(ImportInto(target, source));
  }
  const std::string bytes = Bytes(target);
  EXPECT_THAT(bytes, AllOf(HasSubstr(std::string(10000, 'q')), HasSubstr("edited in the source"),
                           HasSubstr("import/c")));
}

TEST(ImportIntoTest, UnknownFieldsGoAlong) {
  // Field 200 of a NodeDef, which nobody knows.
  const std::string node = "\x0a\x01z\x12\x04NoOp\xc2\x0c\x05later";
  const auto file = MappedFile::FromString(
      "test", absl::StrCat("\x0a", std::string(1, static_cast<char>(node.size())), node));
  ASSERT_OK_AND_ASSIGN(Model source, ImportGraphDef(file->bytes(), file, "test"));
  Model target;
  ASSERT_OK(ImportInto(target, source));
  EXPECT_THAT(Bytes(target), HasSubstr("later"));
}

std::string Library(absl::string_view op, absl::string_view outer = "g") {
  return absl::StrCat(
      "library { function { signature { name: 'f' input_arg { name: 'a' type: DT_FLOAT } output_arg { name: "
      "'b' type: "
      "DT_FLOAT } } node_def { name: 'n' op: '",
      op, "' input: 'a'", kFloat,
      "} ret { key: 'b' value: 'n:activations:0' } }\n function { signature { name: '", outer,
      "' input_arg { name: 'a' type: DT_FLOAT } output_arg { name: 'b' type: DT_FLOAT } } node_def { name: "
      "'n' op: 'f' "
      "input: 'a' } ret { key: 'b' value: 'n:b:0' } }\n gradient { function_name: 'g' gradient_func: 'f' } "
      "}\n");
}
std::string Calls() {
  return absl::StrCat(
      kX, "node { name: 'c' op: 'g' input: 'x' }\n",
      "node { name: 'p' op: 'PartitionedCall' input: 'x' attr { key: 'Tin' value { list { type: DT_FLOAT } "
      "} } attr { key: 'Tout' value { list { type: DT_FLOAT } } } attr { key: 'f' value { func { name: 'g' "
      "} } } }\n");
}

TEST(ImportIntoTest, FunctionsThatDifferAreRenamedWithTheirCallers) {
  Model target = ModelOf(Calls() + Library("Relu")), source = ModelOf(Calls() + Library("Elu"));
  ImportIntoOptions options;
  options.prefix = "second";
  EXPECT_THAT(ImportInto(target, source, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("both models have a function 'f', and the two differ")));
  options.rename_functions = true;
  ASSERT_OK_AND_ASSIGN(const ImportIntoResult result, ImportInto(target, source, options));
  EXPECT_THAT(result.renamed_functions, ElementsAre(Pair("f", "second_f"), Pair("g", "second_g")));
  Graph& graph = target.graph();
  EXPECT_EQ(graph.Find("second/c").op(), "second_g");
  EXPECT_EQ(graph.Find("second/p").attr("f").func_name(), "second_g");
  EXPECT_EQ(graph.Find("p").attr("f").func_name(), "g");
  ASSERT_EQ(target.functions().size(), 4u);
  ASSERT_OK_AND_ASSIGN(Graph * body, target.functions()[3].body());
  EXPECT_EQ(body->Find("n").op(), "second_f");
  EXPECT_OK(FindingsStatus(Verify(target)));
  // A third time it is the same as the second.
  Model third = ModelOf(Calls() + Library("Relu"));
  options.prefix = "third";
  ASSERT_OK_AND_ASSIGN(const ImportIntoResult again, ImportInto(target, third, options));
  EXPECT_THAT(again.renamed_functions, IsEmpty());
  EXPECT_EQ(again.shared_functions, 2);
}

TEST(ImportIntoTest, LoopsAndResourcesStayApart) {
  const std::string graph = absl::StrCat(
      kX, "node { name: 'e' op: 'Enter' input: 'x' attr { key: 'frame_name' value { s: 'loop' } }", kFloat,
      "}\n",
      "node { name: 'v' op: 'VarHandleOp' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' "
      "value { shape "
      "{} } } attr { key: 'shared_name' value { s: 'w' } } }\n");
  Model target = ModelOf(graph), source = ModelOf(graph), third = ModelOf(graph);
  ASSERT_OK_AND_ASSIGN(const ImportIntoResult result, ImportInto(target, source));
  EXPECT_THAT(result.renamed_frames, ElementsAre("loop -> import/loop"));
  EXPECT_EQ(target.graph().Find("import/e").attr<std::string>("frame_name", ""), "import/loop");
  // One variable, as in TensorFlow …
  EXPECT_EQ(target.graph().Find("import/v").attr<std::string>("shared_name", ""), "w");
  // … unless they shall be two.
  ImportIntoOptions options;
  options.separate_resources = true;
  ASSERT_OK_AND_ASSIGN(const ImportIntoResult apart, ImportInto(target, third, options));
  EXPECT_EQ(apart.prefix, "import_1");
  EXPECT_THAT(apart.renamed_resources, ElementsAre("w -> import_1/w"));
  EXPECT_EQ(target.graph().Find("import_1/v").attr<std::string>("shared_name", ""), "import_1/w");
}

TEST(ImportIntoTest, AttributesThatTheConsumerDoesNotKnowGo) {
  const auto source_of = [](absl::string_view value) {
    return absl::StrCat(kX, "node { name: 'm' op: 'MatMul' input: 'x' input: 'x'", kFloat,
                        "attr { key: 'grad_a' value { b: ", value, " } } }");
  };
  // OpList { op { name: "MatMul" attr { name: "grad_a" type: "bool" default_value { b: false } } } }.
  std::string default_value, attr, op;
  default_value = AttrBool(false);
  attr = absl::StrCat("\x0a\x06grad_a\x12\x04", "bool", "\x1a",
                      std::string(1, static_cast<char>(default_value.size())), default_value);
  op = absl::StrCat("\x0a\x06MatMul\x22", std::string(1, static_cast<char>(attr.size())), attr);
  ImportIntoOptions options;
  options.producer_op_list = absl::StrCat("\x0a", std::string(1, static_cast<char>(op.size())), op);
  options.consumer = Release::k1_15;
  Model target, source = ModelOf(source_of("false"));
  ASSERT_OK_AND_ASSIGN(const ImportIntoResult result, ImportInto(target, source, options));
  EXPECT_EQ(result.stripped_attrs, 1);
  EXPECT_FALSE(target.graph().Find("import/m").has_attr("grad_a"));
  // Another value than the default means something, and stays.
  Model second, other = ModelOf(source_of("true"));
  ASSERT_OK(ImportInto(second, other, options));
  EXPECT_TRUE(second.graph().Find("import/m").has_attr("grad_a"));
}

TEST(ImportIntoTest, ErrorsNameWhatIsNear) {
  Model target = ModelOf(kX);
  const auto error = [&](const ImportIntoOptions& options) {
    Model source = ModelOf(absl::StrCat(kX, "node { name: 'relu' op: 'Relu' input: 'x'", kFloat, "}"));
    return std::string(ImportInto(target, source, options).status().message());
  };
  ImportIntoOptions options;
  options.return_elements = {"rleu:0"};
  EXPECT_THAT(error(options), HasSubstr("has no node 'rleu'; did you mean 'relu'?"));
  options.return_elements = {};
  options.input_map = {{"x", "xx"}};
  EXPECT_THAT(error(options), HasSubstr("input_map takes 'x' to 'xx', but the target has no node 'xx'"));
  options.input_map = {{"^x", "x"}};
  EXPECT_THAT(error(options), HasSubstr("only one of them is a control input"));
  options.input_map = {{"x", "x:4"}};
  EXPECT_THAT(error(options), HasSubstr("'x' (Placeholder) has 1 output(s)"));
  options.input_map = {{"x:-1", "x"}};
  EXPECT_THAT(error(options), HasSubstr("'x:-1' is no name of a node or tensor"));
}

}  // namespace
}  // namespace cryograph
