// What a user of import_graph, extract_sub_graph, merge_graphs, set_input and infer_shapes sees.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr char kModel[] = R"(
node { name: "image" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { dim { size: -1 } dim { size: 4 } } } } }
node { name: "w" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value { tensor {
       dtype: DT_FLOAT tensor_shape { dim { size: 4 } dim { size: 2 } } float_val: 0.5 } } } }
node { name: "logits" op: "MatMul" input: "image" input: "w" attr { key: "T" value { type: DT_FLOAT } }
       attr { key: "_output_shapes" value { list { shape { dim { size: -1 } dim { size: 2 } } } } } }
node { name: "softmax" op: "Softmax" input: "logits" attr { key: "T" value { type: DT_FLOAT } } }
versions { producer: 134 }
)";

class GraphEditTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = ScratchFolder();
    WriteTestFile(Path("model.pbtxt"), kModel);
  }
  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }
  std::string Text(absl::string_view name) const { return ReadTestFile(Path(name)); }
  ToolRun Run(const std::string& tool, std::vector<std::string> args) const {
    args.insert(args.begin(), tool);
    return RunTool("tools/cryograph", args);
  }
  std::string folder_;
};

TEST_F(GraphEditTest, ImportGraphPutsOneBehindTheOther) {
  const ToolRun run =
      Run("import_graph", {"--target_graph=" + Path("model.pbtxt"), "--in_graph=" + Path("model.pbtxt"),
                           "--out_graph=" + Path("both.pbtxt"), "--prefix=second",
                           "--return_elements=softmax:0,image", "--input_map=w=w:0"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "second/softmax:0\nsecond/image\n");
  EXPECT_THAT(run.err, HasSubstr("imported 4 nodes under second/; 8 nodes in all"));
  EXPECT_THAT(Text("both.pbtxt"), AllOf(HasSubstr("name: \"second/logits\""),
                                        HasSubstr("input: \"second/image\"\n  input: \"w\"")));
}

TEST_F(GraphEditTest, ImportGraphWithoutATargetAddsAPrefix) {
  const ToolRun run = Run("import_graph", {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("p.pb"),
                                           "--name=p", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              StartsWith("{\"prefix\": \"p\", \"imported\": 4, \"nodes\": 4, \"return_elements\": []"));
  EXPECT_THAT(run.err, IsEmpty());
}

TEST_F(GraphEditTest, ImportGraphErrors) {
  const std::string in = "--in_graph=" + Path("model.pbtxt"),
                    target = "--target_graph=" + Path("model.pbtxt"), out = "--out_graph=" + Path("out.pb");
  const ToolRun unknown = Run("import_graph", {in, target, out, "--input_map=imgae=w"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("not found in the graph that is imported: [imgae:0]"),
                                 HasSubstr("did you mean 'image'")));
  EXPECT_EQ(Run("import_graph", {in, target, out, "--input_map=image"}).exit_code, 2);
  EXPECT_EQ(Run("import_graph", {target, out}).exit_code, 2);
  EXPECT_EQ(Run("import_graph", {in, target, "--out_graph="}).exit_code, 2);
  EXPECT_THAT(Run("import_graph", {in, target, "--out_graph=" + Path("model.pbtxt")}).err,
              HasSubstr("CG145"));
  EXPECT_THAT(Run("import_graph", {"--in_graph=" + Path("gone.pb"), out}).err, HasSubstr("CG105"));
  // A batch of 4 channels where 4 x 2 is read: TensorFlow would refuse it on import, and so nothing is
  // written.
  const ToolRun shapes = Run("import_graph", {in, target, out, "--input_map=image=softmax:0"});
  EXPECT_EQ(shapes.exit_code, 1);
  EXPECT_THAT(shapes.err, AllOf(HasSubstr("the result cannot be loaded"), HasSubstr("L217"),
                                HasSubstr("inner dimensions 2 and 4 differ"), HasSubstr("--verify=off")));
  EXPECT_FALSE(FileExists(Path("out.pb")));
  EXPECT_EQ(Run("import_graph", {in, target, out, "--input_map=image=softmax:0", "--verify=off"}).exit_code,
            0);
  EXPECT_TRUE(FileExists(Path("out.pb")));
}

TEST_F(GraphEditTest, ExtractSubGraph) {
  const ToolRun run = Run("extract_sub_graph", {"--in_graph=" + Path("model.pbtxt"),
                                                "--out_graph=" + Path("cut.pbtxt"), "--outputs=logits:0"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("kept 3 of 4 nodes"));
  EXPECT_THAT(Text("cut.pbtxt"), AllOf(HasSubstr("\"logits\""), Not(HasSubstr("\"softmax\""))));
  const ToolRun unknown = Run("extract_sub_graph", {"--in_graph=" + Path("model.pbtxt"),
                                                    "--out_graph=" + Path("o.pb"), "--outputs=logit"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("CG101"), HasSubstr("logits")));
  const ToolRun none =
      Run("extract_sub_graph", {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("o.pb")});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("CG104"));
  EXPECT_THAT(ListFolder(folder_), ElementsAre("cut.pbtxt", "model.pbtxt"));
}

TEST_F(GraphEditTest, MergeGraphs) {
  const std::string model = Path("model.pbtxt");
  const ToolRun run = Run("merge_graphs", {"a=" + model, "b=" + model, "--out_graph=" + Path("m.pbtxt"),
                                           "--input_map=b/w=a/w:0"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("merged 2 models into 8 nodes"));
  EXPECT_THAT(Text("m.pbtxt"),
              AllOf(HasSubstr("input: \"b/image\"\n  input: \"a/w\""), HasSubstr("producer: 134")));
  const ToolRun bare = Run("merge_graphs", {model, model, "--out_graph=" + Path("m2.pbtxt")});
  EXPECT_EQ(bare.exit_code, 0) << bare.err;
  EXPECT_THAT(bare.err, HasSubstr("4 nodes renamed, since the names were taken: image -> image_1, …"));
  EXPECT_EQ(Run("merge_graphs", {model, "--out_graph=" + Path("x.pb")}).exit_code, 2);
  EXPECT_EQ(Run("merge_graphs", {"a=" + model, "a=" + model, "--out_graph=" + Path("x.pb")}).exit_code, 2);
  const ToolRun nowhere = Run(
      "merge_graphs", {"a=" + model, "b=" + model, "--out_graph=" + Path("x.pb"), "--input_map=c/w=a/w:0"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("'c/w' is below no model's prefix"));
  EXPECT_FALSE(FileExists(Path("x.pb")));
}

TEST_F(GraphEditTest, SetInputShape) {
  const ToolRun run = Run("set_input", {"--in_graph=" + Path("model.pbtxt"),
                                        "--out_graph=" + Path("one.pbtxt"), "--shapes=image:0=7,4"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("set 1 input; 1 _output_shapes"));
  const ToolRun shapes = Run("infer_shapes", {Path("one.pbtxt")});
  EXPECT_EQ(shapes.out,
            "image:0 float [7,4]\nw:0 float [4,2]\nlogits:0 float [7,2]\nsoftmax:0 float [7,2]\n");
  const ToolRun wrong = Run("set_input", {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("x.pb"),
                                          "--shapes=image=?,5"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err,
              HasSubstr("node 'logits' (MatMul) multiplies [?,5] by [4,2]: inner dimensions 5 and 4 differ"));
  EXPECT_THAT(
      Run("set_input", {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("x.pb"), "--shapes=w=4,2"})
          .err,
      HasSubstr("'w' is a Const, and only placeholders"));
  EXPECT_EQ(Run("set_input",
                {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("x.pb"), "--shapes=image=a,b"})
                .exit_code,
            2);
  EXPECT_EQ(Run("set_input", {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("x.pb")}).exit_code,
            2);
  EXPECT_FALSE(FileExists(Path("x.pb")));
}

TEST_F(GraphEditTest, SetInputType) {
  const ToolRun run = Run("set_input", {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("u.pbtxt"),
                                        "--dtypes=image=uint8", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, StartsWith("{\"inputs\": 1, \"casts\": [\"image/cast\"]"));
  EXPECT_THAT(Text("u.pbtxt"), AllOf(HasSubstr("input: \"image/cast\""), HasSubstr("type: DT_UINT8")));
  // Without the Cast the reader would get what it cannot take.
  const ToolRun bare = Run("set_input", {"--in_graph=" + Path("model.pbtxt"), "--out_graph=" + Path("x.pb"),
                                         "--dtypes=image=uint8", "--nocast"});
  EXPECT_EQ(bare.exit_code, 1);
  EXPECT_THAT(bare.err, HasSubstr("L210"));
}

TEST_F(GraphEditTest, SetInputFollowsInSignatures) {
  const std::string meta = Runfile("tests/models/digits/saved_model");
  const ToolRun run = Run("set_input", {"--in_graph=" + meta, "--out_graph=" + Path("one.meta"),
                                        "--shapes=image=3,12,12,1", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, Not(HasSubstr("\"signatures\": 0")));
  EXPECT_THAT(Run("lint", {Path("one.meta")}).out, HasSubstr(": 0 errors"));
}

TEST_F(GraphEditTest, InferShapes) {
  const ToolRun run = Run("infer_shapes", {Path("model.pbtxt"), "--feeds=image=5,4", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(StartsWith("{\"tensors\": ["),
                             HasSubstr("{\"name\": \"softmax:0\", \"dtype\": \"float\", \"shape\": [5, 2]}"),
                             HasSubstr("\"conflicts\": []")));
  const ToolRun wrong = Run("infer_shapes", {Path("model.pbtxt"), "--feeds=image=5,9"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("node 'logits' (MatMul) multiplies [5,9] by [4,2]"));
  EXPECT_EQ(Run("infer_shapes", {Path("gone.pb")}).exit_code, 2);
  EXPECT_EQ(Run("infer_shapes", {}).exit_code, 2);
  EXPECT_EQ(Run("infer_shapes", {Path("model.pbtxt"), "--feeds=img=5,4"}).exit_code, 2);
}

TEST_F(GraphEditTest, CutFilesAreErrors) {
  WriteTestFile(Path("cut.pb"), ReadTestFile(Runfile("tests/models/digits/graph.pb")).substr(0, 1000));
  for (const auto& [tool, flag] :
       std::vector<std::pair<std::string, std::string>>{{"import_graph", "--prefix=p"},
                                                        {"extract_sub_graph", "--outputs=x"},
                                                        {"set_input", "--shapes=x=1"}}) {
    const ToolRun run = Run(tool, {"--in_graph=" + Path("cut.pb"), "--out_graph=" + Path("x.pb"), flag});
    EXPECT_EQ(run.exit_code, 1) << tool;
    EXPECT_THAT(run.err, HasSubstr("cut.pb")) << tool;
  }
  EXPECT_FALSE(FileExists(Path("x.pb")));
}

TEST_F(GraphEditTest, StripUnusedKeepsTypesAndShapes) {
  WriteTestFile(Path("switch.pbtxt"), absl::StrCat(kModel, R"(
node { name: "training" op: "Const" attr { key: "dtype" value { type: DT_BOOL } }
       attr { key: "value" value { tensor { dtype: DT_BOOL tensor_shape {} bool_val: false } } } }
node { name: "branch" op: "Switch" input: "softmax" input: "training" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "both" op: "Merge" input: "branch" input: "branch:1" attr { key: "T" value { type: DT_FLOAT } }
       attr { key: "N" value { i: 2 } } }
)"));
  const auto strip = [&](const std::string& inputs, const std::string& outputs, const std::string& more) {
    return Run("strip_unused", {"--input_graph=" + Path("switch.pbtxt"), "--output_graph=" + Path("s.pbtxt"),
                                "--output_binary=false", "--input_node_names=" + inputs,
                                "--output_node_names=" + outputs, more});
  };
  const ToolRun run = strip("softmax, training", "both", "--verify");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "4 ops in the final graph.\n");
  EXPECT_THAT(Text("s.pbtxt"),
              AllOf(HasSubstr("type: DT_BOOL"), HasSubstr("size: 2"), Not(HasSubstr("MatMul"))));
  // One placeholder for each output of the Switch.
  const ToolRun ports = strip("branch:0,branch:1", "both", "--verify");
  EXPECT_EQ(ports.exit_code, 0) << ports.err;
  EXPECT_EQ(ports.out, "3 ops in the final graph.\n");
  EXPECT_THAT(Text("s.pbtxt"), HasSubstr("input: \"branch\"\n  input: \"branch_1\""));
  const ToolRun one = strip("branch", "both", "--verify");
  EXPECT_EQ(one.exit_code, 1);
  EXPECT_THAT(one.err, HasSubstr("list 'branch:1' as an input, too"));
  // What TensorFlow's tool does unasked: everything is float, and the graph loads no more.
  const ToolRun floats = strip("softmax,training", "both", "--placeholder_type_enum=1");
  EXPECT_EQ(floats.exit_code, 1);
  EXPECT_THAT(floats.err, HasSubstr("L210"));
  EXPECT_EQ(strip("softmax,training", "both", "--placeholder_type_enum=training=bool").exit_code, 0);
  EXPECT_EQ(strip("softmax,training", "both", "--placeholder_type_enum=float,10").exit_code, 0);
  EXPECT_EQ(strip("softmax,training", "both", "--placeholder_type_enum=zork").exit_code, 2);
  EXPECT_THAT(strip("softmax,w", "both", "--verify").err, HasSubstr("the outputs do not need input 'w'"));
  EXPECT_THAT(strip("sotfmax", "both", "--verify").err, HasSubstr("CG101"));
  EXPECT_THAT(strip("softmax", "", "--verify").err, HasSubstr("CG104"));
  EXPECT_THAT(Run("strip_unused", {"--input_graph=" + Path("gone.pb"), "--output_graph=" + Path("x.pb")}).err,
              HasSubstr("CG105"));
}

TEST_F(GraphEditTest, RemovesTrainingNodes) {
  WriteTestFile(Path("checked.pbtxt"), absl::StrCat(kModel, R"(
node { name: "checked" op: "CheckNumerics" input: "softmax" attr { key: "T" value { type: DT_FLOAT } }
       attr { key: "message" value { s: "nan" } } }
node { name: "result" op: "Identity" input: "checked:0" attr { key: "T" value { type: DT_FLOAT } } }
)"));
  const auto remove = [&](const std::string& in, const std::vector<std::string>& more) {
    std::vector<std::string> args = {"--input_graph=" + Path(in), "--out_graph=" + Path("lean.pbtxt")};
    args.insert(args.end(), more.begin(), more.end());
    return Run("remove_training_nodes", args);
  };
  ToolRun run = remove("checked.pbtxt", {"--protected_nodes=result:0", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("\"removed\": 1"), HasSubstr("\"protected\": [\"result\"]")));
  EXPECT_THAT(Text("lean.pbtxt"), AllOf(Not(HasSubstr("CheckNumerics")),
                                        HasSubstr("\"result\"\n  op: \"Identity\"\n  input: \"softmax\"")));
  // Without names: what the graph ends in stays.
  run = remove("checked.pbtxt", {});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("removed 1 of "));
  EXPECT_THAT(Text("lean.pbtxt"), HasSubstr("\"result\""));

  run = remove("checked.pbtxt", {"--protected_nodes=reslut"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG101"), HasSubstr("result")));
  EXPECT_THAT(remove("gone.pbtxt", {}).err, HasSubstr("CG105"));
  EXPECT_EQ(remove("checked.pbtxt", {"--protekted=x"}).exit_code, 2);
  EXPECT_EQ(Run("remove_training_nodes", {"--out_graph=" + Path("o.pb")}).exit_code, 2);
}

TEST_F(GraphEditTest, Help) {
  for (const char* tool : {"import_graph", "extract_sub_graph", "merge_graphs", "set_input", "infer_shapes",
                           "strip_unused", "remove_training_nodes"}) {
    const ToolRun run = Run(tool, {"--help"});
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_THAT(run.out, AllOf(HasSubstr(tool), HasSubstr("--json"))) << tool;
  }
}

}  // namespace
}  // namespace cryograph
