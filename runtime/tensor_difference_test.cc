#include "runtime/tensor_difference.h"

#include <cmath>
#include <limits>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor Floats(std::vector<float> values) {
  return Tensor::Of<float>(DT_FLOAT, {static_cast<int64_t>(values.size())}, values);
}

TensorDifference Compare(const Tensor& a, const Tensor& b, const Tolerance& tolerance = {}) {
  absl::StatusOr<TensorDifference> difference = CompareTensors(a, b, tolerance);
  EXPECT_OK(difference);
  return *std::move(difference);
}

TEST(TensorDifferenceTest, EqualTensorsAreEqual) {
  const TensorDifference difference = Compare(Floats({1, -2, 3}), Floats({1, -2, 3}));
  EXPECT_TRUE(difference.ok());
  EXPECT_EQ(difference.elements, 3);
  EXPECT_EQ(difference.max_absolute, 0);
  EXPECT_DOUBLE_EQ(difference.cosine, 1);
  EXPECT_EQ(DifferenceText(difference), "equal");
}

TEST(TensorDifferenceTest, NamesTheWorstPlace) {
  const Tensor before = Tensor::Of<float>(DT_FLOAT, {2, 3}, {0, 1, 2, 3, 4, 5});
  const Tensor after = Tensor::Of<float>(DT_FLOAT, {2, 3}, {0, 1.125f, 2, 3, 4.5f, 5});
  const TensorDifference difference = Compare(before, after);
  EXPECT_FALSE(difference.ok());
  EXPECT_EQ(difference.outside, 2);
  EXPECT_THAT(difference.worst, ElementsAre(1, 1));
  EXPECT_EQ(difference.max_absolute, 0.5);
  EXPECT_EQ(difference.max_relative, 0.125);
  EXPECT_EQ(difference.before_text, "4");
  EXPECT_EQ(difference.after_text, "4.5");
  EXPECT_THAT(DifferenceText(difference), HasSubstr("2 of 6 elements differ; largest error 0.5 at [1,1]"));
}

TEST(TensorDifferenceTest, AnyBoundSuffices) {
  const Tensor before = Floats({100, 0}), after = Floats({100.5f, 0.001f});
  EXPECT_EQ(Compare(before, after, {0.01, 0, 0}).outside, 1);
  EXPECT_EQ(Compare(before, after, {0, 0.01, 0}).outside, 1);
  EXPECT_EQ(Compare(before, after, {0.01, 0.01, 0}).outside, 0);
}

TEST(TensorDifferenceTest, CountsSteps) {
  const float next = std::nextafter(1.0f, 2.0f), second = std::nextafter(next, 2.0f);
  EXPECT_EQ(Compare(Floats({1}), Floats({second})).max_ulps, 2);
  EXPECT_EQ(Compare(Floats({1}), Floats({second}), {0, 0, 1}).outside, 1);
  EXPECT_EQ(Compare(Floats({1}), Floats({second}), {0, 0, 2}).outside, 0);
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(Compare(Floats({-tiny}), Floats({tiny})).max_ulps, 2);
}

TEST(TensorDifferenceTest, ZeroSignCountsOnlyWhenExact) {
  EXPECT_FALSE(Compare(Floats({0.0f}), Floats({-0.0f})).ok());
  EXPECT_TRUE(Compare(Floats({0.0f}), Floats({-0.0f}), {1e-9, 0, 0}).ok());
}

TEST(TensorDifferenceTest, NanAndInfinityMustStayInTheirPlaces) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(Compare(Floats({nan, inf}), Floats({-nan, inf})).ok());
  EXPECT_FALSE(Compare(Floats({inf}), Floats({-inf}), {1e9, 1e9, 0}).ok());
  const TensorDifference difference = Compare(Floats({5, 1, 2}), Floats({9, nan, 2}), {100, 0, 0});
  EXPECT_EQ(difference.outside, 1);
  EXPECT_THAT(difference.worst, ElementsAre(1));
  EXPECT_EQ(difference.after_text, "nan");
}

