// Exp, Expm1, Log, Log1p, Sqrt, Rsqrt, Sigmoid.
#include <cmath>
#include <complex>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

using FloatAndComplexTypes = JoinTypes<FloatTypes, ComplexTypes>;

template <typename T>
struct Exponential {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::exp(x));
  }
};
template <typename T>
struct Logarithm {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::log(x));
  }
};
template <typename T>
struct SquareRoot {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(std::sqrt(x));
  }
};
template <typename T>
struct ReciprocalRoot {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(Arithmetic<T>(1) / std::sqrt(x));
  }
};

template <typename A>
A Expm1(A x) {
  return std::expm1(x);
}
// As TensorFlow has it, by way of log(e^x), which loses what the imaginary part has beyond pi.
template <typename F>
std::complex<F> Expm1(std::complex<F> x) {
  const std::complex<F> u = std::exp(x);
  if (u == F(1)) return x;
  const std::complex<F> less = u - F(1);
  if (less == F(-1)) return F(-1);
  return less * (x / std::log(u));
}
template <typename T>
struct ExponentialMinusOne {
  T operator()(T x) const { return static_cast<T>(Expm1(static_cast<Arithmetic<T>>(x))); }
};

template <typename A>
A Log1p(A x) {
  return std::log1p(x);
}
// By way of u = 1 + x: x / (u - 1) makes up for what the sum lost.
template <typename F>
std::complex<F> Log1p(std::complex<F> x) {
  const std::complex<F> u = F(1) + x;
  if (u == F(1)) return x;
  if (u - F(1) == x) return std::log(u);
  return std::log(u) * (x / (u - F(1)));
}
template <typename T>
struct LogarithmOfOnePlus {
  T operator()(T x) const { return static_cast<T>(Log1p(static_cast<Arithmetic<T>>(x))); }
};

template <typename T>
struct Logistic {
  T operator()(T value) const {
    using A = Arithmetic<T>;
    return static_cast<T>(A(1) / (A(1) + std::exp(-static_cast<A>(value))));
  }
};

absl::Status Exp(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, Exponential>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Exp, "Exp");

absl::Status Expm1Kernel(KernelContext& context) {
  return ComputeUnary<FloatAndComplexTypes, ExponentialMinusOne>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Expm1Kernel, "Expm1");

absl::Status Log(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, Logarithm>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Log, "Log");

absl::Status Log1pKernel(KernelContext& context) {
  return ComputeUnary<FloatAndComplexTypes, LogarithmOfOnePlus>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Log1pKernel, "Log1p");

absl::Status Sqrt(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, SquareRoot>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Sqrt, "Sqrt");

absl::Status Rsqrt(KernelContext& context) {
  return ComputeUnary<FloatAndComplexTypes, ReciprocalRoot>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Rsqrt, "Rsqrt");

absl::Status Sigmoid(KernelContext& context) { return ComputeUnary<FloatAndComplexTypes, Logistic>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Sigmoid, "Sigmoid");

}  // namespace
}  // namespace cryograph
