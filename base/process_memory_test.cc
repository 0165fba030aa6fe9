#include "base/process_memory.h"

#include <string>

#include "gtest/gtest.h"

namespace cryograph {
namespace {

constexpr uint64_t kBytes = 64 << 20;

TEST(ProcessMemoryTest, PeakStaysWhenTheMemoryHasGone) {
  const uint64_t before = PeakResidentBytes();
  EXPECT_GT(before, 0);
  {
    const std::string touched(kBytes, 'x');
    EXPECT_EQ(touched.back(), 'x');
  }
  EXPECT_GE(PeakResidentBytes(), before + kBytes / 2);  // The system counts in batches.
}

TEST(ProcessMemoryTest, FilesAreAPart) {
  EXPECT_GT(ResidentFileBytes(), 0);
  EXPECT_LE(ResidentFileBytes(), PeakResidentBytes());
}

}  // namespace
}  // namespace cryograph
