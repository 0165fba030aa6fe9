// What a user of transform_graph sees: files, exit status, and the words on stderr.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr char kGraph[] = R"(# Two branches; only one leads to "out".
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "mid" op: "Identity" input: "x" device: "/gpu:0" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "out" op: "Relu" input: "mid" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "side" op: "Relu6" input: "mid" attr { key: "T" value { type: DT_FLOAT } } }
versions { producer: 134 }
)";

class TransformGraphTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = ScratchFolder();
    WriteTestFile(Path("in.pbtxt"), kGraph);
  }
  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }
  // With the usual flags, of which `flags` replace those of the same name.
  ToolRun Transform(const std::vector<std::string>& flags, const ToolOptions& options = {}) {
    std::vector<std::string> args = {"--in_graph=" + Path("in.pbtxt"), "--out_graph=" + Path("out.pb"),
                                     "--inputs=x", "--outputs=out", "--output_as_text"};
    args.insert(args.end(), flags.begin(), flags.end());
    return RunTool("tools/transform_graph", args, options);
  }
  void PutOldResult() { WriteTestFile(Path("out.pb"), "old"); }
  void ExpectUntouched() {
    EXPECT_EQ(ReadTestFile(Path("out.pb")), "old");
    for (const std::string& name : ListFolder(folder_)) EXPECT_THAT(name, Not(HasSubstr(".tmp"))) << name;
  }

  std::string folder_;
};

