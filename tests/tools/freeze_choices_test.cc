// freeze_graph where the user does not know the outputs, or wants one of two modes of a graph.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_writer.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Batch norm by hand, as a program of 2017 has it: the moving mean is updated in one branch and read in the
// other. The loss reads the logits, so nothing but training reads them.
constexpr char kGraph[] = R"(
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { dim { size: 2 } } } } }
node { name: "labels" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "phase_train" op: "Placeholder" attr { key: "dtype" value { type: DT_BOOL } }
       attr { key: "shape" value { shape { } } } }
node { name: "mean" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { dim { size: 2 } } } } }
node { name: "cond/Switch" op: "Switch" input: "phase_train" input: "phase_train"
       attr { key: "T" value { type: DT_BOOL } } }
node { name: "cond/switch_t" op: "Identity" input: "cond/Switch:1" attr { key: "T" value { type: DT_BOOL } } }
node { name: "cond/delta" op: "Const" input: "^cond/switch_t" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: 1 } } } }
node { name: "cond/ref" op: "RefSwitch" input: "mean" input: "phase_train"
       attr { key: "T" value { type: DT_FLOAT } } attr { key: "_class" value { list { s: "loc:@mean" } } } }
node { name: "cond/AssignMovingAvg" op: "AssignSub" input: "cond/ref:1" input: "cond/delta"
       attr { key: "T" value { type: DT_FLOAT } } }
node { name: "cond/read" op: "Identity" input: "cond/ref" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "cond/Merge" op: "Merge" input: "cond/read" input: "cond/AssignMovingAvg"
       attr { key: "N" value { i: 2 } } attr { key: "T" value { type: DT_FLOAT } } }
node { name: "logits" op: "Sub" input: "x" input: "cond/Merge" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "loss" op: "Sub" input: "logits" input: "labels" attr { key: "T" value { type: DT_FLOAT } } }
)";

class FreezeChoicesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = ScratchFolder();
    WriteTestFile(Path("graph.pbtxt"), kGraph);
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(Path("m.ckpt")));
    ASSERT_OK(writer->Add("mean", Tensor::Of<float>(DT_FLOAT, {2}, {3, 4})));
    ASSERT_OK(writer->Add("mean/ExponentialMovingAverage", Tensor::Of<float>(DT_FLOAT, {2}, {5, 6})));
    ASSERT_OK(writer->Finish());
  }

  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }

  ToolRun Freeze(const std::vector<std::string>& flags) {
    std::vector<std::string> args = {"--input_graph=" + Path("graph.pbtxt"),
                                     "--input_checkpoint=" + Path("m.ckpt"),
                                     "--output_graph=" + Path("frozen.pb")};
    args.insert(args.end(), flags.begin(), flags.end());
    return RunTool("tools/freeze_graph", args);
  }

  // "name Op, name Op": the nodes of the result.
  std::string Nodes() {
    auto bytes = std::make_shared<const std::string>(ReadTestFile(Path("frozen.pb")));
    absl::StatusOr<Model> model = ImportGraphDef(*bytes, bytes, "frozen.pb");
    EXPECT_OK(model);
    std::string text;
    if (!model.ok()) return text;
    for (Node node : model->graph().nodes()) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", node.name(), " ", node.op());
    }
    return text;
  }

  std::string folder_;
};

TEST_F(FreezeChoicesTest, UpdateInABranchIsRefusedWithTheFlagThatHelps) {
  const ToolRun run = Freeze({"--output_node_names=logits"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG132"), HasSubstr("cond/AssignMovingAvg"),
                             HasSubstr("--set=phase_train=false")));
  EXPECT_FALSE(FileExists(Path("frozen.pb")));
}

TEST_F(FreezeChoicesTest, SetPrunesTheBranchThatTrains) {
  const ToolRun run = Freeze({"--output_node_names=logits", "--set=phase_train=false"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("1 placeholder set"), HasSubstr("inputs: x:0\n")));
  EXPECT_EQ(Nodes(), "x Placeholder, mean Const, cond/read Identity, logits Sub");
}

TEST_F(FreezeChoicesTest, ConstantsIsAnotherNameForSet) {
  EXPECT_EQ(Freeze({"--output_node_names=logits", "--constants=phase_train:0=False"}).exit_code, 0);
  EXPECT_EQ(Nodes(), "x Placeholder, mean Const, cond/read Identity, logits Sub");
}

