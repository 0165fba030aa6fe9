// What a user of lint sees.
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
using testing::StartsWith;

constexpr char kBroken[] = R"(
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "y" op: "Relu" input: "gone" attr { key: "T" value { type: DT_FLOAT } } }
versions { producer: 134 }
)";
// An op that nobody knows is only warned of.
constexpr char kOdd[] = R"(
node { name: "x" op: "NobodyKnowsThisOp" }
versions { producer: 134 }
)";

class LintTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = ScratchFolder();
    WriteTestFile(Path("broken.pbtxt"), kBroken);
    WriteTestFile(Path("odd.pbtxt"), kOdd);
  }
  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }
  std::string folder_;
};

ToolRun Lint(const std::vector<std::string>& args) { return RunTool("tools/lint", args); }

TEST_F(LintTest, GoodModelsPass) {
  for (const char* model : {"tests/models/digits/frozen.pb", "tests/models/digits/graph.pb",
                            "tests/models/digits/model.ckpt.meta", "tests/models/digits/saved_model"}) {
    const ToolRun run = Lint({Runfile(model)});
    EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
    EXPECT_THAT(run.out, HasSubstr(": 0 errors, "));
  }
}

TEST_F(LintTest, FindingsHaveCodesAndGiveStatusOne) {
  const ToolRun run = Lint({Path("broken.pbtxt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_THAT(run.out,
              AllOf(StartsWith(Path("broken.pbtxt") + ": error L107: node 'y': "), HasSubstr("'gone'"),
                    HasSubstr("\n  try: "), HasSubstr(": 1 error, 0 warnings\n")));
  EXPECT_THAT(Lint({Path("broken.pbtxt"), "--nohints"}).out, Not(HasSubstr("try:")));
  EXPECT_EQ(Lint({Path("broken.pbtxt"), "--fail_on=never"}).exit_code, 0);
  EXPECT_EQ(Lint({Path("broken.pbtxt"), "--ignore=L107"}).exit_code, 0);
}

TEST_F(LintTest, WarningsFailOnRequest) {
  EXPECT_EQ(Lint({Path("odd.pbtxt")}).exit_code, 0);
  const ToolRun run = Lint({"--fail_on=warning", Path("odd.pbtxt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, AllOf(HasSubstr("warning L201: node 'x': "), HasSubstr(": 0 errors, 1 warning\n")));
}

TEST_F(LintTest, Json) {
  const ToolRun run = Lint({"--json", Path("broken.pbtxt"), Path("odd.pbtxt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out,
              AllOf(StartsWith("{\"files\": ["), HasSubstr("\"errors\": 1, \"warnings\": 0"),
                    HasSubstr("{\"code\": \"L107\", \"kind\": \"missing_input\", \"severity\": \"error\", "
                              "\"function\": \"\", \"node\": \"y\", \"text\": \""),
                    HasSubstr("\"errors\": 0, \"warnings\": 1")));
}

TEST_F(LintTest, ListOfCodes) {
  const ToolRun run = Lint({"--list"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, HasSubstr("\nL107 error missing_input: "));
  EXPECT_THAT(Lint({"--list", "--json"}).out, HasSubstr("{\"code\": \"L107\", \"kind\": \"missing_input\""));
}

TEST_F(LintTest, UnreadableFilesAndWrongUsageGiveStatusTwo) {
  WriteTestFile(Path("cut.pb"), ReadTestFile(Runfile("tests/models/digits/graph.pb")).substr(0, 1000));
  for (const auto& [args, words] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, "no model to check"},
           {{Path("gone.pb")}, "CG105"},
           {{Path("cut.pb")}, "cut.pb"},
           {{"--fail_on=info", Path("odd.pbtxt")}, "'info' is none of error, warning, never"},
           {{"--ignore=L999", Path("odd.pbtxt")}, "there is no code 'L999'"},
       }) {
    const ToolRun run = Lint(args);
    EXPECT_EQ(run.exit_code, 2) << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr(words)));
    EXPECT_THAT(run.out, IsEmpty());
  }
}

}  // namespace
}  // namespace cryograph
