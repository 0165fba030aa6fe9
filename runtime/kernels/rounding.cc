// Floor, Ceil, Rint, Round. Halves go to the even neighbour.
#include <cmath>
#include <complex>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

template <typename T>
struct Floored {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::floor(x));
  }
};
template <typename T>
struct Ceiled {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::ceil(x));
  }
};
template <typename T>
struct Rounded {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::nearbyint(x));
  }
};

absl::Status Floor(KernelContext& context) { return ComputeUnary<FloatTypes, Floored>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Floor, "Floor");

absl::Status Ceil(KernelContext& context) { return ComputeUnary<FloatTypes, Ceiled>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Ceil, "Ceil");

absl::Status Rint(KernelContext& context) { return ComputeUnary<FloatTypes, Rounded>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Rint, "Rint");

// Integers are round already.
absl::Status Round(KernelContext& context) {
  const Value& input = context.input(0);
  if (IsOneOf<IntTypes>(input.dtype())) {
    context.SetOutput(0, input);
    return absl::OkStatus();
  }
  return ComputeUnary<FloatTypes, Rounded>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Round, "Round");

}  // namespace
}  // namespace cryograph
