#include "runtime/compute/conv.h"

#include <algorithm>
#include <vector>

#include "runtime/compute/product.h"

namespace cryograph {
namespace compute {
namespace {

// Below so many channels a tap is too short a run: the taps of one row of the window, which lie side by side
// in a row of the image, are then taken as one run.
constexpr int64_t kFewChannels = 16;

bool HasPadding(const WindowShape& shape) {
  for (int d = 0; d < 3; ++d) {
    const int64_t reach =
        (shape.out[d] - 1) * shape.stride[d] - shape.pad[d] + (shape.window[d] - 1) * shape.dilation[d];
    if (shape.pad[d] > 0 || reach >= shape.in[d]) return true;
  }
  return false;
}

std::array<int64_t, 3> PaddedSizes(const WindowShape& shape) {
  std::array<int64_t, 3> sizes;
  for (int d = 0; d < 3; ++d) {
    sizes[d] = (shape.out[d] - 1) * shape.stride[d] + (shape.window[d] - 1) * shape.dilation[d] + 1;
  }
  return sizes;
}

// Padding can be far more than the image.
bool PaddingIsLittle(const WindowShape& shape) {
  double padded = 1, image = 1;
  for (int d = 0; d < 3; ++d) {
    padded *= static_cast<double>(PaddedSizes(shape)[d]);
    image *= static_cast<double>(shape.in[d]);
  }
  return padded < 2 * image + 256;
}

// Copies the images into the middle of zeros, so that no window reaches beyond them; shape becomes that of
// the copy.
template <typename T>
Buffer<T> PadImages(const T* input, WindowShape& shape, ThreadPool* pool) {
  const std::array<int64_t, 3> padded = PaddedSizes(shape);
  const std::array<int64_t, 3> from = shape.pad;  // Where the image begins in it.
  const int64_t channels = shape.in_channels, row = padded[2] * channels;
  Buffer<T> copy = NewBuffer<T>(shape.batch * padded[0] * padded[1] * row);
  if (copy == nullptr) return nullptr;
  const int64_t grain = std::max<int64_t>(1, 64 * 1024 / row);
  ParallelFor(pool, shape.batch * padded[0] * padded[1], grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* to = copy.get() + i * row;
      const int64_t h = i % padded[1] - from[1], d = i / padded[1] % padded[0] - from[0];
      const int64_t n = i / padded[1] / padded[0];
      int64_t first = 0, last = 0;  // What of the row comes from the image.
      if (h >= 0 && h < shape.in[1] && d >= 0 && d < shape.in[0]) {
        first = std::clamp<int64_t>(from[2], 0, padded[2]);
        last = std::clamp<int64_t>(from[2] + shape.in[2], first, padded[2]);
        const T* line = input + ((n * shape.in[0] + d) * shape.in[1] + h) * shape.in[2] * channels;
        std::copy(line + (first - from[2]) * channels, line + (last - from[2]) * channels,
                  to + first * channels);
      }
      std::fill(to, to + first * channels, T(0));
      std::fill(to + last * channels, to + row, T(0));
    }
  });
  shape.in = padded;
  shape.pad = {0, 0, 0};
  return copy;
}

// Where the runs of output pixels begin; see LeftFactor.
template <typename T>
class Windows {
 public:
  // `width_taps`: taps along the width of the window, 1 if they are one run.
  Windows(const WindowShape& shape, const T* input, int64_t width_taps, const T* zeros)
      : shape_(shape), input_(input), width_taps_(width_taps), zeros_(zeros) {}

  void Fill(int64_t begin, int64_t count, const T** pointers) const {
    const WindowShape& s = shape_;
    int64_t i = 0;
    while (i < count) {  // One row of output pixels, or the part of it that is asked for.
      int64_t row = (begin + i) / s.out[2];
      const int64_t w_begin = (begin + i) % s.out[2];
      const int64_t length = std::min(count - i, s.out[2] - w_begin);
      const int64_t h = row % s.out[1] * s.stride[1] - s.pad[1];
      row /= s.out[1];
      const int64_t d = row % s.out[0] * s.stride[0] - s.pad[0];
      const T* image = input_ + row / s.out[0] * s.in_pixels() * s.in_channels;
      const T** to = pointers + i;
      for (int64_t kd = 0; kd < s.window[0]; ++kd) {
        const int64_t in_d = d + kd * s.dilation[0];
        for (int64_t kh = 0; kh < s.window[1]; ++kh) {
          const int64_t in_h = h + kh * s.dilation[1];
          const bool inside = in_d >= 0 && in_d < s.in[0] && in_h >= 0 && in_h < s.in[1];
          const T* line = inside ? image + (in_d * s.in[1] + in_h) * s.in[2] * s.in_channels : nullptr;
          for (int64_t kw = 0; kw < width_taps_; ++kw, to += count) {
            FillRow(line, w_begin * s.stride[2] - s.pad[2] + kw * s.dilation[2], length, to);
          }
        }
      }
      i += length;
    }
  }

