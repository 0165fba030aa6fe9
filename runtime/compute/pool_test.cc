#include "runtime/compute/pool.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/compute/isa.h"

namespace cryograph {
namespace compute {
namespace {

template <typename T>
void TestRandomShapes(int seed, bool mean) {
  std::mt19937 rng(seed);
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(rng);
  };
  ThreadPool pool(3);
  for (int round = 0; round < 200; ++round) {
    WindowShape s;
    s.batch = pick(1, 2);
    s.in_channels = s.out_channels = pick(0, 1) ? pick(1, 9) : pick(10, 90);
    for (int d = pick(0, 1); d < 3; ++d) {
      s.window[d] = pick(1, 4);
      s.stride[d] = pick(1, 3);
      s.dilation[d] = pick(0, 3) ? 1 : 2;
      s.out[d] = pick(1, 7);
      const int64_t extent = (s.window[d] - 1) * s.dilation[d] + 1;
      s.pad[d] = pick(0, extent);  // So much that a window may lie in it whole.
      s.in[d] = std::max<int64_t>(1, (s.out[d] - 1) * s.stride[d] + extent - s.pad[d] - pick(0, extent));
    }
    std::vector<T> input(s.batch * s.in_pixels() * s.in_channels);
    for (T& x : input) x = static_cast<T>(std::uniform_real_distribution<double>(0, 99)(rng));
    std::vector<T> alone(s.batch * s.out_pixels() * s.in_channels), together(alone);
    if constexpr (std::is_floating_point<T>::value) {
      if (mean) {
        AveragePool(s, input.data(), alone.data());
        AveragePool(s, input.data(), together.data(), &pool);
      }
    }
    if (!mean) {
      MaxPool(s, input.data(), alone.data());
      MaxPool(s, input.data(), together.data(), &pool);
    }
    ASSERT_EQ(alone, together);
    for (int64_t i = 0; i < static_cast<int64_t>(alone.size()); ++i) {
      const int64_t c = i % s.in_channels, p = i / s.in_channels;
      const int64_t ow = p % s.out[2], oh = p / s.out[2] % s.out[1], od = p / s.out[2] / s.out[1] % s.out[0],
                    n = p / s.out_pixels();
      double sum = 0, most = static_cast<double>(std::numeric_limits<T>::lowest());
      int64_t count = 0;
      for (int64_t tap = 0; tap < s.taps(); ++tap) {
        const int64_t d = od * s.stride[0] - s.pad[0] + tap / s.window[2] / s.window[1] * s.dilation[0];
        const int64_t h = oh * s.stride[1] - s.pad[1] + tap / s.window[2] % s.window[1] * s.dilation[1];
        const int64_t w = ow * s.stride[2] - s.pad[2] + tap % s.window[2] * s.dilation[2];
        if (d < 0 || d >= s.in[0] || h < 0 || h >= s.in[1] || w < 0 || w >= s.in[2]) continue;
        const double x =
            static_cast<double>(input[(((n * s.in[0] + d) * s.in[1] + h) * s.in[2] + w) * s.in_channels + c]);
        sum += x;
        most = std::max(most, x);
        ++count;
      }
      const double want = !mean ? most : count == 0 ? 0 : sum / static_cast<double>(count);
      ASSERT_NEAR(static_cast<double>(alone[i]), want, mean ? want * 1e-6 : 0)
          << IsaName(ChosenIsa()) << " " << i;
    }
  }
}

TEST(PoolTest, Max) {
  TestRandomShapes<float>(1, false);
  TestRandomShapes<double>(2, false);
  TestRandomShapes<uint8_t>(3, false);
  TestRandomShapes<int64_t>(4, false);
}

TEST(PoolTest, Mean) {
  TestRandomShapes<float>(5, true);
  TestRandomShapes<double>(6, true);
}

TEST(PoolTest, MaxOfMinusInfinityIsThat) {
  WindowShape s;
  const float low = -std::numeric_limits<float>::infinity();
  float output = 0;
  MaxPool(s, &low, &output);
  EXPECT_EQ(output, low);
}

}  // namespace
}  // namespace compute
}  // namespace cryograph
