// What a user of verify_graph, and of transform_graph with --verify and --bisect, sees.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// out = relu(2 x) + relu(-x), by way of a scale that stands behind an Identity.
constexpr char kGraph[] = R"(
node {
  name: "x" op: "Placeholder"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "shape" value { shape { dim { size: -1 } dim { size: 3 } } } }
}
node {
  name: "two" op: "Const"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape {} float_val: 2 } } }
}
node { name: "scale" op: "Identity" input: "two" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "wide" op: "Mul" input: "x" input: "scale" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "flip" op: "Neg" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "up" op: "Relu" input: "wide" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "down" op: "Relu" input: "flip" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "out" op: "Add" input: "up" input: "down" attr { key: "T" value { type: DT_FLOAT } } }
versions { producer: 134 }
)";

class VerifyGraphTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = ScratchFolder();
    WriteTestFile(Path("before.pbtxt"), kGraph);
  }
  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }
  ToolRun Verify(const std::string& after, const std::vector<std::string>& flags = {}) {
    std::vector<std::string> args = {Path("before.pbtxt"), after, "--outputs=out"};
    args.insert(args.end(), flags.begin(), flags.end());
    return RunTool("tools/verify_graph", args);
  }
  ToolRun Transform(const std::vector<std::string>& flags) {
    std::vector<std::string> args = {"--in_graph=" + Path("before.pbtxt"), "--out_graph=" + Path("out.pb"),
                                     "--inputs=x", "--outputs=out"};
    args.insert(args.end(), flags.begin(), flags.end());
    return RunTool("tools/transform_graph", args);
  }
  // The graph with one text in place of another.
  std::string Changed(absl::string_view from, absl::string_view to) {
    const std::string path = Path("after.pbtxt");
    const std::string text = absl::StrReplaceAll(kGraph, {{from, to}});
    EXPECT_NE(text, kGraph);
    WriteTestFile(path, text);
    return path;
  }

  std::string folder_;
};

TEST_F(VerifyGraphTest, EqualModelsAreEqual) {
  const ToolRun run = Verify(Path("before.pbtxt"));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "out: equal\n");
}

TEST_F(VerifyGraphTest, NamesTheOutputAndTheFirstTensorThatDiffers) {
  const ToolRun run = Verify(Changed("float_val: 2", "float_val: 2.5"));
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("out: "), HasSubstr("elements differ; largest error "),
                             HasSubstr("first tensor that differs: two: 1 of 1 elements differ")));
}

TEST_F(VerifyGraphTest, GivenInputsAndToleranceDecide) {
  const std::string after = Changed("float_val: 2", "float_val: 2.5");
  // relu(2.5 x) for x = -1 is what relu(2 x) is: 0.
  EXPECT_EQ(Verify(after, {"--feed=x=[[-1,-1,-1]]"}).exit_code, 0);
  const ToolRun one = Verify(after, {"--feed=x=[[1,0,-1]]"});
  EXPECT_EQ(one.exit_code, 1);
  EXPECT_THAT(one.out, HasSubstr("1 of 3 elements differ; largest error 0.5 at [0,0]: 2 became 2.5"));
  EXPECT_EQ(Verify(after, {"--feed=x=[[1,0,-1]]", "--atol=0.5"}).exit_code, 0);
  EXPECT_EQ(Verify(after, {"--feed=x=[[1,0,-1]]", "--rtol=0.25"}).exit_code, 0);
  EXPECT_EQ(Verify(after, {"--feed=x=[[1,0,-1]]", "--atol=0.4"}).exit_code, 1);
}

TEST_F(VerifyGraphTest, JsonHoldsTheFigures) {
  const ToolRun run = Verify(Changed("float_val: 2", "float_val: 2.5"), {"--json", "--feed=x=[[1,0,-1]]"});
  EXPECT_EQ(run.exit_code, 1) << run.err;
  WriteTestFile(Path("report.json"), run.out);
  EXPECT_OK(ReadJson(Path("report.json")));
  EXPECT_THAT(run.out, AllOf(HasSubstr("\"equal\":false"), HasSubstr("\"max_absolute\":0.5"),
                             HasSubstr("\"worst\":[0,0]"), HasSubstr("\"first_diverging\":\"two\"")));
}

TEST_F(VerifyGraphTest, AModelThatCannotRunIsADifference) {
  const ToolRun run = Verify(Changed("op: \"Neg\"", "op: \"NoSuchOp\""));
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("cannot be run"), HasSubstr("NoSuchOp")));
}

