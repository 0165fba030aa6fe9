// Maximum and Minimum of two operands. With a NaN on either side the result is one.
#include "runtime/kernels/binary.h"

namespace cryograph {
namespace {

template <typename T>
struct Larger {
  T operator()(T a, T b) const { return a > b || a != a ? a : b; }
};
template <typename T>
struct Smaller {
  T operator()(T a, T b) const { return a < b || a != a ? a : b; }
};

absl::Status Maximum(KernelContext& context) { return ComputeBinary<RealTypes, Larger>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Maximum, "Maximum");

absl::Status Minimum(KernelContext& context) { return ComputeBinary<RealTypes, Smaller>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Minimum, "Minimum");

}  // namespace
}  // namespace cryograph
