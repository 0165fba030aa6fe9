#include "runtime/compute/conv.h"

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

// The definition: each tap of each output pixel looked up, padding left out, summed as doubles (integers
// exactly).
template <typename T>
std::vector<T> Naive(const WindowShape& s, const std::vector<T>& input, const std::vector<T>& filter,
                     int groups, const Epilogue<T>& epilogue) {
  using Sum = std::conditional_t<std::is_integral<T>::value, uint64_t, double>;
  const int64_t depth = s.in_channels / groups, share = s.out_channels / groups;
  std::vector<T> output(s.batch * s.out_pixels() * s.out_channels);
  int64_t at = 0;
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t od = 0; od < s.out[0]; ++od) {
      for (int64_t oh = 0; oh < s.out[1]; ++oh) {
        for (int64_t ow = 0; ow < s.out[2]; ++ow) {
          for (int64_t m = 0; m < s.out_channels; ++m, ++at) {
            Sum sum = 0;
            for (int64_t tap = 0; tap < s.taps(); ++tap) {
              const int64_t kw = tap % s.window[2], kh = tap / s.window[2] % s.window[1],
                            kd = tap / s.window[2] / s.window[1];
              const int64_t d = od * s.stride[0] - s.pad[0] + kd * s.dilation[0];
              const int64_t h = oh * s.stride[1] - s.pad[1] + kh * s.dilation[1];
              const int64_t w = ow * s.stride[2] - s.pad[2] + kw * s.dilation[2];
              if (d < 0 || d >= s.in[0] || h < 0 || h >= s.in[1] || w < 0 || w >= s.in[2]) continue;
              for (int64_t c = 0; c < depth; ++c) {
                const T x = input[(((n * s.in[0] + d) * s.in[1] + h) * s.in[2] + w) * s.in_channels +
                                  m / share * depth + c];
                sum += static_cast<Sum>(x) * static_cast<Sum>(filter[(tap * depth + c) * s.out_channels + m]);
              }
            }
            if (epilogue.bias != nullptr) sum += static_cast<Sum>(epilogue.bias[m]);
            if (epilogue.addend != nullptr) {
              sum += static_cast<Sum>(epilogue.addend[at / s.out_channels * epilogue.addend_stride + m]);
            }
            output[at] = static_cast<T>(sum);
            if (epilogue.clamp) output[at] = std::min(epilogue.high, std::max(epilogue.low, output[at]));
          }
        }
      }
    }
  }
  return output;
}

int64_t Pick(std::mt19937& rng, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(rng);
}

WindowShape RandomShape(std::mt19937& rng, int& groups, bool three_dimensions) {
  WindowShape s;
  groups = Pick(rng, 0, 4) == 0 ? static_cast<int>(Pick(rng, 2, 3)) : 1;
  s.batch = Pick(rng, 1, 2);
  s.in_channels = groups * (Pick(rng, 0, 1) ? Pick(rng, 1, 40) : Pick(rng, 1, 4));
  s.out_channels = groups * (Pick(rng, 0, 1) ? Pick(rng, 1, 9) : Pick(rng, 10, 70));
  for (int d = three_dimensions ? 0 : 1; d < 3; ++d) {
    s.window[d] = Pick(rng, 0, 2) ? 3 : Pick(rng, 1, 6);
    s.stride[d] = Pick(rng, 1, 3);
    s.dilation[d] = Pick(rng, 0, 2) ? 1 : Pick(rng, 2, 3);
    s.out[d] = Pick(rng, 1, 9);
    const int64_t extent = (s.window[d] - 1) * s.dilation[d] + 1;
    // Padding in front and behind, both at random, also as much as the window.
    s.pad[d] = Pick(rng, 0, 1) ? Pick(rng, 0, extent) : 0;
    const int64_t behind = Pick(rng, 0, 1) ? Pick(rng, 0, extent) : 0;
    s.in[d] = std::max<int64_t>(1, (s.out[d] - 1) * s.stride[d] + extent - s.pad[d] - behind);
  }
  return s;
}

std::string Print(const WindowShape& s, int groups) {
  std::string text = "n" + std::to_string(s.batch) + " c" + std::to_string(s.in_channels) + " m" +
                     std::to_string(s.out_channels) + " groups" + std::to_string(groups);
  for (int d = 0; d < 3; ++d) {
    text += " | in" + std::to_string(s.in[d]) + " out" + std::to_string(s.out[d]) + " k" +
            std::to_string(s.window[d]) + " s" + std::to_string(s.stride[d]) + " d" +
            std::to_string(s.dilation[d]) + " p" + std::to_string(s.pad[d]);
  }
  return text;
}

// For sums of `terms` products of numbers up to 9: rounding errors add up like steps of a random walk, four
// times the length of which is never seen.
template <typename T>
void ExpectNear(const std::vector<T>& got, const std::vector<T>& want, int64_t terms,
                const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  const double unit = std::is_integral<T>::value ? 0 : std::is_same<T, float>::value ? 6e-8 : 1.2e-16;
  const double near = unit * 81 * (terms + 2) * 4 * std::sqrt(terms + 2.0);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(got[i]), static_cast<double>(want[i]), near)
        << what << " at " << i << " with " << IsaName(ChosenIsa());
  }
}