TEST(TensorDifferenceTest, TypeAndShapeMustBeTheSame) {
  EXPECT_EQ(Compare(Floats({1, 2}), Floats({1})).mismatch, "float[2] became float[1]");
  EXPECT_FALSE(Compare(Floats({1, 2}), Floats({1})).ok());
}

TEST(TensorDifferenceTest, HalfAndBfloat16) {
  // 0x3c00 is 1, 0x3c01 its neighbour 1 + 2^-10; in bfloat16 0x3f80 is 1, 0x3f81 is 1 + 2^-7.
  const TensorDifference half = Compare(Tensor::Of<uint16_t>(DT_HALF, {2}, {0x3c00, 0x8001}),
                                        Tensor::Of<uint16_t>(DT_HALF, {2}, {0x3c01, 0x8001}));
  EXPECT_EQ(half.max_absolute, std::ldexp(1.0, -10));
  EXPECT_EQ(half.max_ulps, 1);
  const TensorDifference bfloat = Compare(Tensor::Of<uint16_t>(DT_BFLOAT16, {1}, {0x3f80}),
                                          Tensor::Of<uint16_t>(DT_BFLOAT16, {1}, {0x3f81}));
  EXPECT_EQ(bfloat.max_absolute, std::ldexp(1.0, -7));
}

TEST(TensorDifferenceTest, IntegersBooleansStringsAndComplexNumbers) {
  EXPECT_EQ(Compare(Tensor::Of<int64_t>(DT_INT64, {2}, {1, int64_t{1} << 62}),
                    Tensor::Of<int64_t>(DT_INT64, {2}, {1, (int64_t{1} << 62) + 1}))
                .outside,
            1);
  EXPECT_TRUE(
      Compare(Tensor::Of<int32_t>(DT_INT32, {1}, {4}), Tensor::Of<int32_t>(DT_INT32, {1}, {5}), {1, 0, 0})
          .ok());
  EXPECT_EQ(
      Compare(Tensor::Of<uint8_t>(DT_BOOL, {2}, {1, 0}), Tensor::Of<uint8_t>(DT_BOOL, {2}, {1, 1}), {9, 9, 9})
          .after_text,
      "true");
  const TensorDifference strings =
      Compare(Tensor::OfStrings({2}, {"a", "b"}), Tensor::OfStrings({2}, {"a", "c"}));
  EXPECT_EQ(strings.outside, 1);
  EXPECT_EQ(strings.before_text, "'b'");
  const TensorDifference complex = Compare(Tensor::Of<float>(DT_COMPLEX64, {2}, {1, 2, 3, 4}),
                                           Tensor::Of<float>(DT_COMPLEX64, {2}, {1, 2, 3, 5}));
  EXPECT_THAT(complex.worst, ElementsAre(1));
  EXPECT_EQ(complex.after_text, "(3,5)");
}

TEST(TensorDifferenceTest, CosineTellsDirection) {
  EXPECT_NEAR(Compare(Floats({1, 0}), Floats({0, 1})).cosine, 0, 1e-12);
  EXPECT_NEAR(Compare(Floats({1, 0}), Floats({-2, 0})).cosine, -1, 1e-12);
  EXPECT_EQ(Compare(Floats({0, 0}), Floats({0, 1})).cosine, 0);
}

TEST(TensorDifferenceTest, EmptyTensorsAreEqual) {
  EXPECT_TRUE(Compare(Tensor::Of<float>(DT_FLOAT, {0, 3}, {}), Tensor::Of<float>(DT_FLOAT, {0, 3}, {})).ok());
}

TEST(TensorDifferenceTest, ResourcesCannotBeCompared) {
  Tensor handle;
  handle.dtype = DT_RESOURCE;
  EXPECT_THAT(CompareTensors(handle, handle, {}),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("resource")));
}

}  // namespace
}  // namespace cryograph
