// inspect_checkpoint beside TensorFlow's: its output to the letter, and what ours does besides.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

constexpr char kDigits[] = "tests/models/digits/model.ckpt";

ToolRun Inspect(std::vector<std::string> args) { return RunTool("tools/inspect_checkpoint", args); }

TEST(InspectCheckpointTest, PrintsWhatTensorFlowPrints) {
  const std::string folder = Runfile("tests/tools/testdata/inspect_checkpoint");
  int compared = 0;
  for (const std::string& name : ListFolder(folder)) {
    SCOPED_TRACE(name);
    const std::string golden = ReadTestFile(folder + "/" + name);
    const size_t end = golden.find('\n');
    std::vector<std::string> args = absl::StrSplit(golden.substr(2, end - 2), ' ');
    args.push_back(absl::StrCat("--format=", name.find("tf15") != std::string::npos ? "tf15" : "tf221"));
    const ToolRun run = Inspect(args);
    EXPECT_EQ(run.out, golden.substr(end + 1));
    // TensorFlow's ends with 0 in any case.
    const bool missing = absl::StartsWith(name, "missing");
    EXPECT_EQ(run.exit_code, missing ? 1 : 0);
    if (missing) {
      EXPECT_THAT(run.err, HasSubstr("did you mean 'fc/kernel'"));
    }
    ++compared;
  }
  EXPECT_GE(compared, 15);
}

TEST(InspectCheckpointTest, PartitionedTensorsOnceWithTheirSlices) {
  const ToolRun run = Inspect({"--file_name=tests/models/variants/partitioned/model.ckpt"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr(" (DT_FLOAT) ["), HasSubstr("\n    slice 0,"),
                             HasSubstr("# Total number of params: ")));
}

TEST(InspectCheckpointTest, AnyNameOfTheCheckpoint) {
  for (const char* name :
       {"tests/models/digits/model.ckpt.index", "tests/models/digits/model.ckpt.data-00000-of-00001",
        "tests/models/digits/model.ckpt.meta", "tests/models/digits"}) {
    const ToolRun run = Inspect({absl::StrCat("--file_name=", name)});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("fc/kernel (DT_FLOAT) [108,10]\n"));
    EXPECT_THAT(run.err, StartsWith("note: "));
  }
}

TEST(InspectCheckpointTest, Usage) {
  const ToolRun none = Inspect({});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.out, StartsWith("Usage: inspect_checkpoint --file_name=checkpoint_file_name"));
  const ToolRun bad = Inspect({"--file_name", kDigits, "--printoptions", "bad"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("'bad' is not in the form k=v."));
  const ToolRun unknown = Inspect({"--file_name", kDigits, "--printoptions", "precison=3"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("'precison' is not a valid printoption.; did you mean 'precision'"));
  EXPECT_EQ(Inspect({"--file_name", kDigits, "--count_exclude_pattern=("}).exit_code, 2);
  const ToolRun prefix = Inspect({"--file", kDigits, "--tensor=fc/bias", "--print", "precision=2"});
  EXPECT_EQ(prefix.exit_code, 0) << prefix.err;
  EXPECT_THAT(prefix.out, HasSubstr("tensor: fc/bias (float32) [10]\n["));
}

TEST(InspectCheckpointTest, AFileThatIsNotThere) {
  const ToolRun run = Inspect({"--file_name=tests/models/digits/model.ckpt-7"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr("CG110")));
}

TEST(InspectCheckpointTest, StatisticsAndJson) {
  const ToolRun text =
      Inspect({"--file_name=tests/models/variants/dtypes/model.ckpt", "--all_tensor_names", "--stats"});
  EXPECT_THAT(
      text.out,
      HasSubstr("tensor: v_int16 (int16) [3]\n  min 1 max 3 mean 2 std 0.816497 zeros 0 nan 0 inf 0 of 3\n"));
  EXPECT_THAT(text.out, HasSubstr("tensor: v_string (string) [3]\n  no numbers\n"));
  EXPECT_THAT(text.out, HasSubstr("tensor: v_bfloat16 (bfloat16) [3]\n  min 1 max 3 mean 2 "));
  const ToolRun json =
      Inspect({"--file_name", kDigits, "--format=json", "--tensor_name=global_step", "--stats"});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"name\": \"global_step\", \"dtype\": \"int64\", \"shape\": []"),
                              HasSubstr("\"stats\": {\"min\": "), HasSubstr("\"num_params\": 3693"),
                              Not(HasSubstr("fc/kernel"))));
}

TEST(InspectCheckpointTest, VerifyDiffAndDump) {
  const ToolRun verify = Inspect({"--file_name", kDigits, "--verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.err;
  EXPECT_THAT(verify.err, HasSubstr("the checksums of 21 tensors are good"));
  const std::string dump = ScratchFolder() + "/all.npz";
  EXPECT_EQ(Inspect({"--file_name", kDigits, "--dump=" + dump}).exit_code, 0);
  const ToolRun same = Inspect({"--file_name", kDigits, "--diff=" + dump});
  EXPECT_EQ(same.exit_code, 0) << same.err << same.out;
  EXPECT_THAT(same.out, HasSubstr("# 21 tensors are the same, 0 differ"));
  const ToolRun other = Inspect({"--file_name", kDigits, "--diff=tests/models/variants/dtypes/model.ckpt"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.out,
              AllOf(HasSubstr("- fc/kernel  float32 [108,10]\n"), HasSubstr("+ v_bool  bool [3]\n")));
}

}  // namespace
}  // namespace cryograph
