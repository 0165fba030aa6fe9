// Depthwise convolution: every channel has filters of its own.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_H_

#include <cstdint>

#include "runtime/compute/conv.h"
#include "runtime/compute/epilogue.h"
#include "runtime/thread_pool.h"

namespace cryograph {
namespace compute {

// How many elements of scratch DepthwiseConv takes: a copy of the input, if there are more filters than one
// for a channel.
int64_t DepthwiseScratch(const WindowShape& shape);

// output[n, oh, ow, c * m + q] = sum over taps of input[…, c] (zero outside of the image) times filter[tap,
// c, q], and then the epilogue, where m = shape.out_channels / shape.in_channels. Depth must be 1. T is float
// or double. The order of the sum is that of the taps. The filter is used as it is: nothing to pack.
// `scratch` may be null if DepthwiseScratch(shape) is 0.
template <typename T>
void DepthwiseConv(const WindowShape& shape, const T* input, const T* filter, T* output,
                   const Epilogue<T>& epilogue = {}, ThreadPool* pool = nullptr, T* scratch = nullptr);

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_DEPTHWISE_H_