 private:
  // One tap of `length` output pixels of a row, the first of which sees pixel w of the line.
  void FillRow(const T* line, int64_t w, int64_t length, const T** to) const {
    const int64_t stride = shape_.stride[2], width = shape_.in[2], channels = shape_.in_channels;
    if (line == nullptr) {
      std::fill(to, to + length, zeros_);
      return;
    }
    for (int64_t j = 0; j < length; ++j, w += stride) {
      to[j] = w >= 0 && w < width ? line + w * channels : zeros_;
    }
  }

  const WindowShape& shape_;
  const T* const input_;
  const int64_t width_taps_;
  const T* const zeros_;
};

}  // namespace

template <typename T>
int64_t PackedFilter<T>::Elements(const WindowShape& shape, int groups) {
  return groups *
         PackedMatrix<T>::Elements(shape.taps() * (shape.in_channels / groups), shape.out_channels / groups);
}

template <typename T>
PackedFilter<T> PackedFilter<T>::Pack(const T* filter, const WindowShape& shape, int groups, T* memory,
                                      const T* scale) {
  PackedFilter packed;
  packed.matrices_.reserve(groups);
  const int64_t k = shape.taps() * (shape.in_channels / groups), n = shape.out_channels / groups;
  for (int g = 0; g < groups; ++g) {
    packed.matrices_.push_back(PackedMatrix<T>::Pack(filter + g * n, k, n, shape.out_channels, 1, memory,
                                                     scale == nullptr ? nullptr : scale + g * n));
    if (memory != nullptr) memory += PackedMatrix<T>::Elements(k, n);
  }
  return packed;
}

template <typename T>
bool PackedFilter<T>::ok() const {
  return !matrices_.empty() &&
         std::all_of(matrices_.begin(), matrices_.end(), [](const auto& matrix) { return matrix.ok(); });
}

template <typename T>
void Conv(const WindowShape& original, const T* input, const PackedFilter<T>& filter, T* output,
          const Epilogue<T>& epilogue, ThreadPool* pool) {
  WindowShape shape = original;
  const int64_t pixels = shape.batch * shape.out_pixels();
  if (pixels <= 0) return;
  const int groups = filter.groups();
  const int64_t channels = shape.in_channels / groups;
  bool rows_as_runs = groups == 1 && channels < kFewChannels && shape.window[2] > 1 && shape.dilation[2] == 1;
  Buffer<T> copy;
  if (rows_as_runs && HasPadding(shape)) {
    if (PaddingIsLittle(shape)) copy = PadImages(input, shape, pool);
    rows_as_runs = copy != nullptr;
    if (rows_as_runs) input = copy.get();
  }
  const std::vector<T> zeros(channels);
  const Windows<T> windows(shape, input, rows_as_runs ? 1 : shape.window[2], zeros.data());
  for (int g = 0; g < groups; ++g) {
    const auto fill = [&](int64_t begin, int64_t count, const T** pointers) {
      windows.Fill(begin, count, pointers);
      if (g == 0) return;
      for (int64_t i = 0; i < count * shape.taps(); ++i) {
        if (pointers[i] != zeros.data()) pointers[i] += g * channels;
      }
    };
    const int64_t run = rows_as_runs ? shape.window[2] * channels : channels;
    const PackedMatrix<T>& matrix = filter.group(g);
    Epilogue<T> part = epilogue;
    if (part.bias != nullptr) part.bias += g * matrix.n();
    if (part.addend != nullptr) part.addend += g * matrix.n();
    Product<T>({pixels, matrix.k() / run, run, fill}, {matrix.n(), matrix.data(), 0, nullptr},
               output + g * matrix.n(), shape.out_channels, part, pool);
  }
}

#define CRYOGRAPH_CONV(T)                                                                          \
  template class PackedFilter<T>;                                                                  \
  template void Conv(const WindowShape&, const T*, const PackedFilter<T>&, T*, const Epilogue<T>&, \
                     ThreadPool*);
CRYOGRAPH_CONV(float)
CRYOGRAPH_CONV(double)
CRYOGRAPH_CONV(int32_t)
#undef CRYOGRAPH_CONV

}  // namespace compute
}  // namespace cryograph
