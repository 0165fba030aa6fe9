#include "runtime/compute/depthwise.h"

#include <algorithm>
#include <vector>

#define CRYOGRAPH_ISA portable
#include "runtime/compute/depthwise_loop.h"
#include "runtime/loop_limit.h"

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

// Copies of lines and filter with some room between pixels, where the number of channels is a multiple of so
// large a power of two that neighbours fall on the same few places of the cache and push each other out. Each
// line is copied once and used by all rows of the output whose windows meet it.
template <typename T>
class Spread {
 public:
  Spread(const WindowShape& shape, const T* filter)
      : shape_(shape), filter_(filter), step_(shape.out_channels) {
    constexpr int64_t kCriticalBytes = 1024, kRoomBytes = 64, kMostBytes = 1 << 20;
    const int64_t bytes = step_ * static_cast<int64_t>(sizeof(T));
    const int64_t step = step_ + kRoomBytes / static_cast<int64_t>(sizeof(T));
    if (bytes % kCriticalBytes != 0 || shape.dilation[1] != 1 || shape.taps() == 1) return;
    line_ = shape.in[2] * step;
    const int64_t elements = shape.window[1] * line_ + shape.taps() * step;
    if (elements * static_cast<int64_t>(sizeof(T)) > kMostBytes) return;
    memory_ = NewBuffer<T>(elements);
    if (memory_ == nullptr) return;
    step_ = step;
    held_.assign(shape.window[1], nullptr);
    T* copy = memory_.get() + shape.window[1] * line_;
    Copy(filter, shape.taps(), copy);
    filter_ = copy;
  }

  int64_t step() const { return step_; }
  const T* filter() const { return filter_; }

  // A copy of the line, which is line h of its image; it lasts until line h + shape.window[1] is asked for.
  const T* Line(const T* line, int64_t h) {
    if (memory_ == nullptr) return line;
    const int64_t place = h % shape_.window[1];
    T* copy = memory_.get() + place * line_;
    if (held_[place] != line) Copy(line, shape_.in[2], copy);
    held_[place] = line;
    return copy;
  }

 private:
  void Copy(const T* from, int64_t pixels, T* to) const {
    const int64_t channels = shape_.out_channels;
    for (int64_t i = 0; i < pixels; ++i, from += channels, to += step_) std::copy(from, from + channels, to);
  }

  const WindowShape& shape_;
  const T* filter_;
  int64_t step_, line_ = 0;
  Buffer<T> memory_;
  std::vector<const T*> held_;
};

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
  LoopLimit* const limit = LoopLimit::Current();
  ParallelFor(pool, rows, grain, [&](int64_t begin, int64_t end) {
    Spread<T> spread(s, filter);
    std::vector<const T*> lines(s.window[1]), filters(s.window[1]);
    DepthwiseRow<T> row;
    row.lines = lines.data();
    row.filters = filters.data();
    row.in_width = s.in[2];
    row.out_width = s.out[2];
    row.channels = channels;
    row.step = spread.step();
    row.taps = s.window[2];
    row.stride = s.stride[2];
    row.dilation = s.dilation[2];
    row.pad = s.pad[2];
    row.epilogue = epilogue;
    for (int64_t r = begin; r < end; ++r) {
      if (limit != nullptr && limit->Expired()) return;
      const T* image = input + r / s.out[1] * s.in_pixels() * channels;
      row.line_count = 0;
      for (int64_t t = 0; t < s.window[1]; ++t) {
        const int64_t h = r % s.out[1] * s.stride[1] - s.pad[1] + t * s.dilation[1];
        if (h < 0 || h >= s.in[1]) continue;
        lines[row.line_count] = spread.Line(image + h * s.in[2] * channels, h);
        filters[row.line_count++] = spread.filter() + t * s.window[2] * row.step;
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