TEST_F(VerifyGraphTest, WrongUsage) {
  EXPECT_EQ(RunTool("tools/verify_graph", {Path("before.pbtxt")}).exit_code, 2);
  const ToolRun missing = Verify(Path("nothing.pb"));
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("nothing.pb"));
  const ToolRun output = Verify(Path("before.pbtxt"), {"--outputs=oot"});
  EXPECT_EQ(output.exit_code, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("oot"), HasSubstr("out")));
  const ToolRun feed = Verify(Path("before.pbtxt"), {"--feed=x=[[1,2]"});
  EXPECT_EQ(feed.exit_code, 2);
  const ToolRun value = Verify(Path("before.pbtxt"), {"--inputs=x=ones(2)"});
  EXPECT_EQ(value.exit_code, 2);
  EXPECT_THAT(value.err, AllOf(HasSubstr("'x=ones(2)'"), HasSubstr("try: --feed")));
}

TEST_F(VerifyGraphTest, PassesThatKeepTheOutputsPass) {
  const ToolRun run = Transform({"--transforms=strip_unused_nodes remove_nodes(op=Identity)", "--verify"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("outputs verified"), HasSubstr("out: equal")));
  EXPECT_TRUE(FileExists(Path("out.pb")));
}

TEST_F(VerifyGraphTest, ThePassThatChangesTheOutputsIsNamed) {
  const std::string spec =
      "--transforms=remove_device rename_op(old_op_name=Neg, new_op_name=Abs) strip_unused_nodes";
  const ToolRun run = Transform({spec, "--verify=each"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("pass #2 'rename_op'"), HasSubstr("output 'out' changed"),
                             HasSubstr("the first tensor that differs is 'flip'")));
  EXPECT_FALSE(FileExists(Path("out.pb")));

  const ToolRun end = Transform({spec, "--verify=end"});
  EXPECT_EQ(end.exit_code, 1);
  EXPECT_THAT(end.err, AllOf(Not(HasSubstr("pass #2")), HasSubstr("output 'out' changed")));
  EXPECT_FALSE(FileExists(Path("out.pb")));

  EXPECT_EQ(Transform({spec}).exit_code, 0);
}

TEST_F(VerifyGraphTest, GivenInputsAreUsed) {
  // Abs is what Neg is where x is not positive.
  const ToolRun run = Transform({"--transforms=rename_op(old_op_name=Neg, new_op_name=Abs)", "--verify",
                                 "--verify_inputs=x=[[-1,-2,0]]"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST_F(VerifyGraphTest, BisectFindsStepAndNode) {
  const ToolRun run =
      Transform({"--transforms=strip_unused_nodes remove_nodes(op=Relu) remove_device", "--bisect"});
  EXPECT_EQ(run.exit_code, 1) << run.err;
  // Either of the two will do.
  EXPECT_THAT(run.out, AllOf(HasSubstr("step 2, remove_nodes(op=Relu), changes the outputs: "),
                             HasSubstr("nodes that it changed, it takes this one: ")));
  EXPECT_FALSE(FileExists(Path("out.pb")));

  // A pass that heeds no held node cannot be narrowed down.
  const ToolRun whole = Transform({"--transforms=rename_op(old_op_name=Neg, new_op_name=Abs)", "--bisect"});
  EXPECT_EQ(whole.exit_code, 1) << whole.err;
  EXPECT_THAT(whole.out, AllOf(HasSubstr("step 1, rename_op("), HasSubstr("makes no difference")));

  const ToolRun none = Transform({"--transforms=strip_unused_nodes", "--bisect"});
  EXPECT_EQ(none.exit_code, 0) << none.err;
  EXPECT_THAT(none.out, HasSubstr("no step changes the outputs"));
}

TEST_F(VerifyGraphTest, StringsAreEqualOrNot) {
  const std::string graph =
      "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_STRING } }\n"
      "  attr { key: 'shape' value { shape { dim { size: 2 } } } } }\n"
      "node { name: 'out' op: 'StringLower' input: 'x' }\n";
  WriteTestFile(Path("before.pbtxt"), graph);
  WriteTestFile(Path("after.pbtxt"), absl::StrReplaceAll(graph, {{"Lower", "Upper"}}));
  const std::string feed = "--feed=x=['1', 'a']";
  const ToolRun run = Verify(Path("after.pbtxt"), {feed});
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_THAT(run.out, HasSubstr("out: 1 of 2 elements differ; the first at [1]: 'a' became 'A'\n"));
  const ToolRun json = Verify(Path("after.pbtxt"), {feed, "--json"});
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"outside\":1,\"worst\":[1]"), Not(HasSubstr("max_absolute"))));

  const ToolRun twice = Verify(Path("after.pbtxt"), {feed, feed});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("input 'x' is given twice"));
  const ToolRun bound = Verify(Path("after.pbtxt"), {feed, "--rtol=nan"});
  EXPECT_EQ(bound.exit_code, 2);
  EXPECT_THAT(bound.err, HasSubstr("--rtol=nan: a bound is at least 0"));
}

