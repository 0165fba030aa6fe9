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

TEST(Crc32cTest, PiecesAreCombined) {
  std::string bytes(5000, 'x');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 256);
  const absl::string_view all = bytes;
  for (const size_t cut :
       {size_t{0}, size_t{1}, size_t{7}, size_t{64}, size_t{2500}, size_t{4999}, size_t{5000}}) {
    EXPECT_EQ(CombineCrc32c(Crc32c(all.substr(0, cut)), Crc32c(all.substr(cut)), all.size() - cut),
              Crc32c(all))
        << cut;
  }
  // A size of more than 32 bits: as many zeros can be appended in pieces.
  const uint64_t zeros = (uint64_t{1} << 33) + 3;
  uint32_t crc_of_zeros = Crc32c(absl::string_view("\0", 1));
  uint64_t size = 1;
  for (; 2 * size <= zeros; size *= 2) crc_of_zeros = CombineCrc32c(crc_of_zeros, crc_of_zeros, size);
  crc_of_zeros = CombineCrc32c(crc_of_zeros, Crc32c(absl::string_view("\0\0\0", 3)), 3);
  EXPECT_EQ(size + 3, zeros);
  const uint32_t halves = CombineCrc32c(Crc32c(all), crc_of_zeros, zeros);
  uint32_t stepwise = Crc32c(all);
  for (int piece = 0; piece < 8; ++piece) {
    uint32_t crc = Crc32c(absl::string_view("\0", 1));
    for (uint64_t n = 1; n < (uint64_t{1} << 30); n *= 2) crc = CombineCrc32c(crc, crc, n);
    stepwise = CombineCrc32c(stepwise, crc, uint64_t{1} << 30);
  }
  EXPECT_EQ(halves, ExtendCrc32c(stepwise, absl::string_view("\0\0\0", 3)));
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
