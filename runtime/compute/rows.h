// Loops over rows of floats that are compiled once for each instruction set; see elementwise.h and softmax.h
// for what they compute.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_ROWS_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_ROWS_H_

#include <cstdint>

#include "runtime/compute/epilogue.h"
#include "runtime/compute/isa.h"

namespace cryograph {
namespace compute {

// ExpAndSumRow: the sum of e^(x - shift), in an order that depends on the width of vectors alone; y, if not
// null, gets the terms. MaxOfRow wants at least one element. The addend of EpilogueRow is that of the row.
CRYOGRAPH_FOR_EACH_ISA(void ExpRow(const float* x, float* y, int64_t count);
                       void TanhRow(const float* x, float* y, int64_t count);
                       void SigmoidRow(const float* x, float* y, int64_t count);
                       void ErfRow(const float* x, float* y, int64_t count);
                       float MaxOfRow(const float* x, int64_t count);
                       float ExpAndSumRow(const float* x, float shift, float* y, int64_t count);
                       void DivideRow(const float* x, float divisor, float* y, int64_t count);
                       void SubtractRow(const float* x, float subtrahend, float* y, int64_t count);
                       void EpilogueRow(const float* x, float* y, int64_t count,
                                        const Epilogue<float>& epilogue);
                       void NormalizeRow(const float* x, const float* mean, const float* factor,
                                         const float* offset, float* y, int64_t count);)

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_ROWS_H_
