// The innermost loops of pooling: some pixels, element by element.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_POOL_PIXELS_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_POOL_PIXELS_H_

#include <cstdint>

#include "runtime/compute/isa.h"

namespace cryograph {
namespace compute {

// output[c] = the maximum, or the mean, of pixels[i][c] over i < count; count is at least 1.
CRYOGRAPH_FOR_EACH_ISA(void MaxOfPixels(const float* const* pixels, int64_t count, int64_t channels,
                                        float* output);
                       void MeanOfPixels(const float* const* pixels, int64_t count, int64_t channels,
                                         float* output);)

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_POOL_PIXELS_H_
