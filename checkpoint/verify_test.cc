#include "checkpoint/verify.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Tensor Floats(std::vector<int64_t> dims, std::vector<float> values) {
  return Tensor::Of<float>(DT_FLOAT, std::move(dims), values);
}

// Forty tensors of 12 bytes, a string, and "p" in two slices of 8 bytes.
std::string Made(int version) {
  const std::string prefix = absl::StrCat(testing::TempDir(), "/verify", version);
  CheckpointWriterOptions options;
  options.version = version;
  absl::StatusOr<std::unique_ptr<CheckpointWriter>> writer = CreateCheckpointWriter(prefix, options);
  EXPECT_OK(writer);
  for (int i = 0; i < 40; ++i) {
    EXPECT_OK((*writer)->Add(absl::StrCat("w", 10 + i), Floats({3}, {1, 2, static_cast<float>(i)})));
  }
  EXPECT_OK((*writer)->Add("s", Tensor::OfStrings({2}, {"ab", "c"})));
  EXPECT_OK((*writer)->AddSlice("p", {4}, {{0, 2}}, Floats({2}, {1, 2})));
  EXPECT_OK((*writer)->AddSlice("p", {4}, {{2, 2}}, Floats({2}, {3, 4})));
  EXPECT_OK((*writer)->Finish());
  return prefix;
}

CheckpointVerdict Verdict(const std::string& prefix, int num_threads) {
  const absl::StatusOr<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(prefix);
  EXPECT_OK(checkpoint);
  uint64_t passed = 0;
  CheckpointVerdict verdict =
      VerifyCheckpoint(**checkpoint, num_threads, [&](uint64_t each) { passed += each; });
  EXPECT_EQ(passed, verdict.bytes);
  return verdict;
}

TEST(VerifyTest, WholeCheckpointsOfBothVersions) {
  for (const int version : {1, 2}) {
    SCOPED_TRACE(version);
    const CheckpointVerdict verdict = Verdict(Made(version), 0);
    EXPECT_THAT(verdict.defects, IsEmpty());
    EXPECT_EQ(verdict.tensors, 42u);
    EXPECT_EQ(verdict.bytes, 40u * 12 + 3 + 16);
  }
}

TEST(VerifyTest, EveryDefectIsToldAndTheSameByAnyNumberOfThreads) {
  const std::string prefix = Made(2);
  const std::string path = prefix + ".data-00000-of-00001";
  std::string data = FileBytes(path);
  data[12 * 7] ^= 1;           // w17
  data[12 * 33 + 5] ^= 1;      // w43
  data[data.size() - 1] ^= 1;  // the second slice of p
  ASSERT_OK(WriteFile(path, data));
  std::vector<std::string> first;
  for (const int num_threads : {1, 2, 7}) {
    const CheckpointVerdict verdict = Verdict(prefix, num_threads);
    EXPECT_EQ(verdict.bytes, 38u * 12 + 3 + 8);
    std::vector<std::string> lines;
    for (const CheckpointDefect& defect : verdict.defects) {
      lines.push_back(absl::StrCat(defect.tensor, ": ", defect.status.ToString()));
    }
    if (first.empty()) first = lines;
    EXPECT_EQ(lines, first);
  }
  ASSERT_EQ(first.size(), 3u);
  EXPECT_THAT(first[0], testing::AllOf(HasSubstr("p: "), HasSubstr(path), HasSubstr("checksum")));
  EXPECT_THAT(first[1], testing::AllOf(HasSubstr("w17: "), HasSubstr("at offset 84 (12 bytes)")));
  EXPECT_THAT(first[2], HasSubstr("w43: "));
}

TEST(VerifyTest, AMissingDataFileIsADefectOfEachTensor) {
  const std::string prefix = Made(2);
  ASSERT_EQ(std::remove((prefix + ".data-00000-of-00001").c_str()), 0);
  const CheckpointVerdict verdict = Verdict(prefix, 0);
  EXPECT_EQ(verdict.bytes, 0u);
  EXPECT_GE(verdict.defects.size(), 42u);
}

}  // namespace
}  // namespace cryograph
