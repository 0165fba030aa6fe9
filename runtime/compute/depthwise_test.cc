#include "runtime/compute/depthwise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/compute/isa.h"

namespace cryograph {
namespace compute {
namespace {

template <typename T>
std::vector<T> Random(int64_t count, std::mt19937& rng) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(std::uniform_real_distribution<double>(-9, 9)(rng));
  return values;
}

template <typename T>
double Naive(const WindowShape& s, const std::vector<T>& input, const std::vector<T>& filter, int64_t at) {
  const int64_t m = at % s.out_channels, ow = at / s.out_channels % s.out[2],
                oh = at / s.out_channels / s.out[2] % s.out[1], n = at / s.out_channels / s.out[2] / s.out[1],
                c = m / (s.out_channels / s.in_channels);
  double sum = 0;
  for (int64_t kh = 0; kh < s.window[1]; ++kh) {
    for (int64_t kw = 0; kw < s.window[2]; ++kw) {
      const int64_t h = oh * s.stride[1] - s.pad[1] + kh * s.dilation[1];
      const int64_t w = ow * s.stride[2] - s.pad[2] + kw * s.dilation[2];
      if (h < 0 || h >= s.in[1] || w < 0 || w >= s.in[2]) continue;
      sum += static_cast<double>(input[((n * s.in[1] + h) * s.in[2] + w) * s.in_channels + c]) *
             static_cast<double>(filter[(kh * s.window[2] + kw) * s.out_channels + m]);
    }
  }
  return sum;
}

// Random numbers and a random epilogue on one shape, alone and with three threads.
template <typename T>
void TestShape(const WindowShape& s, std::mt19937& rng) {
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(rng);
  };
  ThreadPool pool(3);
  const int64_t pixels = s.batch * s.out_pixels();
  const auto input = Random<T>(s.batch * s.in_pixels() * s.in_channels, rng);
  const auto filter = Random<T>(s.taps() * s.out_channels, rng), bias = Random<T>(s.out_channels, rng);
  const auto addend = Random<T>(pixels * s.out_channels, rng);
  Epilogue<T> epilogue;
  if (pick(0, 1)) epilogue.bias = bias.data();
  if (pick(0, 2) == 0) {
    epilogue.addend = addend.data();
    epilogue.addend_stride = s.out_channels;
  }
  if (pick(0, 2) == 0) epilogue = pick(0, 1) ? WithRelu(epilogue) : WithRelu6(epilogue);
  std::vector<T> alone(pixels * s.out_channels, T(77)), together(alone);
  std::vector<T> scratch(DepthwiseScratch(s));
  DepthwiseConv<T>(s, input.data(), filter.data(), alone.data(), epilogue, nullptr, scratch.data());
  DepthwiseConv<T>(s, input.data(), filter.data(), together.data(), epilogue, &pool, scratch.data());
  ASSERT_EQ(alone, together);
  const double unit = std::is_same<T, float>::value ? 6e-8 : 1.2e-16;
  for (int64_t i = 0; i < static_cast<int64_t>(alone.size()); ++i) {
    double want = Naive(s, input, filter, i);
    if (epilogue.bias != nullptr) want += static_cast<double>(bias[i % s.out_channels]);
    if (epilogue.addend != nullptr) want += static_cast<double>(addend[i]);
    if (epilogue.clamp) {
      want = std::min(static_cast<double>(epilogue.high), std::max(static_cast<double>(epilogue.low), want));
    }
    ASSERT_NEAR(static_cast<double>(alone[i]), want, unit * 81 * 4 * (s.taps() + 2))
        << IsaName(ChosenIsa()) << " at " << i << ": c" << s.in_channels << " m" << s.out_channels << " in "
        << s.in[1] << "x" << s.in[2] << " out " << s.out[1] << "x" << s.out[2] << " window " << s.window[1]
        << "x" << s.window[2] << " stride " << s.stride[1] << "x" << s.stride[2] << " dilation "
        << s.dilation[1] << "x" << s.dilation[2] << " pad " << s.pad[1] << "," << s.pad[2];
  }
}

template <typename T>
void TestRandomShapes(int seed, int count) {
  std::mt19937 rng(seed);
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(rng);
  };
  for (int round = 0; round < count; ++round) {
    WindowShape s;
    s.batch = pick(1, 2);
    s.in_channels = pick(0, 1) ? pick(1, 9) : pick(10, 90);
    s.out_channels = s.in_channels * (pick(0, 2) ? 1 : pick(2, 3));
    for (int d = 1; d < 3; ++d) {
      const int64_t windows[] = {3, 3, 3, 5, 5, 1, 2, 4, 7};
      s.window[d] = d == 2 && pick(0, 1) ? s.window[1] : windows[pick(0, 8)];
      s.stride[d] = pick(1, 3);
      s.dilation[d] = pick(0, 2) ? 1 : pick(2, 3);
      s.out[d] = pick(1, 13);
      const int64_t extent = (s.window[d] - 1) * s.dilation[d] + 1;
      s.pad[d] = pick(0, 2) ? pick(0, extent) : 0;
      s.in[d] = std::max<int64_t>(1, (s.out[d] - 1) * s.stride[d] + extent - s.pad[d] - pick(0, extent));
    }
    ASSERT_NO_FATAL_FAILURE(TestShape<T>(s, rng));
  }
}

TEST(DepthwiseConvTest, FloatOfRandomShapes) { TestRandomShapes<float>(1, 600); }
// Numbers of channels that are large powers of two go through copies of the lines.
TEST(DepthwiseConvTest, ChannelsThatShareCacheLines) {
  std::mt19937 rng(3);
  for (int64_t channels : {256, 512}) {
    for (int64_t window : {2, 3, 5}) {
      for (int64_t stride : {1, 2, 3}) {
        WindowShape s;
        s.batch = 2;
        s.in_channels = s.out_channels = channels;
        s.in = {1, 9, 7};
        s.window = {1, window, window};
        s.stride = {1, stride, stride};
        s.out = {1, (9 + stride - 1) / stride, (7 + stride - 1) / stride};
        s.pad = {0, window / 2, window / 2};
        ASSERT_NO_FATAL_FAILURE(TestShape<float>(s, rng));
        s.in_channels = channels / 2;
        ASSERT_NO_FATAL_FAILURE(TestShape<float>(s, rng));
      }
    }
  }
}

TEST(DepthwiseConvTest, DoubleOfRandomShapes) { TestRandomShapes<double>(2, 200); }

}  // namespace
}  // namespace compute
}  // namespace cryograph
