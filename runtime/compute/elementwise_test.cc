#include "runtime/compute/elementwise.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/compute/isa.h"
#include "runtime/compute/softmax.h"

namespace cryograph {
namespace compute {
namespace {

using ::testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Floats all over the range, most of them where functions change, and the special ones.
std::vector<float> Arguments() {
  std::mt19937 rng(1);
  std::vector<float> x = {0.0f,   -0.0f,   kInfinity, -kInfinity, 88.7f,    88.73f,  89.5f,
                          -87.3f, -103.0f, -200.0f,   0.625f,     0.62499f, -0.625f, 1.0f,
                          -1.0f,  1e-30f,  -1e-30f,   3e38f,      -3e38f,   9.02f,   20.0f};
  for (double size : {1e-3, 0.7, 1.5, 5.0, 30.0, 100.0}) {
    for (int i = 0; i < 4000; ++i) {
      x.push_back(static_cast<float>(std::uniform_real_distribution<double>(-size, size)(rng)));
    }
  }
  x.resize(x.size() / 8 * 8 + 5, 0.3f);  // Not a multiple of any vector.
  return x;
}

void ExpectUlps(void (*function)(const float*, float*, int64_t), double (*exact)(double), double ulps) {
  const std::vector<float> x = Arguments();
  std::vector<float> y(x.size());
  function(x.data(), y.data(), static_cast<int64_t>(x.size()));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = exact(x[i]);
    const float nearest = static_cast<float>(want);
    if (std::isinf(nearest) || nearest == 0) {
      ASSERT_EQ(y[i], nearest) << x[i];
      continue;
    }
    if (std::abs(nearest) < std::numeric_limits<float>::min()) {
      ASSERT_LT(std::abs(y[i]), 2 * std::numeric_limits<float>::min()) << x[i];
      continue;
    }
    const double unit = std::abs(std::nextafter(nearest, kInfinity) - nearest);
    ASSERT_LE(std::abs(y[i] - want), ulps * unit)
        << x[i] << " gives " << y[i] << " with " << IsaName(ChosenIsa());
    worst = std::max(worst, std::abs(y[i] - want) / unit);
  }
  ::testing::Test::RecordProperty("worst_ulps", std::to_string(worst));
  const float nan = std::nanf("");
  float result = 0;
  function(&nan, &result, 1);
  EXPECT_TRUE(std::isnan(result));
  function(x.data() + x.size() - 7, y.data(), 7);
  function(x.data() + x.size() - 7, &result, 1);
  EXPECT_EQ(result, y[0]);
}

TEST(ElementwiseTest, Exp) {
  ExpectUlps(
      &Exp, [](double x) { return std::exp(x); }, 4);
}
TEST(ElementwiseTest, Tanh) {
  ExpectUlps(
      &Tanh, [](double x) { return std::tanh(x); }, 4);
}
TEST(ElementwiseTest, Sigmoid) {
  ExpectUlps(
      &Sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 4);
}
TEST(ElementwiseTest, Erf) {
  ExpectUlps(
      &Erf, [](double x) { return std::erf(x); }, 4);
}

TEST(ElementwiseTest, EpilogueOnEveryElement) {
  for (int64_t columns : {1, 3, 8, 19}) {
    std::vector<float> x(3 * columns), y(x), bias(columns), addend(x);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>(i) - 9;
      addend[i] = 0.5f * static_cast<float>(i % 5);
    }
    for (int64_t c = 0; c < columns; ++c) bias[c] = static_cast<float>(c);
    Epilogue<float> epilogue;
    epilogue.bias = bias.data();
    epilogue.addend = addend.data();
    epilogue.addend_stride = columns;
    ApplyEpilogue(3, columns, x.data(), y.data(), WithRelu6(epilogue));
    for (int64_t i = 0; i < 3 * columns; ++i) {
      EXPECT_EQ(y[i], std::min(6.0f, std::max(0.0f, x[i] + bias[i % columns] + addend[i])));
    }
    ApplyEpilogue(3, columns, x.data(), x.data(), WithRelu(Epilogue<float>()));
    for (int64_t i = 0; i < 3 * columns; ++i) EXPECT_EQ(x[i], std::max(0.0f, static_cast<float>(i) - 9));
  }
}

TEST(ElementwiseTest, Normalize) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6}, mean = {0, 7, 1}, factor = {2, 0, -1}, offset = {1, 1, 0};
  std::vector<float> y(6);
  Normalize(2, 3, x.data(), mean.data(), factor.data(), offset.data(), y.data());
  EXPECT_THAT(y, ElementsAre(3, 1, -2, 9, 1, -5));
}

TEST(SoftmaxTest, RowsOfAllLengths) {
  std::mt19937 rng(2);
  ThreadPool pool(2);
  for (int64_t columns : {1, 2, 3, 7, 8, 9, 31, 1000, 30000}) {
    std::vector<float> x(3 * columns), y(x), log_y(x), together(x);
    for (float& v : x) v = static_cast<float>(std::uniform_real_distribution<double>(-20, 20)(rng));
    Softmax(3, columns, x.data(), y.data());
    LogSoftmax(3, columns, x.data(), log_y.data());
    Softmax(3, columns, x.data(), together.data(), &pool);
    EXPECT_EQ(y, together);
    for (int64_t r = 0; r < 3; ++r) {
      double sum = 0;
      for (int64_t c = 0; c < columns; ++c) sum += std::exp(static_cast<double>(x[r * columns + c]));
      for (int64_t c = 0; c < columns; ++c) {
        const double want = std::exp(static_cast<double>(x[r * columns + c])) / sum;
        // x - m, up to 40, is rounded by up to 2e-6, which becomes a relative error; the long sums add to it.
        ASSERT_NEAR(y[r * columns + c], want, 1e-5 * want);
        ASSERT_NEAR(log_y[r * columns + c], std::log(want), 1e-5);
      }
    }
  }
}

TEST(SoftmaxTest, LargeArgumentsAndMinusInfinity) {
  const std::vector<float> x = {3e38f, 3e38f, -kInfinity};
  std::vector<float> y(3);
  Softmax(1, 3, x.data(), y.data());
  EXPECT_THAT(y, ElementsAre(0.5f, 0.5f, 0.0f));
}

}  // namespace
}  // namespace compute
}  // namespace cryograph