TEST_F(FreezeChoicesTest, SetNamesWhatIsThere) {
  ToolRun run = Freeze({"--output_node_names=logits", "--set=phase_trian=false"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("did you mean 'phase_train'"), HasSubstr("CG133")));
  run = Freeze({"--output_node_names=logits", "--set=phase_train"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("NAME=VALUE"));
  run = Freeze({"--output_node_names=logits", "--set=phase_train=false,x=1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Nodes(), "x Const, mean Const, cond/read Identity, logits Sub");
}

TEST_F(FreezeChoicesTest, AnOutputInTheOtherBranchIsRefused) {
  const ToolRun run = Freeze({"--output_node_names=logits,cond/delta", "--set=phase_train=false"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("the output 'cond/delta' is in a branch that is never taken"));
}

TEST_F(FreezeChoicesTest, GuessesArePrintedAndTakenOnlyIfAsked) {
  ToolRun run = Freeze({"--set=phase_train=false"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG104"), HasSubstr("logits (only training and summaries read it"),
                             HasSubstr("--guess_outputs"), Not(HasSubstr("loss ("))));
  EXPECT_FALSE(FileExists(Path("frozen.pb")));
  run = Freeze({"--set=phase_train=false", "--guess_outputs"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("outputs are guessed: logits"));
  EXPECT_EQ(Nodes(), "x Placeholder, mean Const, cond/read Identity, logits Sub");
}

TEST_F(FreezeChoicesTest, TheReportAsTextAndAsJson) {
  ToolRun run = Freeze({"--output_node_names=logits", "--state=drop", "--report=" + Path("r.txt")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(
      ReadTestFile(Path("r.txt")),
      AllOf(HasSubstr("variable  key   type   shape  bytes  found by\nmean      mean  float  [2]    8      "
                      "node name\n"),
            HasSubstr("looks like training (mode_placeholder):\n  phase_train\n"),
            HasSubstr("keys of the checkpoint that were not used:\n  mean/ExponentialMovingAverage\n"),
            HasSubstr("inputs:\n  x:0\n  phase_train:0\n")));
  run = Freeze({"--output_node_names=logits", "--state=drop", "--json", "--report=" + Path("r.json")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadTestFile(Path("r.json")), run.out);
  ASSERT_OK_AND_ASSIGN(const Json json, ReadJson(Path("r.json")));
  const auto& variables = Elements(Member(json, "variables"));
  ASSERT_EQ(variables.size(), 1);
  EXPECT_EQ(Text(variables[0], "node"), "mean");
  EXPECT_EQ(Text(variables[0], "key"), "mean");
  EXPECT_EQ(Text(variables[0], "how"), "node name");
  EXPECT_EQ(Number(variables[0], "bytes"), 8);
  const auto& leftovers = Elements(Member(json, "leftovers"));
  ASSERT_EQ(leftovers.size(), 1);
  EXPECT_EQ(Text(leftovers[0], "kind"), "mode_placeholder");
  EXPECT_EQ(Elements(Member(json, "tables")).size(), 0);
  run = Freeze({"--output_node_names=logits", "--state=drop", "--json", "--output_graph=-"});
  EXPECT_EQ(run.exit_code, 2);
}

TEST_F(FreezeChoicesTest, VariableMapFromAFile) {
  WriteTestFile(Path("map.txt"), "# averages\n\n mean = mean/ExponentialMovingAverage \n");
  ToolRun run =
      Freeze({"--output_node_names=logits", "--set=phase_train=false", "--variable_map=@" + Path("map.txt")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string mapped = ReadTestFile(Path("frozen.pb"));
  EXPECT_EQ(Freeze({"--output_node_names=logits", "--set=phase_train=false", "--use_ema"}).exit_code, 0);
  EXPECT_EQ(ReadTestFile(Path("frozen.pb")), mapped);
  EXPECT_EQ(Freeze({"--output_node_names=logits", "--set=phase_train=false"}).exit_code, 0);
  EXPECT_NE(ReadTestFile(Path("frozen.pb")), mapped);
  WriteTestFile(Path("map.txt"), "mean=a\nmean\n");
  run = Freeze({"--output_node_names=logits", "--variable_map=@" + Path("map.txt")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("map.txt:2: 'mean' is no VARIABLE=KEY"));
}

}  // namespace
}  // namespace cryograph
