#include "tools/graph_comparison.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Model FromText(absl::string_view text) {
  absl::StatusOr<std::string> bytes = GraphDefFromText(text, "test");
  EXPECT_THAT(bytes, IsOk()) << text;
  auto owner = std::make_shared<std::string>(bytes.ok() ? *std::move(bytes) : "");
  absl::StatusOr<Model> model = ImportGraphDef(*owner, owner, "test");
  EXPECT_THAT(model, IsOk()) << text;
  return model.ok() ? *std::move(model) : Model();
}

TEST(CompareNodesTest, SaysWhatTensorFlowSays) {
  std::ifstream cases("tools/testdata/compare_graphs_cases.txt");
  std::string line, actual, expected;
  int count = 0;
  while (std::getline(cases, line)) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "actual ")) {
      actual = std::string(rest);
    } else if (absl::ConsumePrefix(&rest, "expected ")) {
      expected = std::string(rest);
    } else if (absl::ConsumePrefix(&rest, "says")) {
      Model a = FromText(actual), e = FromText(expected);
      ASSERT_OK_AND_ASSIGN(const std::vector<std::string> differences, CompareNodes(a, e, {}));
      EXPECT_EQ(differences.empty() ? "" : differences[0], absl::StripPrefix(rest, " ")) << actual << "\n"
                                                                                         << expected;
      ++count;
    }
  }
  EXPECT_GT(count, 50);
}

TEST(CompareNodesTest, ListsEveryDifference) {
  Model actual = FromText(R"(node { name: "a" op: "Add" } node { name: "c" op: "NoOp" })");
  Model expected = FromText(R"(node { name: "a" op: "Mul" device: "/cpu:0" } node { name: "b" op: "NoOp" })");
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> differences, CompareNodes(actual, expected, {}));
  EXPECT_THAT(differences, ElementsAre("Node named 'a' has op 'Add' that is not expected 'Mul'",
                                       "Node named 'a' has device '' that is not expected '/cpu:0'",
                                       "Did not find expected node '{{node b}} = NoOp[]()'",
                                       "Found unexpected node '{{node c}} = NoOp[]()'"));
}

TEST(CompareNodesTest, IgnoresWhatItIsTold) {
  Model actual = FromText(R"(node { name: "a" op: "MatMul" device: "/cpu:0"
      attr { key: "transpose_a" value { b: false } } })");
  Model expected = FromText(R"(node { name: "a" op: "MatMul" })");
  ComparisonOptions options;
  options.ignore_device = true;
  options.ignore_default_attrs = true;
  ASSERT_OK_AND_ASSIGN(std::vector<std::string> differences, CompareNodes(actual, expected, options));
  EXPECT_THAT(differences, IsEmpty());
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(expected, actual, options));
  EXPECT_THAT(differences, IsEmpty());
  Model transposed =
      FromText(R"(node { name: "a" op: "MatMul" attr { key: "transpose_a" value { b: true } } })");
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(transposed, expected, options));
  EXPECT_THAT(differences, ElementsAre("Node named 'a' has unexpected attr 'transpose_a' with value: true"));
}

TEST(CompareNodesTest, ToleranceIsOfFloatConstants) {
  const auto constant = [](absl::string_view type, absl::string_view field, absl::string_view value) {
    return FromText(absl::StrCat("node { name: 'c' op: 'Const' attr { key: 'value' value { tensor { dtype: ",
                                 type, " tensor_shape {} ", field, ": ", value, " } } } }"));
  };
  Model one = constant("DT_FLOAT", "float_val", "1"), near = constant("DT_FLOAT", "float_val", "1.01");
  Model integer = constant("DT_INT32", "int_val", "1"), other = constant("DT_INT32", "int_val", "2");
  ComparisonOptions options;
  options.absolute = 0.1;
  ASSERT_OK_AND_ASSIGN(std::vector<std::string> differences, CompareNodes(near, one, options));
  EXPECT_THAT(differences, IsEmpty());
  options.absolute = 0.001;
  options.relative = 0.1;
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(near, one, options));
  EXPECT_THAT(differences, IsEmpty());
  options.relative = 0;
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(near, one, options));
  EXPECT_EQ(differences.size(), 1u);
  options.absolute = 10;
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(integer, other, options));
  EXPECT_EQ(differences.size(), 1u);
}

TEST(CompareNodesTest, Libraries) {
  const absl::string_view body = R"(signature { name: "f" input_arg { name: "x" type: DT_FLOAT }
                                                output_arg { name: "y" type: DT_FLOAT } } ret { key: "y" value: "n:y:0" })";
  Model relu = FromText(
      absl::StrCat("library { function { ", body, R"(node_def { name: "n" op: "Relu" input: "x" } } })"));
  Model elu = FromText(
      absl::StrCat("library { function { ", body, R"(node_def { name: "n" op: "Elu" input: "x" } } })"));
  Model none = FromText(R"(node { name: "a" op: "NoOp" })"), empty = FromText("versions { producer: 1 }");
  ASSERT_OK_AND_ASSIGN(std::vector<std::string> differences, CompareNodes(relu, elu, {}));
  EXPECT_THAT(differences, IsEmpty());
  ComparisonOptions options;
  options.library = true;
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(relu, elu, options));
  EXPECT_THAT(differences,
              ElementsAre("Function 'f': Node named 'n' has op 'Relu' that is not expected 'Elu'"));
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(relu, empty, options));
  EXPECT_THAT(differences, ElementsAre("Found unexpected function 'f'"));
  ASSERT_OK_AND_ASSIGN(differences, CompareNodes(empty, relu, options));
  EXPECT_THAT(differences, ElementsAre("Did not find expected function 'f'"));
}

