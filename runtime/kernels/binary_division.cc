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
      // Half and bfloat16 are rounded before they are floored.
      const A quotient = static_cast<A>(static_cast<T>(static_cast<A>(a) / static_cast<A>(b)));
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

// A complex number by zero is NaN where TensorFlow divides whole vectors of 32 bytes, and C's quotient in the
// elements that are left over at the end.
template <typename T>
absl::Status DivideComplex(KernelContext& context) {
  ASSIGN_OR_RETURN(const Broadcast broadcast, BroadcastInputs(context));
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0, 1}, 0, broadcast.shape()));
  const T* a = context.input(0).data<T>();
  const T* b = context.input(1).data<T>();
  T* out = output->mutable_data<T>();
  constexpr int64_t kLanes = 32 / sizeof(T);
  const int64_t vectors_end = output->num_elements() / kLanes * kLanes;
  constexpr auto kNaN = std::numeric_limits<typename T::value_type>::quiet_NaN();
  broadcast.ForRows(
      0, broadcast.num_rows(), [&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
        for (int64_t i = 0; i < count; ++i) {
          const T divisor = b[from[1] + i * step[1]];
          out[offset + i] = divisor == T(0) && offset + i < vectors_end ? T(kNaN, kNaN)
                                                                        : a[from[0] + i * step[0]] / divisor;
        }
      });
  return absl::OkStatus();
}

absl::Status Div(KernelContext& context) {
  const DataType dtype = context.input(0).dtype();
  if (dtype != context.input(1).dtype()) {
    return absl::InvalidArgumentError("the operands are of different types");
  }
  if (dtype == DT_COMPLEX64) return DivideComplex<std::complex<float>>(context);
  if (dtype == DT_COMPLEX128) return DivideComplex<std::complex<double>>(context);
  return Divide<RealTypes, Quotient>(context);
}
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
