// Functions of every element, vectorised.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_ELEMENTWISE_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_ELEMENTWISE_H_

#include <cstdint>

#include "runtime/compute/epilogue.h"

namespace cryograph {
namespace compute {

// y[i] = f(x[i]) for i < count; y may be x. Within 4 units in the last place of the true value, subnormal
// results perhaps zero. NaN gives NaN, and an element's result does not depend on where it stands.
void Exp(const float* x, float* y, int64_t count);
void Tanh(const float* x, float* y, int64_t count);
void Sigmoid(const float* x, float* y, int64_t count);
void Erf(const float* x, float* y, int64_t count);

// The epilogue alone, on a matrix of rows by columns without gaps: y = min(max(x + bias + addend, low),
// high). y may be x, and also the addend if its stride is `columns`.
void ApplyEpilogue(int64_t rows, int64_t columns, const float* x, float* y, const Epilogue<float>& epilogue);

// y[r][c] = (x[r][c] - mean[c]) * factor[c] + offset[c] for rows of channels; y may be x.
void Normalize(int64_t rows, int64_t columns, const float* x, const float* mean, const float* factor,
               const float* offset, float* y);

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_ELEMENTWISE_H_
