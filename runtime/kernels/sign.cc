// Abs, Neg, Sign, Square, Reciprocal and its old name Inv.
#include <cmath>
#include <complex>
#include <type_traits>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

template <typename T>
struct Magnitude {
  T operator()(T value) const {
    using A = Arithmetic<T>;
    if constexpr (std::is_integral_v<T>) {
      return value < 0 ? static_cast<T>(A(0) - static_cast<A>(value)) : value;
    } else {
      return static_cast<T>(std::abs(static_cast<A>(value)));
    }
  }
};

template <typename T>
struct Negative {
  T operator()(T value) const {
    using A = Arithmetic<T>;
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(A(0) - static_cast<A>(value));
    } else {
      return static_cast<T>(-static_cast<A>(value));
    }
  }
};

template <typename T>
struct Signum {
  T operator()(T value) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>((value > 0) - (value < 0));
    } else {
      const auto x = static_cast<Arithmetic<T>>(value);
      if (x != x) return value;
      return static_cast<T>(static_cast<Arithmetic<T>>((x > 0) - (x < 0)));
    }
  }
};
template <typename F>
struct Signum<std::complex<F>> {
  std::complex<F> operator()(std::complex<F> x) const {
    const F magnitude = std::abs(x);
    return magnitude == 0 ? std::complex<F>(0) : x / magnitude;
  }
};

template <typename T>
struct Squared {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return static_cast<T>(x * x);
  }
};

template <typename T>
struct Inverse {
  T operator()(T value) const {
    using A = Arithmetic<T>;
    return static_cast<T>(A(1) / static_cast<A>(value));
  }
};

absl::Status Abs(KernelContext& context) { return ComputeUnary<RealTypes, Magnitude>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Abs, "Abs");

absl::Status Neg(KernelContext& context) { return ComputeUnary<NumberTypes, Negative>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Neg, "Neg");

absl::Status Sign(KernelContext& context) { return ComputeUnary<NumberTypes, Signum>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Sign, "Sign");

absl::Status Square(KernelContext& context) { return ComputeUnary<NumberTypes, Squared>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Square, "Square");

absl::Status Reciprocal(KernelContext& context) {
  return ComputeUnary<JoinTypes<FloatTypes, ComplexTypes>, Inverse>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Reciprocal, "Reciprocal", "Inv");

}  // namespace
}  // namespace cryograph
