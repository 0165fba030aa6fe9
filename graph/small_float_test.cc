#include "graph/small_float.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

SmallFloat Form(DataType dtype) {
  SmallFloat form;
  EXPECT_TRUE(SmallFloatOf(dtype, &form));
  return form;
}

// What TensorFlow 2.21 casts these doubles to.
TEST(SmallFloatTest, RoundsToTheNearestAsTensorFlow) {
  const std::vector<double> numbers = {0,         -0.0,
                                       1,         1.0625,
                                       1.125,     1.1875,
                                       -1.3,      17,
                                       18,        19,
                                       448,       463.9,
                                       464,       464.1,
                                       480,       1e9,
                                       57344,     61439,
                                       61440,     61441,
                                       65536,     HUGE_VAL,
                                       -HUGE_VAL, 0x1p-9,
                                       0x1p-10,   0x1p-10 * 1.0001,
                                       0x1p-11,   0x1p-16,
                                       0x1p-17,   0x1.8p-17,
                                       0.013,     -0.0021};
  const std::vector<uint32_t> e4m3fn = {0x00, 0x80, 0x38, 0x38, 0x39, 0x3a, 0xba, 0x58, 0x59, 0x5a, 0x7e,
                                        0x7e, 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
                                        0xff, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x07, 0x81};
  const std::vector<uint32_t> e5m2 = {0x00, 0x80, 0x3c, 0x3c, 0x3c, 0x3d, 0xbd, 0x4c, 0x4c, 0x4d, 0x5f,
                                      0x5f, 0x5f, 0x5f, 0x60, 0x7c, 0x7b, 0x7b, 0x7c, 0x7c, 0x7c, 0x7c,
                                      0xfc, 0x18, 0x14, 0x14, 0x10, 0x01, 0x00, 0x01, 0x23, 0x98};
  for (size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(SmallFloatFromDouble(numbers[i], Form(DT_FLOAT8_E4M3FN)), e4m3fn[i]) << numbers[i];
    EXPECT_EQ(SmallFloatFromDouble(numbers[i], Form(DT_FLOAT8_E5M2)), e5m2[i]) << numbers[i];
  }
  EXPECT_EQ(SmallFloatFromDouble(std::nan(""), Form(DT_FLOAT8_E4M3FN)), 0x7f);
  EXPECT_EQ(SmallFloatFromDouble(std::nan(""), Form(DT_FLOAT8_E5M2)), 0x7e);
}

TEST(SmallFloatTest, EveryNumberComesBack) {
  for (const DataType dtype :
       {DT_FLOAT8_E5M2, DT_FLOAT8_E4M3FN, DT_FLOAT8_E4M3FNUZ, DT_FLOAT8_E4M3B11FNUZ, DT_FLOAT8_E5M2FNUZ}) {
    const SmallFloat form = Form(dtype);
    for (uint32_t bits = 0; bits < 256; ++bits) {
      const double number = SmallFloatToDouble(bits, form);
      if (std::isnan(number)) continue;
      EXPECT_EQ(SmallFloatFromDouble(number, form), bits) << DataTypeName(dtype);
    }
  }
}

}  // namespace
}  // namespace cryograph
