// What users of export_meta_graph, import_meta_graph and write_graph see.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ToolRun Cryograph(const std::vector<std::string>& args) { return RunTool("tools/cryograph", args); }

const char kMeta[] = "tests/models/digits/model.ckpt.meta";

TEST(ExportMetaGraphTest, APartAndItsInputs) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph({"export_meta_graph", "--in_graph=" + Runfile(kMeta),
                           "--out_graph=" + folder + "/part.meta.pbtxt", "--export_scope=block2"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("exported "));
  const std::string part = ReadTestFile(folder + "/part.meta.pbtxt");
  EXPECT_THAT(part, AllOf(HasSubstr("name: \"conv/kernel\""), HasSubstr("key: \"unbound_inputs\""),
                          HasSubstr("$unbound_inputs_block1/pool"), Not(HasSubstr("name: \"block1"))));

  run = Cryograph({"import_meta_graph", "--in_graph=" + folder + "/part.meta.pbtxt",
                   "--out_graph=" + folder + "/x.meta", "--import_scope=left"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("Graph contains unbound inputs: "), HasSubstr("try: --input_map=")));
  EXPECT_FALSE(FileExists(folder + "/x.meta"));
}

TEST(ExportMetaGraphTest, AModelUnderAScopeFreezesToTheSame) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph({"import_meta_graph", "--in_graph=" + Runfile(kMeta),
                           "--out_graph=" + folder + "/left.meta", "--import_scope=left"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  // The saver followed: the keys of the checkpoint are those of before.
  run = Cryograph({"freeze_graph", "--input_meta_graph=" + folder + "/left.meta",
                   "--input_checkpoint=" + Runfile("tests/models/digits/model.ckpt"),
                   "--output_graph=" + folder + "/left.pb", "--output_node_names=left/probabilities"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("froze 12 variables"));
}

TEST(ExportMetaGraphTest, WrongUsage) {
  const std::string folder = ScratchFolder();
  const std::string meta = Runfile(kMeta);
  EXPECT_EQ(Cryograph({"export_meta_graph", "--in_graph=" + meta}).exit_code, 2);
  EXPECT_EQ(Cryograph({"import_meta_graph", "--out_graph=" + folder + "/a.meta"}).exit_code, 2);
  EXPECT_EQ(Cryograph({"import_meta_graph", "--in_graph=" + meta, "--out_graph=" + folder + "/a.meta",
                       "--input_map=a"})
                .exit_code,
            2);
  const ToolRun run = Cryograph({"export_meta_graph", "--in_graph=" + meta,
                                 "--out_graph=" + folder + "/a.meta", "--export_scope=blok1"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("no node is below the scope 'blok1'"), HasSubstr("block1")));
  EXPECT_THAT(ListFolder(folder), IsEmpty());
}

TEST(WriteGraphTest, PrintsWhereItWrote) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph(
      {"write_graph", "--in_graph=" + Runfile(kMeta), "--logdir=" + folder + "/new", "--name=graph.pbtxt"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, folder + "/new/graph.pbtxt\n");
  EXPECT_THAT(ReadTestFile(folder + "/new/graph.pbtxt"), testing::StartsWith("node {\n"));
  run = Cryograph({"write_graph", "--in_graph=" + Runfile(kMeta), "--logdir=" + folder, "--name=graph.pb"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, HasSubstr("(CG150)"));
  run = Cryograph({"write_graph", "--in_graph=" + Runfile(kMeta), "--logdir=" + folder, "--name=graph.pb",
                   "--as_text=false"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, Not(HasSubstr("(CG150)")));
  EXPECT_EQ(Cryograph({"write_graph", "--in_graph=" + Runfile(kMeta), "--name=a"}).exit_code, 2);
}

}  // namespace
}  // namespace cryograph
