#include "runtime/compute/depthwise.h"

#include <algorithm>
#include <vector>

#define CRYOGRAPH_ISA portable
#include "runtime/compute/depthwise_loop.h"

namespace cryograph {
namespace compute {

namespace portable {
void ComputeDepthwiseRow(const DepthwiseRow<double>& row) { DepthwiseRowLoop(row); }
}  // namespace portable

namespace {

void ComputeRow(const DepthwiseRow<float>& row) { CRYOGRAPH_CHOSEN(ComputeDepthwiseRow)(row); }
void ComputeRow(const DepthwiseRow<double>& row) { portable::ComputeDepthwiseRow(row); }

// Each channel `times` times, one after the other.
template <typename T>
void RepeatChannels(const T* input, int64_t count, int64_t times, T* repeated, ThreadPool* pool) {
  ParallelFor(pool, count, 64 * 1024 / times + 1, [&](int64_t begin, int64_t end) {
    T* to = repeated + begin * times;
    for (int64_t i = begin; i < end; ++i, to += times) std::fill(to, to + times, input[i]);
  });
}

}  // namespace

int64_t DepthwiseScratch(const WindowShape& shape) {
  return shape.out_channels == shape.in_channels ? 0 : shape.batch * shape.in_pixels() * shape.out_channels;
}

template <typename T>
void DepthwiseConv(const WindowShape& s, const T* input, const T* filter, T* output,
                   const Epilogue<T>& epilogue, ThreadPool* pool, T* scratch) {
  const int64_t rows = s.batch * s.out[1], channels = s.out_channels;
  if (rows <= 0) return;
  if (channels != s.in_channels) {
    RepeatChannels(input, s.batch * s.in_pixels() * s.in_channels, channels / s.in_channels, scratch, pool);
    input = scratch;
  }
  const int64_t grain = 100'000 / (s.out[2] * channels * s.taps()) + 1;
  ParallelFor(pool, rows, grain, [&](int64_t begin, int64_t end) {
    std::vector<const T*> lines(s.window[1]), filters(s.window[1]);
    DepthwiseRow<T> row;
    row.lines = lines.data();
    row.filters = filters.data();
    row.in_width = s.in[2];
    row.out_width = s.out[2];
    row.channels = channels;
    row.taps = s.window[2];
    row.stride = s.stride[2];
    row.dilation = s.dilation[2];
    row.pad = s.pad[2];
    row.epilogue = epilogue;
    for (int64_t r = begin; r < end; ++r) {
      const T* image = input + r / s.out[1] * s.in_pixels() * channels;
      row.line_count = 0;
      for (int64_t t = 0; t < s.window[1]; ++t) {
        const int64_t h = r % s.out[1] * s.stride[1] - s.pad[1] + t * s.dilation[1];
        if (h < 0 || h >= s.in[1]) continue;
        lines[row.line_count] = image + h * s.in[2] * channels;
        filters[row.line_count++] = filter + t * s.window[2] * channels;
      }
      row.output = output + r * s.out[2] * channels;
      if (epilogue.addend != nullptr) {
        row.epilogue.addend = epilogue.addend + r * s.out[2] * epilogue.addend_stride;
      }
      ComputeRow(row);
    }
  });
}

template void DepthwiseConv(const WindowShape&, const float*, const float*, float*, const Epilogue<float>&,
                            ThreadPool*, float*);
template void DepthwiseConv(const WindowShape&, const double*, const double*, double*,
                            const Epilogue<double>&, ThreadPool*, double*);

}  // namespace compute
}  // namespace cryograph
