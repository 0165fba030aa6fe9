// Pow, Atan2, Xdivy, Xlogy, Xlog1py, NextAfter.
#include <cmath>
#include <complex>
#include <type_traits>

#include "runtime/kernels/binary.h"

namespace cryograph {
namespace {

template <typename T>
struct Power {
  T operator()(T base, T exponent) const {
    if constexpr (std::is_integral_v<T>) {
      using A = Arithmetic<T>;
      A result = 1, square = static_cast<A>(base);
      for (A rest = static_cast<A>(exponent); rest != 0; rest >>= 1) {
        if ((rest & 1) != 0) result *= square;
        square *= square;
      }
      return static_cast<T>(result);
    } else {
      using A = Arithmetic<T>;
      return static_cast<T>(std::pow(static_cast<A>(base), static_cast<A>(exponent)));
    }
  }
};

absl::Status Pow(KernelContext& context) {
  const Value& exponent = context.input(1);
  if (IsOneOf<SignedIntTypes>(exponent.dtype())) {
    RETURN_IF_ERROR(DispatchType<SignedIntTypes>(exponent.dtype(), [&](auto tag) -> absl::Status {
      for (const auto each : exponent.span<TypeOf<decltype(tag)>>()) {
        if (each < 0)
          return absl::InvalidArgumentError("integers to negative integer powers are not allowed");
      }
      return absl::OkStatus();
    }));
  }
  return ComputeBinary<NumberTypes, Power>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Pow, "Pow");

template <typename T>
struct ArcTangent2 {
  T operator()(T y, T x) const {
    using A = Arithmetic<T>;
    return static_cast<T>(std::atan2(static_cast<A>(y), static_cast<A>(x)));
  }
};
absl::Status Atan2(KernelContext& context) { return ComputeBinary<FloatTypes, ArcTangent2>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Atan2, "Atan2");

using FloatAndComplexTypes = JoinTypes<FloatTypes, ComplexTypes>;

// The three X functions are 0 where x is, whatever y.
template <typename T>
struct XOverY {
  T operator()(T x, T y) const {
    using A = Arithmetic<T>;
    return static_cast<A>(x) == A(0) ? static_cast<T>(A(0))
                                     : static_cast<T>(static_cast<A>(x) / static_cast<A>(y));
  }
};
absl::Status Xdivy(KernelContext& context) { return ComputeBinary<FloatAndComplexTypes, XOverY>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Xdivy, "Xdivy");

template <typename T>
struct XLogY {
  T operator()(T x, T y) const {
    using A = Arithmetic<T>;
    return static_cast<A>(x) == A(0) ? static_cast<T>(A(0))
                                     : static_cast<T>(static_cast<A>(x) * std::log(static_cast<A>(y)));
  }
};
absl::Status Xlogy(KernelContext& context) { return ComputeBinary<FloatAndComplexTypes, XLogY>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Xlogy, "Xlogy");

template <typename A>
A Log1p(A y) {
  return std::log1p(y);
}
// log(1 + y) by way of u = 1 + y: y / (u - 1) makes up for what the sum lost.
template <typename F>
std::complex<F> Log1p(std::complex<F> y) {
  const std::complex<F> u = F(1) + y;
  if (u == F(1)) return y;
  if (u - F(1) == y) return std::log(u);
  return std::log(u) * (y / (u - F(1)));
}

template <typename T>
struct XLog1pY {
  T operator()(T x, T y) const {
    using A = Arithmetic<T>;
    return static_cast<A>(x) == A(0) ? static_cast<T>(A(0))
                                     : static_cast<T>(static_cast<A>(x) * Log1p(static_cast<A>(y)));
  }
};
absl::Status Xlog1py(KernelContext& context) { return ComputeBinary<FloatAndComplexTypes, XLog1pY>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Xlog1py, "Xlog1py");

using FloatAndDouble = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

template <typename T>
struct Neighbour {
  T operator()(T from, T towards) const { return std::nextafter(from, towards); }
};
absl::Status NextAfter(KernelContext& context) { return ComputeBinary<FloatAndDouble, Neighbour>(context); }
CRYOGRAPH_KERNEL_FUNCTION(NextAfter, "NextAfter");

}  // namespace
}  // namespace cryograph
