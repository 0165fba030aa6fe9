// The program of all tools: which of them it is, how it answers, and how fast.
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::vector<std::string>& ToolNames() {
  // saved_model_cli has verbs with flags of their own: saved_model_cli_test.cc.
  static const auto* const names = new std::vector<std::string>{"checkpoint",
                                                                "compare_graphs",
                                                                "convert_graph",
                                                                "doctor",
                                                                "edit_model",
                                                                "export_meta_graph",
                                                                "freeze_graph",
                                                                "import_meta_graph",
                                                                "inspect_checkpoint",
                                                                "lint",
                                                                "show",
                                                                "thaw_graph",
                                                                "transform_graph",
                                                                "write_graph"};
  return *names;
}

TEST(CryographTest, HelpListsTheTools) {
  for (const char* flag : {"--help", "-h", "help"}) {
    const ToolRun run = RunTool("tools/cryograph", {flag});
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_THAT(run.err, IsEmpty());
    for (const std::string& tool : ToolNames()) EXPECT_THAT(run.out, HasSubstr("\n  " + tool + " "));
  }
  const ToolRun bare = RunTool("tools/cryograph", {});
  EXPECT_EQ(bare.exit_code, 2);
  EXPECT_THAT(bare.out, IsEmpty());
  EXPECT_THAT(bare.err, HasSubstr("usage: cryograph TOOL"));
}

TEST(CryographTest, EveryToolByEveryName) {
  const std::string folder = ScratchFolder();
  for (const std::string& tool : ToolNames()) {
    const ToolRun own = RunTool("tools/" + tool, {"--help"});
    EXPECT_EQ(own.exit_code, 0);
    EXPECT_THAT(own.out, StartsWith(tool + ": "));
    EXPECT_THAT(own.out, AllOf(HasSubstr("usage: " + tool), HasSubstr("Examples"), HasSubstr("Exit status")));
    EXPECT_EQ(RunTool("tools/cryograph", {tool, "--help"}).out, own.out);
    EXPECT_EQ(RunTool("tools/cryograph", {"help", tool}).out, own.out);
    EXPECT_EQ(RunTool("tools/" + tool, {"--version"}).out, RunTool("tools/cryograph", {"--version"}).out);
    const ToolRun wrong = RunTool("tools/cryograph", {tool, "--no_such_flag"});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, AllOf(StartsWith("error: " + tool), HasSubstr("CG147")));
  }
}

TEST(CryographTest, UnknownToolNamesTheNearest) {
  const ToolRun run = RunTool("tools/cryograph", {"frezee_graph", "--input_graph=x"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("no tool is named 'frezee_graph'; did you mean 'freeze_graph'"));
}

TEST(CryographTest, ResultsThatCannotBePrintedAreAFailure) {
  ToolOptions options;
  options.output_file = "/dev/full";
  const ToolRun run = RunTool("tools/cryograph", {"--help"}, options);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("cannot write"));
}

TEST(CryographTest, StartsAtOnce) {
  for (const std::string& tool : ToolNames()) {
    double best_ms = 1e9;
    for (int i = 0; i < 10; ++i) best_ms = std::min(best_ms, RunTool("tools/" + tool, {"--help"}).ms);
    // 20 ms on a machine at rest; tests share theirs, and sanitizers are slow.
    EXPECT_LT(best_ms, 200) << tool;
    RecordProperty(tool + "_help_us", static_cast<int>(best_ms * 1000));
    printf("%s --help: %.1f ms\n", tool.c_str(), best_ms);
  }
}

}  // namespace
}  // namespace cryograph