TEST_F(TransformGraphTest, RunsThePipeline) {
  const ToolRun run = Transform({"--transforms=strip_unused_nodes remove_device"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("transformed 4 nodes into 3 nodes ("));
  EXPECT_THAT(ReadTestFile(Path("out.pb")),
              AllOf(HasSubstr("name: \"out\""), Not(HasSubstr("side")), Not(HasSubstr("gpu")),
                    HasSubstr("producer: 134"), Not(HasSubstr("library"))));
}

TEST_F(TransformGraphTest, BinaryIsTheDefaultWhateverTheName) {
  const ToolRun run =
      Transform({"--transforms=remove_device", "--output_as_text=false", "--out_graph=" + Path("out.pbtxt")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("is binary in spite of its name"));
  EXPECT_THAT(ReadTestFile(Path("out.pbtxt")), StartsWith("\x0a"));
}

TEST_F(TransformGraphTest, InputMayBeTheOutput) {
  const ToolRun run = Transform({"--transforms=remove_device", "--out_graph=" + Path("in.pbtxt")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(Path("in.pbtxt")), AllOf(HasSubstr("mid"), Not(HasSubstr("gpu"))));
}

TEST_F(TransformGraphTest, SpecFromAFile) {
  WriteTestFile(Path("passes.txt"), "# What serving needs.\nstrip_unused_nodes\nremove_nodes(op=Identity)\n");
  ToolRun run = Transform({"--transforms_file=" + Path("passes.txt")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(Path("out.pb")), Not(HasSubstr("mid")));
  WriteTestFile(Path("passes.txt"), "strip_unused_nodes\n  remove_nodez(op=Identity)\n");
  PutOldResult();
  run = Transform({"--transforms_file=" + Path("passes.txt")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("passes.txt: "), HasSubstr("2:3"), HasSubstr("did you mean 'remove_nodes'")));
  run = Transform({"--transforms_file=" + Path("passes.txt"), "--transforms=remove_device"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("two pipelines"));
  ExpectUntouched();
}

TEST_F(TransformGraphTest, WrongUsageInTheOriginalsOrder) {
  PutOldResult();
  for (const auto& [flags, words] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--no_such_flag", "--in_graph="}, "has no flag --no_such_flag"},
           {{"--in_graph=", "--transforms="}, "--in_graph must name the model to read"},
           {{"--out_graph=", "--transforms="}, "--out_graph must say where the result goes"},
           {{"--transforms="}, "--transforms must name at least one pass"},
           {{"--transforms=remove_device(", "--in_graph=" + Path("gone.pb")}, "error: pass spec 1:"},
           {{"--transforms=# nothing"}, "no pass"},
           {{"--transforms=remove_device", "stray"}, "'stray' is no flag"},
           {{"--transforms=remove_device", "--outputs=out:x"}, "--outputs: 'out:x' names no output"},
       }) {
    const ToolRun run = Transform(flags);
    EXPECT_EQ(run.exit_code, 2) << words << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr(words)));
    EXPECT_THAT(run.out, IsEmpty());
  }
  const ToolRun gone = Transform({"--transforms=remove_device", "--in_graph=" + Path("gone.pb")});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.err, AllOf(HasSubstr("gone.pb"), HasSubstr("CG105")));
  ExpectUntouched();
}

TEST_F(TransformGraphTest, UnknownPassAndParameterShowTheColumn) {
  PutOldResult();
  ToolRun run = Transform({"--transforms=remove_device strip_unused"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("error: pass spec 1:15: "), HasSubstr("strip_unused_nodes"),
                             HasSubstr("remove_device strip_unused\n"), HasSubstr("              ^")));
  run = Transform({"--transforms=remove_nodes(opp=Identity)"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("did you mean 'op'"));
  ExpectUntouched();
}

TEST_F(TransformGraphTest, UnknownOutputNamesTheNearestAndTheSinks) {  // CG101
  PutOldResult();
  const ToolRun run = Transform({"--transforms=strip_unused_nodes", "--outputs=outt"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("--outputs: "), HasSubstr("has no node 'outt'; did you mean 'out'"),
                             HasSubstr("CG101"), HasSubstr("why: nothing reads out, side")));
  ExpectUntouched();
}

TEST_F(TransformGraphTest, BlanksAndEmptyNames) {  // CG103
  const ToolRun run = Transform({"--transforms=strip_unused_nodes", "--outputs= out ,", "--inputs=x, "});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("CG103"));
}

TEST_F(TransformGraphTest, SpellingsOfTheOriginalAndOurs) {
  const ToolRun run =
      RunTool("tools/transform_graph",
              {"--in_graph", Path("in.pbtxt"), "-out_graph=" + Path("out.pb"), "--inputs=x", "--outputs",
               "out", "--transforms", "remove_device", "--output_as_text=1", "--logtostderr", "--v=2"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(Path("out.pb")), HasSubstr("node {"));
}

TEST_F(TransformGraphTest, BrokenGraphsAreRefused) {
  PutOldResult();
  WriteTestFile(Path("in.pbtxt"), absl::StrReplaceAll(kGraph, {{"input: \"x\"", "input: \"gone\""}}));
  ToolRun run = Transform({"--transforms=remove_device"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("mid"), HasSubstr("gone")));
  ExpectUntouched();
  // What stripping removes stops nobody.
  WriteTestFile(Path("in.pbtxt"),
                absl::StrReplaceAll(kGraph, {{"\"Relu6\" input: \"mid\"", "\"Relu6\" input: \"gone\""}}));
  run = Transform({"--transforms=strip_unused_nodes"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST_F(TransformGraphTest, VerifyRefusesWhatTensorFlowWould) {
  PutOldResult();
  WriteTestFile(Path("in.pbtxt"),
                absl::StrReplaceAll(kGraph, {{"\"Relu\" input: \"mid\"", "\"Relu\" input: \"mid:1\""}}));
  const ToolRun run = Transform({"--transforms=remove_device"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("L110"), HasSubstr("out"), HasSubstr("--verify=off")));
  ExpectUntouched();
  EXPECT_EQ(Transform({"--transforms=remove_device", "--verify=off"}).exit_code, 0);
}

TEST_F(TransformGraphTest, WatchingItWork) {
  ToolRun run =
      Transform({"--transforms=strip_unused_nodes remove_nodes(op=Identity)", "--timing", "--remarks",
                 "--report_json=" + Path("report.json"), "--dump_dir=" + Path("dump")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("strip_unused_nodes"), HasSubstr("remove_nodes")));
  EXPECT_THAT(ReadTestFile(Path("report.json")), HasSubstr("\"steps\""));
  EXPECT_THAT(ListFolder(Path("dump")), Not(IsEmpty()));

  run = Transform({"--transforms=strip_unused_nodes remove_nodes(op=Identity)", "--bisect_limit=1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(Path("out.pb")), AllOf(HasSubstr("mid"), Not(HasSubstr("side"))));
  run = Transform(
      {"--transforms=strip_unused_nodes remove_nodes(op=Identity)", "--skip_passes=strip_unused_nodes"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(Path("out.pb")), AllOf(Not(HasSubstr("mid")), HasSubstr("side")));
}

TEST_F(TransformGraphTest, AFailureLeavesAReproducer) {
  PutOldResult();
  // Two nodes cannot bear one name.
  const ToolRun run =
      Transform({"--transforms=remove_device rename_node(old_node_name=mid, new_node_name=side)",
                 "--reproducer_dir=" + Path("repro")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("in.pbtxt: "), HasSubstr("pass #2 'rename_node'")));
  EXPECT_THAT(ListFolder(Path("repro")), Not(IsEmpty()));
  ExpectUntouched();
}

TEST_F(TransformGraphTest, FreezingIsAPass) {
  const std::string digits = Runfile("tests/models/digits");
  const ToolRun run =
      Transform({"--in_graph=" + digits + "/graph.pb", "--inputs=image", "--outputs=probabilities",
                 "--transforms=freeze_variables(checkpoint=\"" + digits + "/model.ckpt\") remove_device"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(Path("out.pb")),
              AllOf(Not(HasSubstr("VariableV2")), HasSubstr("block1/conv/kernel")));
}

TEST_F(TransformGraphTest, AMetaGraphSaysNothingOfNodesThatAreGone) {
  const ToolRun run = Transform({"--in_graph=" + Runfile("tests/models/digits/model.ckpt.meta"),
                                 "--out_graph=" + Path("out.meta"), "--output_format=meta", "--inputs=image",
                                 "--outputs=block1/pool", "--transforms=strip_unused_nodes"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::string meta = ReadTestFile(Path("out.meta"));
  EXPECT_THAT(meta, AllOf(HasSubstr("block1/conv/kernel"), Not(HasSubstr("block2/conv/kernel/Assign")),
                          HasSubstr("serving_default")));
}

TEST_F(TransformGraphTest, HelpAndListOfPasses) {
  const ToolRun help = RunTool("tools/transform_graph", {"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.err, IsEmpty());
  for (const char* word : {"--in_graph", "--out_graph", "--inputs", "--outputs", "--transforms",
                           "--output_as_text", "strip_unused_nodes", "Exit status"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
  const ToolRun list = RunTool("tools/transform_graph", {"--list_passes"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_THAT(list.out, HasSubstr("remove_device"));
}

TEST_F(TransformGraphTest, StdinAndStdoutAndFullDisk) {
  ToolOptions options;
  options.input = kGraph;
  const ToolRun run = Transform({"--in_graph=-", "--out_graph=-", "--transforms=remove_device"}, options);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("node {"), Not(HasSubstr("gpu"))));
  PutOldResult();
  ToolOptions full;
  full.file_size_limit = 64;
  const ToolRun refused = Transform({"--transforms=remove_device"}, full);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("cannot write"));
  ExpectUntouched();
}

}  // namespace
}  // namespace cryograph
