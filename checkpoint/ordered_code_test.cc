#include "checkpoint/ordered_code.h"

#include <limits>
#include <vector>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

std::string Signed(int64_t value) {
  std::string code;
  AppendOrderedSigned(value, &code);
  return absl::BytesToHexString(code);
}

std::string Number(uint64_t value) {
  std::string code;
  AppendOrderedNumber(value, &code);
  return absl::BytesToHexString(code);
}

TEST(OrderedCodeTest, KnownCodes) {
  EXPECT_EQ(Number(0), "00");
  EXPECT_EQ(Number(2), "0102");
  EXPECT_EQ(Number(300), "02012c");
  EXPECT_EQ(Signed(0), "80");
  EXPECT_EQ(Signed(1), "81");
  EXPECT_EQ(Signed(63), "bf");
  EXPECT_EQ(Signed(64), "c040");
  EXPECT_EQ(Signed(8191), "dfff");
  EXPECT_EQ(Signed(8192), "e02000");
  EXPECT_EQ(Signed(int64_t{1} << 55), "ff8080000000000000");
  EXPECT_EQ(Signed(int64_t{1} << 62), "ffc04000000000000000");
  EXPECT_EQ(Signed(-1), "7f");
  EXPECT_EQ(Signed(-64), "40");
  EXPECT_EQ(Signed(-65), "3fbf");
  EXPECT_EQ(Signed(-2048), "3800");
}

TEST(OrderedCodeTest, KeysOfSlices) {
  EXPECT_EQ(absl::BytesToHexString(SliceKey("w", {{0, 2}, {}})),
            "00770001010280828"
            "07f");
  EXPECT_EQ(absl::BytesToHexString(SliceKey("w", {})), "0077000100");
  EXPECT_EQ(absl::BytesToHexString(SliceKey(absl::string_view("a\0b\xff"
                                                              "00",
                                                              6),
                                            {{0, 1}})),
            "006100ff62ff003030000101018081");
}

TEST(OrderedCodeTest, SortsAsTheNumbersDo) {
  std::vector<int64_t> values = {std::numeric_limits<int64_t>::min()};
  for (int bit = 62; bit >= 0; --bit) {
    for (int64_t delta : {-1, 0, 1}) values.push_back(-(int64_t{1} << bit) + delta);
  }
  for (int bit = 0; bit < 63; ++bit) {
    for (int64_t delta : {-1, 0, 1}) values.push_back((int64_t{1} << bit) + delta);
  }
  values.push_back(std::numeric_limits<int64_t>::max());
  for (const int64_t a : values) {
    for (const int64_t b : values) {
      // Hexadecimal digits sort as the bytes do.
      EXPECT_EQ(a < b, Signed(a) < Signed(b)) << a << " " << b;
    }
  }
}

}  // namespace
}  // namespace cryograph
