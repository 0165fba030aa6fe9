// freeze_graph where what variables and tables begin with has to be computed. The numbers are
// TensorFlow 1.15's, which tests/oracle/make_initial_values.py prints.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class InitialValuesTest : public testing::Test {
 protected:
  ToolRun Run(std::vector<std::string> args) const { return RunTool("tools/cryograph", args); }
  ToolRun Freeze(const std::vector<std::string>& more) const {
    std::vector<std::string> args = {
        "freeze_graph", "--input_graph=" + Runfile("tests/tools/testdata/initial_values/graph.pb"),
        "--input_checkpoint=" + Runfile("tests/tools/testdata/initial_values/m"), "--output_graph=" + frozen_,
        "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }

  const std::string frozen_ = ScratchFolder() + "/frozen.pb";
};

TEST_F(InitialValuesTest, AreComputedFromEachOtherAndFromTheCheckpoint) {
  ToolRun run = Freeze({"--output_node_names=y,found", "--missing=init", "--tables=bake"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("\"node\": \"b\", \"key\": \"\", \"slice\": \"\", \"how\": \"initial value\""),
                    HasSubstr("\"what\": \"baked\"")));
  run = Run({"run_graph", "--in_graph=" + frozen_, "--feed=x:0=[1,1]", "--feed=q:0=[\"c\",\"x\",\"b\"]",
             "--fetch=y:0,found:0", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("41"), HasSubstr("71.4645386"), HasSubstr("14")));

  run = Freeze({"--output_node_names=y", "--initializer_nodes=a/Assign,b/Assign,c/Assign,d/Assign"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("initializer node"));
}

TEST_F(InitialValuesTest, RandomOnesAreRefused) {
  const ToolRun run = Freeze({"--output_node_names=z", "--missing=init"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("variable 'r'"), HasSubstr("gives another value in each run"),
                             HasSubstr("CG117")));
  EXPECT_FALSE(FileExists(frozen_));
}

}  // namespace
}  // namespace cryograph