// Numbers of one op, with or without a seed.
std::string RandomGraph(absl::string_view seed) {
  return absl::StrCat(
      "node { name: 'dims' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } }\n"
      "  attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 3 } "
      "} } }\n"
      "node { name: 'out' op: 'RandomUniform' input: 'dims' attr { key: 'dtype' value { type: DT_FLOAT } }\n"
      "  attr { key: 'T' value { type: DT_INT32 } }",
      seed, " }\n");
}

TEST_F(VerifyGraphTest, RandomNumbersWithoutASeedAreNoDifference) {
  WriteTestFile(Path("before.pbtxt"), RandomGraph(" attr { key: 'seed' value { i: 7 } }"));
  const ToolRun seeded = Verify(Path("before.pbtxt"));
  EXPECT_EQ(seeded.exit_code, 0) << seeded.out << seeded.err;

  WriteTestFile(Path("before.pbtxt"), RandomGraph(""));
  const ToolRun run = Verify(Path("before.pbtxt"));
  EXPECT_EQ(run.exit_code, 2) << run.out;
  EXPECT_THAT(run.err, AllOf(HasSubstr("output 'out' cannot be compared"), HasSubstr("without a seed")));
  const ToolRun fed = Verify(Path("before.pbtxt"), {"--feed=out=[1,2,3]"});
  EXPECT_EQ(fed.exit_code, 0) << fed.err;
}

// Models whose variables are in a checkpoint.
const std::string kDigits = "tests/models/digits/";

TEST_F(VerifyGraphTest, VariablesHaveTheirValues) {
  const std::string graph = kDigits + "graph.pb", frozen = kDigits + "frozen.pb",
                    saved_model = kDigits + "saved_model", checkpoint = kDigits + "model.ckpt";
  const std::string outputs = "--outputs=probabilities";
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {graph, frozen, outputs, "--checkpoint=" + checkpoint},
           {frozen, graph, outputs, "--checkpoint=" + checkpoint},
           {checkpoint + ".meta", graph, outputs, "--checkpoint=" + checkpoint},
           {saved_model, frozen, outputs},
           {saved_model, graph, "--after_checkpoint=" + checkpoint},
           {graph, saved_model, outputs, "--checkpoint=" + checkpoint}}) {
    const ToolRun run = RunTool("tools/verify_graph", args);
    EXPECT_EQ(run.exit_code, 0) << args[0] << " " << args[1] << run.out << run.err;
    EXPECT_THAT(run.out, HasSubstr("probabilities"));
  }
  const ToolRun none = RunTool("tools/verify_graph", {graph, frozen, outputs});
  EXPECT_EQ(none.exit_code, 2) << none.out;
  EXPECT_THAT(none.err, AllOf(HasSubstr("is not initialized"), HasSubstr("try: --checkpoint")));
  // AFTER cannot be run: that is a difference.
  const ToolRun after = RunTool("tools/verify_graph", {frozen, graph, outputs});
  EXPECT_EQ(after.exit_code, 1) << after.out;
  EXPECT_THAT(after.out, HasSubstr("is not initialized"));
}

