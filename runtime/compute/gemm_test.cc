#include "runtime/compute/gemm.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/compute/isa.h"

namespace cryograph {
namespace compute {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

template <typename T>
std::vector<T> Random(int64_t count, std::mt19937& rng) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(std::uniform_real_distribution<double>(-9, 9)(rng));
  return values;
}

template <typename T>
void TestShapes(double unit) {
  std::mt19937 rng(1);
  ThreadPool pool(3);
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(rng);
  };
  for (int round = 0; round < 200; ++round) {
    MatMulShape shape;
    shape.m = pick(0, 2) ? pick(1, 40) : pick(1, 3);
    shape.k = pick(0, 3) ? pick(1, 50) : pick(0, 900);
    shape.n = pick(0, 2) ? pick(1, 70) : pick(1, 300);
    shape.transpose_a = pick(0, 1);
    shape.transpose_b = pick(0, 1);
    const int64_t m = shape.m, k = shape.k, n = shape.n;
    const auto a = Random<T>(m * k, rng), b = Random<T>(k * n, rng), bias = Random<T>(n, rng);
    Epilogue<T> epilogue;
    if (pick(0, 1)) epilogue.bias = bias.data();
    std::vector<T> c(m * n, T(77)), with_pool(c), packed_c(c);
    MatMul(shape, a.data(), b.data(), c.data(), epilogue);
    MatMul(shape, a.data(), b.data(), with_pool.data(), epilogue, &pool);
    EXPECT_EQ(c, with_pool);
    if (!shape.transpose_a) {
      const auto packed =
          PackedMatrix<T>::Pack(b.data(), k, n, shape.transpose_b ? 1 : n, shape.transpose_b ? k : 1);
      MatMul(m, a.data(), k, packed, packed_c.data(), n, epilogue);
      EXPECT_EQ(c, packed_c);
      std::vector<T> unpacked(k * n);
      packed.Unpack(unpacked.data());
      for (int64_t i = 0; i < k * n; ++i) {
        ASSERT_EQ(unpacked[i], shape.transpose_b ? b[i % n * k + i / n] : b[i]);
      }
    }
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double want = epilogue.bias ? static_cast<double>(bias[j]) : 0, size = 1;
        for (int64_t x = 0; x < k; ++x) {
          const double left = static_cast<double>(shape.transpose_a ? a[x * m + i] : a[i * k + x]);
          const double right = static_cast<double>(shape.transpose_b ? b[j * k + x] : b[x * n + j]);
          want += left * right;
          size += std::abs(left * right);
        }
        ASSERT_NEAR(static_cast<double>(c[i * n + j]), want, unit * size * std::sqrt(double(k + 1)))
            << m << "x" << k << "x" << n << (shape.transpose_a ? " a transposed" : "")
            << (shape.transpose_b ? " b transposed" : "") << " at " << i << "," << j << " with "
            << IsaName(ChosenIsa());
      }
    }
  }
}

TEST(GemmTest, Float) { TestShapes<float>(1.2e-7); }
TEST(GemmTest, Double) { TestShapes<double>(2.3e-16); }
TEST(GemmTest, Int32) { TestShapes<int32_t>(0); }
TEST(GemmTest, Int64) { TestShapes<int64_t>(0); }

TEST(GemmTest, IntegersWrap) {
  const int32_t a[] = {std::numeric_limits<int32_t>::max(), 2}, b[] = {2, 3};
  int32_t c;
  MatMul({1, 2, 1}, a, b, &c);
  EXPECT_EQ(c, 4);
}

TEST(GemmTest, SumOfNothingIsZeroAndTheEpilogueFollows) {
  const float bias[] = {-1, 2, 3, 4, 5};
  std::vector<float> c(10, 77);
  MatMul<float>({2, 0, 5}, nullptr, nullptr, c.data());
  EXPECT_THAT(c, Each(0.0f));
  Epilogue<float> epilogue;
  epilogue.bias = bias;
  MatMul<float>({2, 0, 5}, nullptr, nullptr, c.data(), WithRelu(epilogue));
  EXPECT_THAT(c, ElementsAre(0, 2, 3, 4, 5, 0, 2, 3, 4, 5));
}

TEST(GemmTest, RowsApartAndNothingBetweenThemTouched) {
  const float a[] = {1, 2, 99, 3, 4, 99}, b[] = {1, 1, 1, 1};
  std::vector<float> c(6, 77);
  MatMul(2, a, 3, PackedMatrix<float>::Pack(b, 2, 2, 2, 1), c.data(), 3);
  EXPECT_THAT(c, ElementsAre(3, 3, 77, 7, 7, 77));
}

}  // namespace
}  // namespace compute
}  // namespace cryograph