template <typename T>
void TestRandomShapes(int seed, int count, bool three_dimensions) {
  std::mt19937 rng(seed);
  ThreadPool pool(3);
  for (int round = 0; round < count; ++round) {
    int groups;
    const WindowShape s = RandomShape(rng, groups, three_dimensions);
    const int64_t depth = s.in_channels / groups, pixels = s.batch * s.out_pixels();
    const auto input = Random<T>(s.batch * s.in_pixels() * s.in_channels, rng);
    const auto filter = Random<T>(s.taps() * depth * s.out_channels, rng);
    const auto bias = Random<T>(s.out_channels, rng);
    const int64_t addend_stride = s.out_channels + Pick(rng, 0, 2);
    const auto addend = Random<T>(pixels * addend_stride, rng);
    Epilogue<T> epilogue;
    if (Pick(rng, 0, 1)) epilogue.bias = bias.data();
    if (Pick(rng, 0, 2) == 0) {
      epilogue.addend = addend.data();
      epilogue.addend_stride = addend_stride;
    }
    if (Pick(rng, 0, 2) == 0) epilogue = Pick(rng, 0, 1) ? WithRelu(epilogue) : WithRelu6(epilogue);
    const auto packed = PackedFilter<T>::Pack(filter.data(), s, groups);
    std::vector<T> alone(pixels * s.out_channels, T(77)), together(alone);
    Conv(s, input.data(), packed, alone.data(), epilogue);
    Conv(s, input.data(), packed, together.data(), epilogue, &pool);
    const std::string what = Print(s, groups);
    ASSERT_EQ(alone, together) << what;
    ASSERT_NO_FATAL_FAILURE(
        ExpectNear(alone, Naive(s, input, filter, groups, epilogue), s.taps() * depth, what));
  }
}

TEST(ConvTest, FloatOfRandomShapes) { TestRandomShapes<float>(1, 400, false); }
TEST(ConvTest, DoubleOfRandomShapes) { TestRandomShapes<double>(2, 150, false); }
TEST(ConvTest, Int32OfRandomShapes) { TestRandomShapes<int32_t>(3, 100, false); }
TEST(ConvTest, ThreeDimensions) { TestRandomShapes<float>(4, 100, true); }

WindowShape Square(int64_t side, int64_t channels, int64_t filters, int64_t window, int64_t stride) {
  WindowShape s;
  s.in_channels = channels;
  s.out_channels = filters;
  s.in = {1, side, side};
  s.window = {1, window, window};
  s.stride = {1, stride, stride};
  s.out = {1, (side + stride - 1) / stride, (side + stride - 1) / stride};
  s.pad = {0, ((s.out[1] - 1) * stride + window - side) / 2, ((s.out[2] - 1) * stride + window - side) / 2};
  return s;
}

// Long sums, which are worked on in parts, and many rows, which are worked on in blocks.
TEST(ConvTest, LargeShapes) {
  std::mt19937 rng(5);
  ThreadPool pool(2);
  for (const WindowShape& s : {Square(21, 800, 50, 1, 1), Square(17, 100, 70, 3, 1), Square(9, 900, 24, 3, 2),
                               Square(41, 3, 40, 7, 2), Square(5, 30, 500, 5, 1)}) {
    const auto input = Random<float>(s.in_pixels() * s.in_channels, rng);
    const auto filter = Random<float>(s.taps() * s.in_channels * s.out_channels, rng);
    const auto packed = PackedFilter<float>::Pack(filter.data(), s);
    std::vector<float> alone(s.out_pixels() * s.out_channels), together(alone);
    Conv(s, input.data(), packed, alone.data());
    Conv(s, input.data(), packed, together.data(), {}, &pool);
    EXPECT_EQ(alone, together);
    ASSERT_NO_FATAL_FAILURE(
        ExpectNear(alone, Naive<float>(s, input, filter, 1, {}), s.taps() * s.in_channels, Print(s, 1)));
  }
}

TEST(ConvTest, EmptyBatchWritesNothing) {
  WindowShape s = Square(3, 2, 2, 3, 1);
  s.batch = 0;
  const std::vector<float> filter(36, 1);
  Conv<float>(s, nullptr, PackedFilter<float>::Pack(filter.data(), s), nullptr);
}

TEST(ConvTest, NanStaysNanThroughRelu) {
  const WindowShape s = Square(1, 1, 1, 1, 1);
  const float nan = std::nanf("");
  float output = 0;
  Conv(s, &nan, PackedFilter<float>::Pack(&nan, s), &output, WithRelu6(Epilogue<float>()));
  EXPECT_TRUE(std::isnan(output));
}

}  // namespace
}  // namespace compute
}  // namespace cryograph