// The model that is not frozen is the reference, for the pass that freezes it, too.
TEST_F(VerifyGraphTest, FreezingIsVerified) {
  const auto transform = [&](const std::string& in, const std::string& transforms,
                             const std::vector<std::string>& flags) {
    std::vector<std::string> args = {
        "--in_graph=" + in,        "--out_graph=" + Path("out.pb"), "--inputs=image",
        "--outputs=probabilities", "--transforms=" + transforms,    "--verify=each"};
    args.insert(args.end(), flags.begin(), flags.end());
    return RunTool("tools/transform_graph", args);
  };
  const std::string checkpoint = kDigits + "model.ckpt",
                    freeze = "freeze_variables(checkpoint=" + checkpoint + ")";
  for (const ToolRun& run :
       {transform(kDigits + "graph.pb", freeze, {}),
        transform(kDigits + "saved_model", "freeze_variables", {}),
        transform(kDigits + "graph.pb", "remove_device", {"--verify_checkpoint=" + checkpoint})}) {
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, AllOf(HasSubstr("outputs verified (exact):\nprobabilities: equal\n"),
                               Not(HasSubstr("from after this step on"))));
  }
  const ToolRun broken = transform(kDigits + "saved_model", "strip_unused_nodes remove_nodes(op=Relu)", {});
  EXPECT_EQ(broken.exit_code, 1) << broken.err;
  EXPECT_THAT(broken.err, HasSubstr("pass #2 'remove_nodes': output 'probabilities' changed"));
}

// MTCNN is three networks with loops and conditionals between them: transform_graph of TensorFlow removed
// Identity nodes that such a graph cannot do without, and wrote a graph that does not load.
TEST(VerifyRealGraphTest, MtcnnIsNeverBroken) {
  const std::string model = SharedData("models/t1_mtcnn_pipeline");
  if (model.empty()) GTEST_SKIP() << "skipped: no models beside the project";
  const std::string folder = ScratchFolder(), in = model + "/frozen.pb", outputs = "box,prob,landmarks";
  const std::vector<std::string> feeds = {"input=rand(48,64,3, min=0, max=255)", "min_size=20.0",
                                          "thresholds=[0.3,0.3,0.3]"};
  for (const std::string transforms :
       {"remove_nodes(op=Identity)", "remove_nodes(op=Identity, op=Switch)",
        "strip_unused_nodes remove_nodes(op=Identity, op=CheckNumerics) merge_duplicate_nodes"}) {
    const std::string out = folder + "/out.pb";
    std::vector<std::string> args = {
        "--in_graph=" + in,     "--out_graph=" + out,         "--inputs=input,min_size,thresholds",
        "--outputs=" + outputs, "--transforms=" + transforms, "--verify"};
    for (const std::string& feed : feeds) args.push_back("--verify_inputs=" + feed);
    const ToolRun run = RunTool("tools/transform_graph", args);
    if (run.exit_code != 0) {  // Refused: then nothing is written.
      EXPECT_EQ(run.exit_code, 1) << run.err;
      EXPECT_FALSE(FileExists(out)) << transforms;
      continue;
    }
    std::vector<std::string> check = {in, out, "--inputs=input,min_size,thresholds", "--outputs=" + outputs};
    for (const std::string& feed : feeds) check.push_back("--feed=" + feed);
    const ToolRun same = RunTool("tools/verify_graph", check);
    EXPECT_EQ(same.exit_code, 0) << transforms << same.out << same.err;
    std::remove(out.c_str());
  }
}

// Four nodes of a chain are removed; two of them together change the output, neither of them alone.
TEST_F(VerifyGraphTest, BisectFindsTheSmallestSetOfRewrites) {
  std::string text =
      "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } }\n"
      "  attr { key: 'shape' value { shape { dim { size: 4 } } } } }\n";
  const std::string type = " attr { key: 'T' value { type: DT_FLOAT } } }\n";
  // Abs of Abs is Abs: with one of them gone the output is as it was. Identities can all go.
  text += "node { name: 'i0' op: 'Identity' input: 'x'" + type;
  text += "node { name: 'a0' op: 'Abs' input: 'i0'" + type;
  text += "node { name: 'i1' op: 'Identity' input: 'a0'" + type;
  text += "node { name: 'a1' op: 'Abs' input: 'i1'" + type;
  text += "node { name: 'i2' op: 'Identity' input: 'a1'" + type;
  text += "node { name: 'y' op: 'Neg' input: 'i2'" + type;
  const std::string in = ScratchFolder() + "/in.pbtxt";
  WriteTestFile(in, text);
  const ToolRun run = RunTool(
      "tools/transform_graph",
      {"--in_graph=" + in, "--inputs=x", "--outputs=y",
       "--transforms=remove_device remove_nodes(op=Identity, op=Abs) sort_by_execution_order", "--bisect"});
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("step 2, remove_nodes("), HasSubstr("it takes these: a0, a1\n")));
}

}  // namespace
}  // namespace cryograph
