// The loop of depthwise_row.h as a template, for the sources that are compiled once for each instruction set.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_LOOP_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_LOOP_H_

#include "runtime/compute/depthwise_row.h"
#include "runtime/compute/vec.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {

// Vectors of one lane, for channels that do not fill a vector, go through the same code as scalars.
template <typename V, typename T>
[[gnu::always_inline]] inline V LoadAs(const T* from) {
  V v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

// The epilogue for a run of pixels, in locals: stores through T* might otherwise change it for all that the
// compiler knows.
template <typename T>
struct Finish {
  explicit Finish(const DepthwiseRow<T>& row) : e(row.epilogue), output(row.output), channels(row.channels) {}

  template <typename V>
  [[gnu::always_inline]] void Store(int64_t x, int64_t c, V sum) const {
    if (e.bias != nullptr) sum += LoadAs<V>(e.bias + c);
    if (e.addend != nullptr) sum += LoadAs<V>(e.addend + x * e.addend_stride + c);
    if (e.clamp) sum = Min(e.high - V{}, Max(e.low - V{}, sum));
    std::memcpy(output + x * channels + c, &sum, sizeof(sum));
  }

  const Epilogue<T> e;
  T* const output;
  const int64_t channels;
};

// kPixels neighbours, all of whose taps lie inside of the lines: each input is loaded once for all of them.
// `line` is where the first pixel's first tap lies in each line.
template <typename V, typename T, int kLines, int kTaps, int kStride, int kPixels>
[[gnu::always_inline]] inline void Inside(const T* const* line, const T* const* filters, int64_t step,
                                          int64_t x, int64_t c, const Finish<T>& finish) {
  constexpr int kSeen = (kPixels - 1) * kStride + kTaps;
  V sum[kPixels] = {};
#pragma GCC unroll 8
  for (int l = 0; l < kLines; ++l) {
    V filter[kTaps];
#pragma GCC unroll 8
    for (int t = 0; t < kTaps; ++t) filter[t] = LoadAs<V>(filters[l] + t * step + c);
#pragma GCC unroll 16
    for (int i = 0; i < kSeen; ++i) {
      const V seen = LoadAs<V>(line[l] + i * step + c);
#pragma GCC unroll 8
      for (int p = 0; p < kPixels; ++p) {
        const int tap = i - p * kStride;
        if (tap >= 0 && tap < kTaps) sum[p] += seen * filter[tap];
      }
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p) finish.Store(x + p, c, sum[p]);
}

// One pixel with the taps from first to last - 1, those that lie inside of the line.
// Several vectors of channels at once: one sum alone would wait for itself.
template <typename V, int kVectors, typename T>
[[gnu::always_inline]] inline void Clipped(const DepthwiseRow<T>& row, int64_t x, int64_t c, int64_t first,
                                           int64_t last, const Finish<T>& finish) {
  constexpr int64_t kWidth = sizeof(V) / sizeof(T);
  const int64_t step = row.step, tap_step = row.dilation * step;
  V sum[kVectors] = {};
  for (int64_t l = 0; l < row.line_count; ++l) {
    const T* line = row.lines[l] + (x * row.stride - row.pad) * step + c;
    const T* filter = row.filters[l] + c;
    for (int64_t t = first; t < last; ++t) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sum[v] += LoadAs<V>(line + t * tap_step + v * kWidth) * LoadAs<V>(filter + t * step + v * kWidth);
      }
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) finish.Store(x, c + v * kWidth, sum[v]);
}

// Calls body(vector type, c) for the channels from c on: the last vector overlaps with the one before it.
template <typename T, typename Body>
[[gnu::always_inline]] inline void ForChannels(int64_t c, int64_t channels, Body body) {
  if (channels < kLanes<T>) {
    for (; c < channels; ++c) body(T{}, c);
    return;
  }
  for (; c + kLanes<T> <= channels; c += kLanes<T>) body(Vec<T>{}, c);
  if (c < channels) body(Vec<T>{}, channels - kLanes<T>);
}

template <typename T>
void ClippedPixels(const DepthwiseRow<T>& row, int64_t begin, int64_t end) {
  const Finish<T> finish(row);
  for (int64_t x = begin; x < end; ++x) {
    const int64_t tap0 = x * row.stride - row.pad;  // Tap t is at tap0 + t * dilation.
    const int64_t first = tap0 >= 0 ? 0 : (-tap0 + row.dilation - 1) / row.dilation;
    int64_t last = tap0 >= row.in_width ? 0 : (row.in_width - 1 - tap0) / row.dilation + 1;
    if (last > row.taps) last = row.taps;
    int64_t c = 0;
    for (; c + 4 * kLanes<T> <= row.channels; c += 4 * kLanes<T>) {
      Clipped<Vec<T>, 4>(row, x, c, first, last, finish);
    }
    ForChannels<T>(c, row.channels,
                   [&](auto v, int64_t at) { Clipped<decltype(v), 1>(row, x, at, first, last, finish); });
  }
}

template <typename T, int kLines, int kTaps, int kStride>
void InsidePixels(const DepthwiseRow<T>& row, int64_t begin, int64_t end) {
  constexpr int kPixels = 4;
  const Finish<T> finish(row);
  const int64_t channels = row.channels, step = row.step;
  const T *lines[kLines], *filters[kLines];
  for (int l = 0; l < kLines; ++l) {
    lines[l] = row.lines[l] + (begin * kStride - row.pad) * step;
    filters[l] = row.filters[l];
  }
  int64_t x = begin;
  for (; x + kPixels <= end; x += kPixels) {
    ForChannels<T>(0, channels, [&](auto v, int64_t c) {
      Inside<decltype(v), T, kLines, kTaps, kStride, kPixels>(lines, filters, step, x, c, finish);
    });
    for (int l = 0; l < kLines; ++l) lines[l] += kPixels * kStride * step;
  }
  for (; x < end; ++x) {
    ForChannels<T>(0, channels, [&](auto v, int64_t c) {
      Inside<decltype(v), T, kLines, kTaps, kStride, 1>(lines, filters, step, x, c, finish);
    });
    for (int l = 0; l < kLines; ++l) lines[l] += kStride * step;
  }
}

template <typename T>
using PixelLoop = void(const DepthwiseRow<T>& row, int64_t begin, int64_t end);

// The loop for a number of lines, or null: at the upper and lower edge the window meets fewer.
template <typename T, int kTaps, int kStride>
PixelLoop<T>* LoopFor(int64_t lines) {
  if (lines == kTaps) return InsidePixels<T, kTaps, kTaps, kStride>;
  if (lines == kTaps - 1) return InsidePixels<T, kTaps - 1, kTaps, kStride>;
  return nullptr;
}

template <typename T>
void DepthwiseRowLoop(const DepthwiseRow<T>& row) {
  PixelLoop<T>* inside = nullptr;
  if (row.dilation == 1 && row.stride <= 2) {
    const int64_t lines = row.line_count;
    if (row.taps == 3) inside = row.stride == 1 ? LoopFor<T, 3, 1>(lines) : LoopFor<T, 3, 2>(lines);
    if (row.taps == 5) inside = row.stride == 1 ? LoopFor<T, 5, 1>(lines) : LoopFor<T, 5, 2>(lines);
  }
  if (inside == nullptr) {
    ClippedPixels(row, 0, row.out_width);
    return;
  }
  // Pixels from `begin` to `end` have all their taps inside of the line.
  int64_t begin = row.pad <= 0 ? 0 : (row.pad + row.stride - 1) / row.stride;
  const int64_t room =
      row.in_width + row.pad - row.taps;  // The last tap 0 that is good, from the padding on.
  int64_t end = room < 0 ? 0 : room / row.stride + 1;
  if (end > row.out_width) end = row.out_width;
  if (begin > end) begin = end;
  ClippedPixels(row, 0, begin);
  inside(row, begin, end);
  ClippedPixels(row, end, row.out_width);
}

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_LOOP_H_