constexpr absl::string_view kModel = R"(
    node { name: "x" op: "Placeholder" } node { name: "z" op: "Placeholder" }
    node { name: "copy" op: "Identity" input: "x" }
    node { name: "sum" op: "AddV2" input: "copy" input: "z" }
    node { name: "y" op: "Relu" input: "sum" }
    node { name: "unused" op: "Relu" input: "x" })";

absl::StatusOr<std::vector<std::string>> CompareY(absl::string_view actual) {
  Model a = FromText(actual), e = FromText(kModel);
  return CompareOutputs(a, e, {"y"}, {});
}

TEST(CompareOutputsTest, NamesCopiesAndUnusedNodesDoNotCount) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> differences, CompareY(R"(
      node { name: "y" op: "Relu" input: "renamed:0" }
      node { name: "renamed" op: "AddV2" input: "x" input: "z" }
      node { name: "z" op: "Placeholder" } node { name: "x" op: "Placeholder" })"));
  EXPECT_THAT(differences, IsEmpty());
}

TEST(CompareOutputsTest, NamesOfWhatIsFedCount) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> differences, CompareY(R"(
      node { name: "x" op: "Placeholder" } node { name: "z" op: "Placeholder" }
      node { name: "sum" op: "AddV2" input: "z" input: "x" } node { name: "y" op: "Relu" input: "sum" })"));
  EXPECT_THAT(differences, ElementsAre("Node named 'z' ('x') is a Placeholder, whose name counts"));
}

TEST(CompareOutputsTest, AnotherOpOrOutputIsADifference) {
  ASSERT_OK_AND_ASSIGN(std::vector<std::string> differences, CompareY(R"(
      node { name: "x" op: "Placeholder" } node { name: "z" op: "Placeholder" }
      node { name: "sum" op: "Sub" input: "x" input: "z" } node { name: "y" op: "Relu" input: "sum" })"));
  EXPECT_THAT(differences,
              ElementsAre("Node named 'y' input 0 reads 'sum' (Sub) and 'sum' (AddV2) in the other graph"));
  Model split = FromText(R"(node { name: "s" op: "Split" } node { name: "y" op: "Relu" input: "s:1" })");
  Model other = FromText(R"(node { name: "s" op: "Split" } node { name: "y" op: "Relu" input: "s" })");
  ASSERT_OK_AND_ASSIGN(differences, CompareOutputs(split, other, {"y"}, {}));
  EXPECT_THAT(differences, ElementsAre(HasSubstr("reads 's:1' (Split) and 's' (Split)")));
}

// A loop of control flow v1: the walk must end, and see a difference in its body.
TEST(CompareOutputsTest, Loops) {
  const auto loop = [](absl::string_view body) {
    return FromText(absl::StrCat(R"(
        node { name: "x" op: "Placeholder" } node { name: "e" op: "Enter" input: "x" }
        node { name: "m" op: "Merge" input: "e" input: "n" } node { name: "b" op: ")",
                                 body, R"(" input: "m" }
        node { name: "n" op: "NextIteration" input: "b" } node { name: "y" op: "Exit" input: "m" })"));
  };
  Model neg = loop("Neg"), same = loop("Neg"), abs = loop("Abs");
  ASSERT_OK_AND_ASSIGN(std::vector<std::string> differences, CompareOutputs(neg, same, {"y"}, {}));
  EXPECT_THAT(differences, IsEmpty());
  ASSERT_OK_AND_ASSIGN(differences, CompareOutputs(neg, abs, {"y"}, {}));
  EXPECT_THAT(differences, ElementsAre(HasSubstr("(Neg) and 'b' (Abs)")));
}

TEST(CompareOutputsTest, ControlInputsWithAnEffectCount) {
  Model with = FromText(R"(node { name: "p" op: "Print" } node { name: "y" op: "NoOp" input: "^p" })");
  Model without = FromText(R"(node { name: "c" op: "Const" } node { name: "y" op: "NoOp" input: "^c" })");
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> differences, CompareOutputs(with, without, {"y"}, {}));
  EXPECT_THAT(differences,
              ElementsAre("Node named 'y' waits for 1 nodes with effects, and for 0 in the other graph"));
}

TEST(CompareOutputsTest, AMissingOutputIsAnError) {
  Model model = FromText(kModel);
  EXPECT_THAT(CompareOutputs(model, model, {"nope"}, {}).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no node 'nope'")));
}

// Every element of a chain of forwarding nodes that bite their own tail.
TEST(CompareOutputsTest, CycleOfForwardersEnds) {
  Model model = FromText(
      R"(node { name: "a" op: "Identity" input: "b" } node { name: "b" op: "Identity" input: "a" })");
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> differences, CompareOutputs(model, model, {"a"}, {}));
  EXPECT_THAT(differences, IsEmpty());
}

}  // namespace
}  // namespace cryograph
