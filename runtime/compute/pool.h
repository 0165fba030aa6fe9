// Maximum and mean over windows of two or three spatial dimensions, channels last.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_POOL_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_POOL_H_

#include "runtime/compute/conv.h"
#include "runtime/thread_pool.h"

namespace cryograph {
namespace compute {

// Padding takes no part: the mean is over the pixels that the image has. in_channels = out_channels; dilation
// counts. A window that meets no pixel at all gives the lowest value (T's lowest, not -Inf), or 0 as mean. T:
// float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t.
template <typename T>
void MaxPool(const WindowShape& shape, const T* input, T* output, ThreadPool* pool = nullptr);
// T: float, double.
template <typename T>
void AveragePool(const WindowShape& shape, const T* input, T* output, ThreadPool* pool = nullptr);

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_POOL_H_
