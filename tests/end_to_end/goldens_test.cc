// Freezes and transforms the models in tests/models as a user does, and compares the graphs with those that
// TensorFlow 1.15's own tools made (tests/models/README.md): every node, attribute and bit of every value.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/graph_difference.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kLean[] = "remove_device strip_unused_nodes remove_nodes(op=Identity) sort_by_execution_order";

std::string Model(const std::string& path) { return Runfile("tests/models/" + path); }

// Runs a tool that must succeed; what it said is shown if it does not.
void Succeeds(const std::string& tool, std::vector<std::string> args) {
  args.insert(args.begin(), tool);
  const ToolRun run = RunTool("tools/cryograph", args);
  ASSERT_EQ(run.exit_code, 0) << run.err;
}

struct FreezeCase {
  std::string name;
  std::string input;  // Flags of the graph, with paths below tests/models.
  std::string checkpoint;
  std::string output;
  std::string golden;
};

std::ostream& operator<<(std::ostream& stream, const FreezeCase& test) { return stream << test.name; }

class FreezeTest : public ::testing::TestWithParam<FreezeCase> {};

TEST_P(FreezeTest, GivesWhatTensorFlowGives) {
  const FreezeCase& test = GetParam();
  const std::string out = absl::StrCat(ScratchFolder(), "/frozen.pb");
  const size_t equals = test.input.find('=');
  std::vector<std::string> args = {
      absl::StrCat(test.input.substr(0, equals + 1), Model(test.input.substr(equals + 1))),
      "--output_node_names=" + test.output, "--output_graph=" + out};
  if (!test.checkpoint.empty()) args.push_back("--input_checkpoint=" + Model(test.checkpoint));
  if (test.name == "renamed_saver") args.push_back("--input_saver=" + Model("variants/renamed/saver.pb"));
  Succeeds("freeze_graph", args);
  tensorflow::GraphDef golden = ReadGraph(Model(test.golden));
  // TensorFlow drops the control inputs of a ReadVariableOp that becomes an Identity; they are kept here.
  for (tensorflow::NodeDef& node : *golden.mutable_node()) {
    if (node.name() == "loop/Read/ReadVariableOp") node.add_input("^loop/Identity");
  }
  // MetaGraphs and SavedModels hold shapes that a plain GraphDef lacks; the goldens are of either kind.
  EXPECT_THAT(GraphDifferences(golden, ReadGraph(out), {"_output_shapes"}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    , FreezeTest,
    ::testing::Values(
        FreezeCase{"digits", "--input_graph=digits/graph.pb", "digits/model.ckpt", "probabilities",
                   "digits/frozen.pb"},
        FreezeCase{"digits_state_file", "--input_graph=digits/graph.pb", "digits/checkpoint", "probabilities",
                   "digits/frozen.pb"},
        FreezeCase{"digits_meta_graph", "--input_meta_graph=digits/model.ckpt.meta", "digits/model.ckpt",
                   "probabilities", "digits/frozen.pb"},
        FreezeCase{"digits_saved_model", "--input_saved_model_dir=digits/saved_model", "", "probabilities",
                   "digits/frozen.pb"},
        FreezeCase{"resource_meta_graph", "--input_meta_graph=variants/resource/model.ckpt.meta",
                   "variants/resource/model.ckpt", "out", "variants/resource/frozen.pbtxt"},
        // TensorFlow cannot freeze the next three from graph and checkpoint; the result is that of the
        // MetaGraph.
        FreezeCase{"resource", "--input_graph=variants/resource/graph.pb", "variants/resource/model.ckpt",
                   "out", "variants/resource/frozen.pbtxt"},
        FreezeCase{"partitioned", "--input_graph=variants/partitioned/graph.pb",
                   "variants/partitioned/model.ckpt", "out", "variants/partitioned/frozen.pbtxt"},
        FreezeCase{"partitioned_resource", "--input_graph=variants/partitioned_resource/graph.pb",
                   "variants/partitioned_resource/model.ckpt", "out",
                   "variants/partitioned_resource/frozen.pbtxt"},
        FreezeCase{"partitioned_meta_graph", "--input_meta_graph=variants/partitioned/model.ckpt.meta",
                   "variants/partitioned/model.ckpt", "out", "variants/partitioned/frozen.pbtxt"},
        FreezeCase{"partitioned_resource_meta_graph",
                   "--input_meta_graph=variants/partitioned_resource/model.ckpt.meta",
                   "variants/partitioned_resource/model.ckpt", "out",
                   "variants/partitioned_resource/frozen.pbtxt"},
        FreezeCase{"control_flow_meta_graph", "--input_meta_graph=variants/control_flow/model.ckpt.meta",
                   "variants/control_flow/model.ckpt", "out", "variants/control_flow/frozen.pbtxt"},
        FreezeCase{"control_flow", "--input_graph=variants/control_flow/graph.pb",
                   "variants/control_flow/model.ckpt", "out", "variants/control_flow/frozen.pbtxt"},
        FreezeCase{"renamed_saver", "--input_graph=variants/renamed/graph.pb", "variants/renamed/model.ckpt",
                   "out", "variants/renamed/frozen.pbtxt"},
        // Without the saver file the restore nodes in the graph say the same.
        FreezeCase{"renamed", "--input_graph=variants/renamed/graph.pb", "variants/renamed/model.ckpt", "out",
                   "variants/renamed/frozen.pbtxt"},
        FreezeCase{"dtypes", "--input_graph=variants/dtypes/graph.pb", "variants/dtypes/model.ckpt", "out",
                   "variants/dtypes/frozen.pbtxt"}),
    [](const ::testing::TestParamInfo<FreezeCase>& info) { return info.param.name; });

TEST(TransformTest, GivesWhatTensorFlowGives) {
  const std::string out = absl::StrCat(ScratchFolder(), "/lean.pb");
  Succeeds("transform_graph",
           {"--in_graph=" + Model("digits/frozen.pb"), "--out_graph=" + out, "--inputs=image",
            "--outputs=probabilities", absl::StrCat("--transforms=", kLean)});
  EXPECT_THAT(GraphDifferences(ReadGraph(Model("digits/lean.pb")), ReadGraph(out)), IsEmpty());
}

TEST(TransformTest, FreezingIsAPassOfThePipeline) {
  const std::string out = absl::StrCat(ScratchFolder(), "/lean.pb");
  Succeeds("transform_graph", {"--in_graph=" + Model("digits/graph.pb"), "--out_graph=" + out,
                               "--inputs=image", "--outputs=probabilities",
                               absl::StrCat("--transforms=freeze_variables(checkpoint=\"",
                                            Model("digits/model.ckpt"), "\") ", kLean)});
  EXPECT_THAT(GraphDifferences(ReadGraph(Model("digits/lean.pb")), ReadGraph(out)), IsEmpty());
}

TEST(TransformTest, EveryRunGivesTheSameBytes) {
  std::string first;
  for (int run = 0; run < 3; ++run) {
    const std::string out = absl::StrCat(ScratchFolder(), "/lean.pb");
    Succeeds("transform_graph",
             {"--in_graph=" + Model("digits/frozen.pb"), "--out_graph=" + out, "--inputs=image",
              "--outputs=probabilities", absl::StrCat("--transforms=", kLean)});
    if (first.empty()) first = ReadTestFile(out);
    ASSERT_FALSE(first.empty());
    EXPECT_EQ(ReadTestFile(out), first);
  }
}

// The comparison itself must see what it is there for.
TEST(GraphDifferencesTest, SeesOneBitOfAWeight) {
  const tensorflow::GraphDef expected = ReadGraph(Model("digits/frozen.pb"));
  tensorflow::GraphDef actual = expected;
  EXPECT_THAT(GraphDifferences(expected, actual), IsEmpty());
  for (tensorflow::NodeDef& node : *actual.mutable_node()) {
    if (node.name() != "fc/kernel") continue;
    (*node.mutable_attr())["value"].mutable_tensor()->mutable_tensor_content()->at(17) ^= 1;
  }
  EXPECT_THAT(GraphDifferences(expected, actual), SizeIs(1));
}

TEST(GraphDifferencesTest, SeesMissingNodesInputsAndAttributes) {
  const tensorflow::GraphDef expected = ReadGraph(Model("digits/frozen.pb"));
  tensorflow::GraphDef actual = expected;
  actual.mutable_node(actual.node_size() - 1)->clear_input();
  actual.mutable_node(actual.node_size() - 1)->mutable_attr()->clear();
  actual.mutable_node(0)->set_name("other");
  EXPECT_THAT(GraphDifferences(expected, actual),
              SizeIs(4));  // Missing, not expected, data inputs, attribute T.
}

TEST(GraphDifferencesTest, SpellingDoesNotCount) {
  const tensorflow::GraphDef expected = ReadGraph(Model("variants/dtypes/frozen.pbtxt"));
  tensorflow::GraphDef actual = expected;
  for (tensorflow::NodeDef& node : *actual.mutable_node()) {
    if (node.input_size() > 0 && node.input(0)[0] != '^' && node.input(0).find(':') == std::string::npos) {
      node.set_input(0, node.input(0) + ":0");
    }
    if (node.name() == "v_float32") {  // Three values as a list instead of as bytes.
      tensorflow::TensorProto* tensor = (*node.mutable_attr())["value"].mutable_tensor();
      tensor->clear_tensor_content();
      for (const float value : {1.0f, 2.0f, 3.0f}) tensor->add_float_val(value);
    }
  }
  actual.mutable_node()->SwapElements(0, actual.node_size() - 1);
  EXPECT_THAT(GraphDifferences(expected, actual), IsEmpty());
}

}  // namespace
}  // namespace cryograph
