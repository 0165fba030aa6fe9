#include "runtime/compute/pool_pixels.h"
#include "runtime/compute/vec.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {
namespace {

struct Maximum {
  template <typename V>
  [[gnu::always_inline]] V operator()(V a, V b) const {
    return Max(a, b);
  }
};
struct Sum {
  template <typename V>
  [[gnu::always_inline]] V operator()(V a, V b) const {
    return a + b;
  }
};

// kVectors vectors of channels from c on, divided by `divisor`, which is 1 for a maximum.
template <int kVectors, typename Combine>
[[gnu::always_inline]] inline void Block(const float* const* pixels, int64_t count, int64_t c, float divisor,
                                         float* output, Combine combine) {
  Vec<float> result[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) result[v] = Load(pixels[0] + c + v * kLanes<float>);
  for (int64_t i = 1; i < count; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      result[v] = combine(result[v], Load(pixels[i] + c + v * kLanes<float>));
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) Store<float>(output + c + v * kLanes<float>, result[v] / divisor);
}

template <typename Combine>
[[gnu::always_inline]] inline void OfPixels(const float* const* pixels, int64_t count, int64_t channels,
                                            float divisor, float* output, Combine combine) {
  int64_t c = 0;
  for (; c + 4 * kLanes<float> <= channels; c += 4 * kLanes<float>) {
    Block<4>(pixels, count, c, divisor, output, combine);
  }
  for (; c + kLanes<float> <= channels; c += kLanes<float>) {
    Block<1>(pixels, count, c, divisor, output, combine);
  }
  for (; c < channels; ++c) {
    float result = pixels[0][c];
    for (int64_t i = 1; i < count; ++i) result = combine(result, pixels[i][c]);
    output[c] = result / divisor;
  }
}

}  // namespace

void MaxOfPixels(const float* const* pixels, int64_t count, int64_t channels, float* output) {
  OfPixels(pixels, count, channels, 1.0f, output, Maximum());
}

void MeanOfPixels(const float* const* pixels, int64_t count, int64_t channels, float* output) {
  OfPixels(pixels, count, channels, static_cast<float>(count), output, Sum());
}

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph
