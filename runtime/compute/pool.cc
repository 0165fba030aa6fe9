#include "runtime/compute/pool.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "runtime/compute/pool_pixels.h"
#include "runtime/loop_limit.h"

namespace cryograph {
namespace compute {
namespace {

void MaxOf(const float* const* pixels, int64_t count, int64_t channels, float* output) {
  CRYOGRAPH_CHOSEN(MaxOfPixels)(pixels, count, channels, output);
}
void MeanOf(const float* const* pixels, int64_t count, int64_t channels, float* output) {
  CRYOGRAPH_CHOSEN(MeanOfPixels)(pixels, count, channels, output);
}

template <typename T>
void MaxOf(const T* const* pixels, int64_t count, int64_t channels, T* output) {
  std::copy(pixels[0], pixels[0] + channels, output);
  for (int64_t i = 1; i < count; ++i) {
    for (int64_t c = 0; c < channels; ++c) output[c] = std::max(output[c], pixels[i][c]);
  }
}
template <typename T>
void MeanOf(const T* const* pixels, int64_t count, int64_t channels, T* output) {
  std::copy(pixels[0], pixels[0] + channels, output);
  for (int64_t i = 1; i < count; ++i) {
    for (int64_t c = 0; c < channels; ++c) output[c] += pixels[i][c];
  }
  for (int64_t c = 0; c < channels; ++c) output[c] /= static_cast<T>(count);
}

// Taps from first to last - 1 of a window lie inside of the image.
struct Taps {
  int64_t at, first, last;
};

Taps TapsInside(const WindowShape& s, int d, int64_t out) {
  const int64_t at = out * s.stride[d] - s.pad[d], dilation = s.dilation[d];
  const int64_t first = at >= 0 ? 0 : (-at + dilation - 1) / dilation;
  const int64_t last = at >= s.in[d] ? 0 : std::min(s.window[d], (s.in[d] - 1 - at) / dilation + 1);
  return {at, first, last};
}

// Calls combine(pixels, count, output pixel) for every output pixel.
template <typename T, typename Combine>
void ForWindows(const WindowShape& s, const T* input, T* output, T nothing, ThreadPool* pool,
                Combine combine) {
  const int64_t channels = s.in_channels, rows = s.batch * s.out[0] * s.out[1];
  if (rows <= 0) return;
  // A window may be far larger than the image.
  int64_t most_pixels = 1;
  for (int d = 0; d < 3; ++d) most_pixels *= std::min(s.window[d], s.in[d]);
  const double work = 1 + static_cast<double>(s.out[2] * channels) * static_cast<double>(most_pixels);
  const int64_t grain = static_cast<int64_t>(100'000 / work) + 1;
  LoopLimit* const limit = LoopLimit::Current();
  ParallelFor(pool, rows, grain, [&](int64_t begin, int64_t end) {
    std::vector<const T*> pixels(most_pixels);
    for (int64_t row = begin; row < end; ++row) {
      const T* image = input + row / s.out[1] / s.out[0] * s.in_pixels() * channels;
      const Taps depth = TapsInside(s, 0, row / s.out[1] % s.out[0]);
      const Taps height = TapsInside(s, 1, row % s.out[1]);
      T* to = output + row * s.out[2] * channels;
      for (int64_t x = 0; x < s.out[2]; ++x, to += channels) {
        if (x % 64 == 0 && limit != nullptr && limit->Expired()) return;
        const Taps width = TapsInside(s, 2, x);
        int64_t count = 0;
        for (int64_t kd = depth.first; kd < depth.last; ++kd) {
          for (int64_t kh = height.first; kh < height.last; ++kh) {
            const T* line =
                image + ((depth.at + kd * s.dilation[0]) * s.in[1] + height.at + kh * s.dilation[1]) *
                            s.in[2] * channels;
            for (int64_t kw = width.first; kw < width.last; ++kw) {
              pixels[count++] = line + (width.at + kw * s.dilation[2]) * channels;
            }
          }
        }
        if (count > 0) {
          combine(pixels.data(), count, to);
        } else {
          std::fill(to, to + channels, nothing);
        }
      }
    }
  });
}

}  // namespace

template <typename T>
void MaxPool(const WindowShape& shape, const T* input, T* output, ThreadPool* pool) {
  ForWindows(
      shape, input, output, std::numeric_limits<T>::lowest(), pool,
      [&](const T* const* pixels, int64_t count, T* to) { MaxOf(pixels, count, shape.in_channels, to); });
}

template <typename T>
void AveragePool(const WindowShape& shape, const T* input, T* output, ThreadPool* pool) {
  ForWindows(shape, input, output, T(0), pool, [&](const T* const* pixels, int64_t count, T* to) {
    MeanOf(pixels, count, shape.in_channels, to);
  });
}

template void MaxPool(const WindowShape&, const float*, float*, ThreadPool*);
template void MaxPool(const WindowShape&, const double*, double*, ThreadPool*);
template void MaxPool(const WindowShape&, const int8_t*, int8_t*, ThreadPool*);
template void MaxPool(const WindowShape&, const int16_t*, int16_t*, ThreadPool*);
template void MaxPool(const WindowShape&, const int32_t*, int32_t*, ThreadPool*);
template void MaxPool(const WindowShape&, const int64_t*, int64_t*, ThreadPool*);
template void MaxPool(const WindowShape&, const uint8_t*, uint8_t*, ThreadPool*);
template void MaxPool(const WindowShape&, const uint16_t*, uint16_t*, ThreadPool*);
template void AveragePool(const WindowShape&, const float*, float*, ThreadPool*);
template void AveragePool(const WindowShape&, const double*, double*, ThreadPool*);

}  // namespace compute
}  // namespace cryograph
