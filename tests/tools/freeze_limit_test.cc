// A model past the 2 GiB that TensorFlow can parse: TensorFlow's freeze_graph fails on it, or writes with
// success what nothing reads back. Ours says so, reads what it wrote, and has a form that TensorFlow loads.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_files.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/messages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int64_t kRows = 17000, kColumns = 33000, kBytes = 4 * kRows * kColumns;

uint32_t Crc32cOfZeros(uint64_t count) {
  uint32_t crc = 0, crc_of_power = Crc32c(absl::string_view("\0", 1));
  for (uint64_t power = 1; power <= count; power *= 2) {
    if ((count & power) != 0) crc = CombineCrc32c(crc, crc_of_power, power);
    crc_of_power = CombineCrc32c(crc_of_power, crc_of_power, power);
  }
  return crc;
}

// A checkpoint of one variable of zeros; its data file is a hole.
void WriteZeros(const std::string& prefix) {
  BundleEntry entry;
  entry.dtype = DT_FLOAT;
  entry.shape.dims = {kRows, kColumns};
  entry.size = kBytes;
  entry.masked_crc = MaskCrc(Crc32cOfZeros(static_cast<uint64_t>(kBytes)));
  StringSink index;
  ASSERT_OK(WriteBundleIndex({{"w", entry}}, 1, 0, false, index));
  WriteTestFile(prefix + ".index", index.bytes());
  const std::string data = BundleDataPath(prefix, 0, 1);
  WriteTestFile(data, "");
  ASSERT_EQ(truncate(data.c_str(), kBytes), 0);
}

TEST(FreezeLimitTest, PastTwoGibibytes) {
  const std::string folder = ScratchFolder();
  WriteZeros(folder + "/zeros.ckpt");
  WriteTestFile(folder + "/graph.pbtxt", absl::StrCat(R"(
    node { name: "w" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } }
           attr { key: "shape" value { shape { dim { size: )",
                                                      kRows, " } dim { size: ", kColumns, R"( } } } }
           attr { key: "container" value { s: "" } } attr { key: "shared_name" value { s: "" } } }
    node { name: "y" op: "Identity" input: "w" attr { key: "T" value { type: DT_FLOAT } } })"));
  const auto freeze = [&](const std::vector<std::string>& output) {
    std::vector<std::string> args = {"freeze_graph", "--input_graph=" + folder + "/graph.pbtxt",
                                     "--input_checkpoint=" + folder + "/zeros.ckpt", "--output_node_names=y"};
    args.insert(args.end(), output.begin(), output.end());
    return RunTool("tools/cryograph", args);
  };
  ToolRun run = freeze({"--output_graph=" + folder + "/big.pb"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("TensorFlow cannot parse a GraphDef over 2 GiB (CG141)"),
                             HasSubstr("its largest constants are w (2.2 GB)"),
                             HasSubstr("--output_format=saved_model")));
  struct stat info;
  ASSERT_EQ(stat((folder + "/big.pb").c_str(), &info), 0);
  EXPECT_GT(info.st_size, kBytes);
  run = RunTool("tools/cryograph", {"infer_shapes", folder + "/big.pb"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr(absl::StrCat("y:0 float [", kRows, ",", kColumns, "]")));
  ASSERT_EQ(unlink((folder + "/big.pb").c_str()), 0);

  run = freeze({"--output_graph=" + folder + "/served", "--output_format=saved_model"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(stat((folder + "/served/saved_model.pb").c_str(), &info), 0);
  EXPECT_LT(info.st_size, 100000);
  run = RunTool("tools/cryograph", {"checkpoint", "verify", folder + "/served"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(unlink((folder + "/served/variables/variables.data-00000-of-00001").c_str()), 0);
}

}  // namespace
}  // namespace cryograph
