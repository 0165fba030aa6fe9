#include "checkpoint/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace cryograph {
namespace {

// The table-free definition: one bit at a time, reflected polynomial.
uint32_t SlowCrc32c(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32cTest, AgreesWithTheDefinitionForEverySizeAndCut) {
  std::string bytes;
  for (int i = 0; i < 700; ++i) {
    EXPECT_EQ(Crc32c(bytes), SlowCrc32c(bytes));
    const size_t cut = bytes.size() / 3;
    EXPECT_EQ(ExtendCrc32c(Crc32c(bytes.substr(0, cut)), bytes.substr(cut)), Crc32c(bytes));
    bytes.push_back(static_cast<char>(i * 167 + 13));
  }
}

TEST(Crc32cTest, MaskIsUndone) {
  EXPECT_EQ(MaskCrc(0xe3069283u), 0xc78ab0e5u);
  EXPECT_EQ(MaskCrc(0), 0xa282ead8u);
  EXPECT_EQ(UnmaskCrc(0), 0x8a942ebeu);
  for (const uint32_t crc : {0u, 1u, 0x80000000u, 0xe3069283u, 0xffffffffu})
    EXPECT_EQ(UnmaskCrc(MaskCrc(crc)), crc);
}

}  // namespace
}  // namespace cryograph
