// Sinh, Cosh, Tanh, Asinh, Acosh, Atanh.
#include <cmath>
#include <complex>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

using FloatAndComplexTypes = JoinTypes<FloatTypes, ComplexTypes>;

template <typename T>
struct HyperbolicSine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::sinh(x));
  }
};
template <typename T>
struct HyperbolicCosine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::cosh(x));
  }
};
template <typename T>
struct HyperbolicTangent {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::tanh(x));
  }
};
template <typename T>
struct AreaSine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::asinh(x));
  }
};
template <typename T>
struct AreaCosine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::acosh(x));
  }
};
template <typename T>
struct AreaTangent {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::atanh(x));
  }
};

absl::Status Sinh(KernelContext& context) {
  return ComputeUnary<FloatAndComplexTypes, HyperbolicSine>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Sinh, "Sinh");

absl::Status Cosh(KernelContext& context) {
  return ComputeUnary<FloatAndComplexTypes, HyperbolicCosine>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Cosh, "Cosh");

absl::Status Tanh(KernelContext& context) {
  return ComputeUnary<FloatAndComplexTypes, HyperbolicTangent>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Tanh, "Tanh");

absl::Status Asinh(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, AreaSine>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Asinh, "Asinh");

absl::Status Acosh(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, AreaCosine>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Acosh, "Acosh");

absl::Status Atanh(KernelContext& context) {
  return ComputeUnary<FloatAndComplexTypes, AreaTangent>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Atanh, "Atanh");

}  // namespace
}  // namespace cryograph
