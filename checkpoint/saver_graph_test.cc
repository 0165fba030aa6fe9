// The oracle is TensorFlow 1.15: tests/oracle/make_saver_goldens.py wrote the graphs with its Saver's nodes.
#include "checkpoint/saver_graph.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_matchers.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "graph/model.h"
#include "graph/open.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;

std::string GoldenPath(absl::string_view name) {
  return absl::StrCat("checkpoint/testdata/saver_", name, ".pbtxt");
}

Model Golden(absl::string_view name) {
  absl::StatusOr<Model> model = OpenModel(GoldenPath(name), OpenOptions(), nullptr);
  EXPECT_OK(model);
  return model.ok() ? *std::move(model) : Model();
}

bool IsSavers(Node node) { return absl::StartsWith(node.name(), "save/"); }

// One line for each of the saver's nodes, in order.
std::vector<std::string> SaverLines(Graph& graph) {
  std::vector<std::string> lines;
  for (const Node node : graph.nodes()) {
    if (!IsSavers(node)) continue;
    std::vector<std::string> parts = {std::string(node.name()), std::string(node.op()),
                                      std::string(node.device())};
    for (const InputEdge& input : node.inputs()) {
      parts.push_back(absl::StrCat(graph.node(input.node).name(), ":", input.index));
    }
    for (const ControlEdge& edge : node.control_inputs()) {
      parts.push_back(absl::StrCat("^", graph.node(edge.node).name()));
    }
    for (const absl::string_view key : node.attr_keys()) {
      if (node.op() == "Const" && key == "value") {
        const absl::StatusOr<Tensor> value = node.constant();
        EXPECT_OK(value);
        if (!value.ok()) continue;
        parts.push_back(absl::StrCat("value=", DataTypeName(value->dtype), ShapeText(value->dims), " ",
                                     absl::BytesToHexString(value->bytes),
                                     absl::StrJoin(value->strings, ",")));
      } else {
        parts.push_back(absl::StrCat(key, "=", absl::BytesToHexString(node.attr(key).bytes())));
      }
    }
    lines.push_back(absl::StrJoin(parts, " "));
  }
  return lines;
}

// The variables of a golden graph, as its Saver has them.
std::vector<SaverVariable> Variables(Graph& graph) {
  std::vector<SaverVariable> variables;
  for (const Node node : graph.nodes()) {
    if (node.op() != "VariableV2" && node.op() != "VarHandleOp") continue;
    SaverVariable variable;
    variable.key = std::string(node.name());
    variable.variable = node;
    variable.dtype = node.attr("dtype", DT_INVALID);
    if (absl::StartsWith(node.name(), "p/part_")) {
      variable.key = "p";
      variable.slice_spec = node.name() == "p/part_0" ? "4 2 0,2:0,2" : "4 2 2,2:0,2";
      variable.value = graph.Find(absl::StrCat(node.name(), "/read")).out();
    }
    variables.push_back(std::move(variable));
  }
  return variables;
}

void EraseSaver(Graph& graph) {
  std::vector<NodeId> dead;
  for (const Node node : graph.nodes()) {
    if (IsSavers(node)) dead.push_back(node.id());
  }
  ASSERT_OK(graph.Erase(dead));
}

class SaverGraphTest : public testing::TestWithParam<const char*> {};

TEST_P(SaverGraphTest, MakesTheNodesOfTensorFlow) {
  const std::string name = GetParam();
  SaverGraphOptions options;
  options.sharded = absl::StrContains(name, "sharded");
  options.version = absl::StartsWith(name, "v1") ? 1 : 2;
  if (name == "v1") options.max_to_keep = 3;
  Model model = Golden(name);
  Graph& graph = model.graph();
  const std::vector<std::string> expected = SaverLines(graph);
  ASSERT_GT(expected.size(), 10u);
  EraseSaver(graph);
  ASSERT_OK_AND_ASSIGN(const std::string saver_def, AddSaver(graph, Variables(graph), options));
  EXPECT_THAT(SaverLines(graph), testing::ElementsAreArray(expected));
  const std::string text = FileBytes(GoldenPath(name));
  EXPECT_THAT(text,
              testing::StartsWith(absl::StrCat("# SaverDef: ", absl::BytesToHexString(saver_def), "\n")));
}

INSTANTIATE_TEST_SUITE_P(Goldens, SaverGraphTest,
                         testing::Values("plain", "partitioned", "sharded", "v1", "v1_sharded"),
                         [](const auto& info) { return std::string(info.param); });

TEST(SaverGraphTest, ASecondSaverGetsAnotherScope) {
  Model model = Golden("plain");
  ASSERT_OK_AND_ASSIGN(const std::string saver_def, AddSaver(model.graph(), Variables(model.graph())));
  EXPECT_THAT(saver_def, HasSubstr("save_1/restore_all"));
  EXPECT_TRUE(model.graph().Find("save_1/AssignVariableOp"));
}

TEST(SaverGraphTest, AResourceWithoutAReaderGetsOne) {
  Graph graph;
  ASSERT_OK_AND_ASSIGN(const Node handle, graph.AddNode("v", "VarHandleOp", {}));
  ASSERT_OK(AddSaver(graph, {{"v", handle, DT_FLOAT, "", {}}}));
  const Node reader = graph.Find("v/Read/ReadVariableOp");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader.attr("dtype", DT_INVALID), DT_FLOAT);
  EXPECT_EQ(graph.Find("save/SaveV2").input(3), reader.out());
}

TEST(SaverGraphTest, RefusesInTheWordsOfTensorFlow) {
  Graph graph;
  ASSERT_OK_AND_ASSIGN(const Node v, graph.AddNode("v", "VariableV2", {}));
  ASSERT_OK_AND_ASSIGN(const Node no_op, graph.AddNode("n", "NoOp", {}));
  const auto refuses = [&](std::vector<SaverVariable> variables, const char* message) {
    EXPECT_THAT(AddSaver(graph, std::move(variables)).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refuses({}, "No variables to save");
  refuses({{"a", v, DT_FLOAT, "", {}}, {"a", v, DT_FLOAT, "", {}}},
          "At least two variables have the same name: a");
  refuses({{"a", v, DT_FLOAT, "4 0,2", {}}, {"a", v, DT_FLOAT, "", {}}},
          "Mixing slices and non-slices with the same name: a");
  refuses({{"a", no_op, DT_FLOAT, "", {}}}, "Not a variable: node 'n' (NoOp)");
  SaverGraphOptions options;
  options.version = 3;
  EXPECT_THAT(AddSaver(graph, {{"a", v, DT_FLOAT, "", {}}}, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("version 3")));
  EXPECT_EQ(graph.num_nodes(), 2);
}

}  // namespace
}  // namespace cryograph
