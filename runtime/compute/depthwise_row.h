// The innermost loop of depthwise convolution: one row of output pixels.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_ROW_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_ROW_H_

#include <cstdint>

#include "runtime/compute/epilogue.h"
#include "runtime/compute/isa.h"

namespace cryograph {
namespace compute {

// output[x][c] = sum over lines and taps of lines[l][x * stride - pad + tap * dilation][c] *
// filters[l][tap][c].
template <typename T>
struct DepthwiseRow {
  const T* const* lines;    // Rows of the image that the window meets; those outside are left out.
  const T* const* filters;  // The window's row for each of them: taps by channels.
  int64_t line_count;
  int64_t in_width;
  int64_t out_width;
  int64_t channels;
  int64_t step;
  int64_t taps;
  int64_t stride;
  int64_t dilation;
  int64_t pad;
  T* output;
  Epilogue<T> epilogue;  // Its pointers are those of the first output pixel.
};

CRYOGRAPH_FOR_EACH_ISA(void ComputeDepthwiseRow(const DepthwiseRow<float>& row);)
namespace portable {
void ComputeDepthwiseRow(const DepthwiseRow<double>& row);
}  // namespace portable

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_ROW_H_
