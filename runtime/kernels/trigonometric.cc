// Sin, Cos, Tan, Asin, Acos, Atan.
#include <cmath>
#include <complex>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

using FloatAndComplexTypes = JoinTypes<FloatTypes, ComplexTypes>;

template <typename T>
struct Sine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::sin(x));
  }
};
template <typename T>
struct Cosine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::cos(x));
  }
};
template <typename T>
struct Tangent {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::tan(x));
  }
};
template <typename T>
struct ArcSine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::asin(x));
  }
};
template <typename T>
struct ArcCosine {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::acos(x));
  }
};
template <typename T>
struct ArcTangent {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::atan(x));
  }
};

absl::Status Sin(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, Sine>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Sin, "Sin");

absl::Status Cos(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, Cosine>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Cos, "Cos");

absl::Status Tan(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, Tangent>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Tan, "Tan");

absl::Status Asin(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, ArcSine>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Asin, "Asin");

absl::Status Acos(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, ArcCosine>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Acos, "Acos");

absl::Status Atan(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, ArcTangent>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Atan, "Atan");

}  // namespace
}  // namespace cryograph
