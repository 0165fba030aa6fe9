#include "runtime/compute/depthwise_loop.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {

void ComputeDepthwiseRow(const DepthwiseRow<float>& row) { DepthwiseRowLoop(row); }

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph
