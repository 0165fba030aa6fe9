// Convolutions of two and three spatial dimensions, channels last, without a copy of the windows (im2col).
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_CONV_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_CONV_H_

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/compute/epilogue.h"
#include "runtime/compute/gemm.h"
#include "runtime/thread_pool.h"

namespace cryograph {
namespace compute {

// Sizes of a convolution, pooling or transposed convolution. The three spatial dimensions are depth, height,
// width; one of two dimensions has depth 1 throughout. Padding is what lies before the first element; what
// lies behind the last follows from `out`. All sizes are greater than 0, but batch may be 0.
struct WindowShape {
  int64_t batch = 1;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  std::array<int64_t, 3> in = {1, 1, 1};
  std::array<int64_t, 3> out = {1, 1, 1};
  std::array<int64_t, 3> window = {1, 1, 1};
  std::array<int64_t, 3> stride = {1, 1, 1};
  std::array<int64_t, 3> dilation = {1, 1, 1};
  std::array<int64_t, 3> pad = {0, 0, 0};  // Less than 0 crops.

  int64_t in_pixels() const { return in[0] * in[1] * in[2]; }  // Of one image.
  int64_t out_pixels() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return window[0] * window[1] * window[2]; }
};

// A filter [depth, height, width, in_channels / groups, out_channels] as the innermost loop reads it; make it
// once.
template <typename T>
class PackedFilter {
 public:
  PackedFilter() = default;

  // How many elements a packed filter takes.
  static int64_t Elements(const WindowShape& shape, int groups = 1);

  // Group g of `groups` makes its share of the output channels from its share of the input channels; both
  // numbers of channels are multiples of groups. `memory`, `scale` (one for each output channel), alignment
  // and ok() as for PackedMatrix.
  static PackedFilter Pack(const T* filter, const WindowShape& shape, int groups = 1, T* memory = nullptr,
                           const T* scale = nullptr);

  bool ok() const;
  int groups() const { return static_cast<int>(matrices_.size()); }
  const PackedMatrix<T>& group(int g) const { return matrices_[g]; }

 private:
  std::vector<PackedMatrix<T>> matrices_;
};

// output[n, od, oh, ow, m] = sum over taps and channels of input (zero outside of the image) times filter,
// and then the epilogue (its addend_stride is that of a pixel). T as for MatMul; the order of the sum is tap,
// then channel.
template <typename T>
void Conv(const WindowShape& shape, const T* input, const PackedFilter<T>& filter, T* output,
          const Epilogue<T>& epilogue = {}, ThreadPool* pool = nullptr);

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_CONV_H_
