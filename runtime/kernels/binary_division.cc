// Div, RealDiv, TruncateDiv, FloorDiv, DivNoNan, and the remainders FloorMod, Mod and TruncateMod.
#include <cmath>
#include <complex>
#include <limits>
#include <type_traits>

#include "runtime/kernels/binary.h"

namespace cryograph {
namespace {

// The lowest integer divided by -1 wraps around: the processor's instruction would trap.
template <typename T>
T IntegerQuotient(T a, T b) {
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) {
    return static_cast<T>(Arithmetic<T>(0) - static_cast<Arithmetic<T>>(a));
  }
  return static_cast<T>(a / b);
}
template <typename T>
T IntegerRemainder(T a, T b) {
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return 0;
  return static_cast<T>(a % b);
}

template <typename T>
struct Quotient {
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return IntegerQuotient(a, b);
    } else {
      using A = Arithmetic<T>;
      return static_cast<T>(static_cast<A>(a) / static_cast<A>(b));
    }
  }
};

template <typename T>
struct TruncatedQuotient {
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return IntegerQuotient(a, b);
    } else {
      using A = Arithmetic<T>;
      return static_cast<T>(std::trunc(static_cast<A>(a) / static_cast<A>(b)));
    }
  }
};

template <typename T>
struct FlooredQuotient {
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      const T quotient = IntegerQuotient(a, b);
      const T remainder = IntegerRemainder(a, b);
      return remainder != 0 && (remainder < 0) != (b < 0) ? static_cast<T>(quotient - 1) : quotient;
    } else {
      using A = Arithmetic<T>;
      const A quotient = static_cast<A>(a) / static_cast<A>(b);
      // Subnormal numbers count as zero, as in TensorFlow's threads.
      if (std::abs(quotient) < std::numeric_limits<A>::min())
        return static_cast<T>(std::copysign(A(0), quotient));
      return static_cast<T>(std::floor(quotient));
    }
  }
};

template <typename T>
struct TruncatedRemainder {
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return IntegerRemainder(a, b);
    } else {
      using A = Arithmetic<T>;
      return static_cast<T>(std::fmod(static_cast<A>(a), static_cast<A>(b)));
    }
  }
};

template <typename T>
struct FlooredRemainder {
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      const T remainder = IntegerRemainder(a, b);
      return remainder != 0 && (remainder < 0) != (b < 0) ? static_cast<T>(remainder + b) : remainder;
    } else {
      using A = Arithmetic<T>;
      const A divisor = static_cast<A>(b);
      const A remainder = std::fmod(static_cast<A>(a), divisor);
      return static_cast<T>(remainder != 0 && (remainder < 0) != (divisor < 0) ? remainder + divisor
                                                                               : remainder);
    }
  }
};

template <typename T>
struct QuotientNoNan {
  T operator()(T a, T b) const {
    using A = Arithmetic<T>;
    return static_cast<A>(b) == A(0) ? static_cast<T>(A(0))
                                     : static_cast<T>(static_cast<A>(a) / static_cast<A>(b));
  }
};

// TensorFlow fails the whole run for a single integer divisor of zero, wherever it stands.
absl::Status CheckDivisor(KernelContext& context) {
  const Value& divisor = context.input(1);
  if (!IsOneOf<IntTypes>(divisor.dtype()) || context.input(0).num_elements() == 0) return absl::OkStatus();
  return DispatchType<IntTypes>(divisor.dtype(), [&](auto tag) -> absl::Status {
    for (const auto each : divisor.span<TypeOf<decltype(tag)>>()) {
      if (each == 0) return absl::InvalidArgumentError("Integer division by zero");
    }
    return absl::OkStatus();
  });
}

template <typename Types, template <typename> class Functor>
absl::Status Divide(KernelContext& context) {
  RETURN_IF_ERROR(CheckDivisor(context));
  return ComputeBinary<Types, Functor>(context);
}

absl::Status Div(KernelContext& context) { return Divide<NumberTypes, Quotient>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Div, "Div", "RealDiv");

absl::Status TruncateDiv(KernelContext& context) { return Divide<RealTypes, TruncatedQuotient>(context); }
CRYOGRAPH_KERNEL_FUNCTION(TruncateDiv, "TruncateDiv");

absl::Status FloorDiv(KernelContext& context) { return Divide<RealTypes, FlooredQuotient>(context); }
CRYOGRAPH_KERNEL_FUNCTION(FloorDiv, "FloorDiv");

absl::Status TruncateMod(KernelContext& context) { return Divide<RealTypes, TruncatedRemainder>(context); }
CRYOGRAPH_KERNEL_FUNCTION(TruncateMod, "Mod", "TruncateMod");

absl::Status FloorMod(KernelContext& context) { return Divide<RealTypes, FlooredRemainder>(context); }
CRYOGRAPH_KERNEL_FUNCTION(FloorMod, "FloorMod");

absl::Status DivNoNan(KernelContext& context) {
  return ComputeBinary<JoinTypes<FloatTypes, ComplexTypes>, QuotientNoNan>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(DivNoNan, "DivNoNan");

}  // namespace
}  // namespace cryograph
