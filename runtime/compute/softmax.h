// Softmax over rows.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_SOFTMAX_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_SOFTMAX_H_

#include <cstdint>

#include "runtime/thread_pool.h"

namespace cryograph {
namespace compute {

// y = e^(x - m) / sum of e^(x - m) in each row of `columns` elements, where m is the row's maximum; y may be
// x.
void Softmax(int64_t rows, int64_t columns, const float* x, float* y, ThreadPool* pool = nullptr);
// y = x - m - ln(sum of e^(x - m)).
void LogSoftmax(int64_t rows, int64_t columns, const float* x, float* y, ThreadPool* pool = nullptr);

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_SOFTMAX_H_
