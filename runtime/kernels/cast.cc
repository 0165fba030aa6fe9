// Cast.
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <type_traits>

#include "graph/small_float.h"
#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

// What the processor's instructions give: toward zero, the lowest integer for what does not fit.
template <typename Int, typename Float>
Int Truncated(Float x) {
  constexpr Float limit = static_cast<Float>(uint64_t{1} << (sizeof(Int) * 8 - 1));
  return x >= -limit && x < limit ? static_cast<Int>(x) : std::numeric_limits<Int>::min();
}

template <typename To, typename From>
To FloatToInt(From x) {
  if constexpr (sizeof(To) == 8 || std::is_same_v<To, uint32_t>) {
    if constexpr (std::is_same_v<To, uint64_t>) {
      constexpr From limit = static_cast<From>(uint64_t{1} << 63);
      if (x >= limit) return static_cast<To>(Truncated<int64_t>(x - limit)) ^ (uint64_t{1} << 63);
    }
    return static_cast<To>(Truncated<int64_t>(x));
  } else {
    return static_cast<To>(Truncated<int32_t>(x));
  }
}

template <typename To, typename From>
To Convert(From value) {
  if constexpr (IsComplexNumber<From>) {
    if constexpr (IsComplexNumber<To>) {
      using F = typename To::value_type;
      return To(static_cast<F>(value.real()), static_cast<F>(value.imag()));
    } else {
      return Convert<To>(value.real());
    }
  } else if constexpr (IsComplexNumber<To>) {
    return To(Convert<typename To::value_type>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return static_cast<Arithmetic<From>>(value) != 0;
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, Bfloat16>) {
    return Convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return FloatToInt<To>(value);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, Bfloat16>) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

// How many of the low bits of a float or double (of each part of a complex number) Truncate clears before the
// conversion: the digits that the result has not, and all that a complex result of double has. 0 where it
// changes nothing.
int TruncatedBits(DataType from, DataType to) {
  const bool is_double = from == DT_DOUBLE || from == DT_COMPLEX128;
  if (!is_double && from != DT_FLOAT && from != DT_COMPLEX64) return 0;
  if (to == DT_HALF) return is_double ? 42 : 13;
  if (to == DT_BFLOAT16) return from == DT_FLOAT ? 16 : 0;
  if (to == DT_FLOAT) return is_double ? 29 : 0;
  if (to == DT_COMPLEX64 && is_double) return from == DT_DOUBLE ? 53 : 29;
  return 0;
}

template <typename T>
T ClearLowBits(T value, int bits) {
  if constexpr (IsComplexNumber<T>) {
    return T(ClearLowBits(value.real(), bits), ClearLowBits(value.imag(), bits));
  } else {
    if (value != value) return value;
    std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t> pattern;
    std::memcpy(&pattern, &value, sizeof(pattern));
    pattern = pattern >> bits << bits;
    std::memcpy(&value, &pattern, sizeof(pattern));
    return value;
  }
}

using WideFloatTypes =
    JoinTypes<ComplexTypes, TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>>;
using TruncatedTypes = TypeList<TypeEntry<DT_HALF, Half>, TypeEntry<DT_BFLOAT16, Bfloat16>,
                                TypeEntry<DT_FLOAT, float>, TypeEntry<DT_COMPLEX64, std::complex<float>>>;

using CastTypes = JoinTypes<NumberTypes, BoolType>;

bool IsFloat8(DataType dtype) { return dtype == DT_FLOAT8_E5M2 || dtype == DT_FLOAT8_E4M3FN; }

// Eight bits: each of their 256 numbers is known beforehand.
absl::Status FromFloat8(const Value& input, Value* output) {
  SmallFloat form;
  SmallFloatOf(input.dtype(), &form);
  float numbers[256];
  for (uint32_t i = 0; i < 256; ++i) numbers[i] = static_cast<float>(SmallFloatToDouble(i, form));
  return DispatchType<CastTypes>(output->dtype(), [&](auto to) {
    using To = TypeOf<decltype(to)>;
    const uint8_t* in = input.data<uint8_t>();
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      output->mutable_data<To>()[i] = Convert<To>(numbers[in[i]]);
    }
    return absl::OkStatus();
  });
}

absl::Status ToFloat8(const Value& input, Value* output) {
  SmallFloat form;
  SmallFloatOf(output->dtype(), &form);
  return DispatchType<CastTypes>(input.dtype(), [&](auto from) {
    using From = TypeOf<decltype(from)>;
    // Integers go by way of float.
    using Wide = std::conditional_t<std::is_integral_v<From>, float, double>;
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      const auto number = static_cast<double>(Convert<Wide>(input.data<From>()[i]));
      output->mutable_data<uint8_t>()[i] = static_cast<uint8_t>(SmallFloatFromDouble(number, form));
    }
    return absl::OkStatus();
  });
}

class CastKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    to_ = node.output_type(0);
    if (node.attr("Truncate").kind() != AttrView::kNone) RETURN_IF_ERROR(node.Attr("Truncate", &truncate_));
    for (const DataType type : {node.input_type(0), to_}) {
      if (!IsOneOf<CastTypes>(type) && !IsFloat8(type) && node.input_type(0) != to_) {
        return node.UnsupportedType(type);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    if (input.dtype() == to_) {
      context.SetOutput(0, input);
      return absl::OkStatus();
    }
    if (IsFloat8(input.dtype()) || IsFloat8(to_)) return ComputeFloat8(context);
    if (const int bits = TruncatedBits(input.dtype(), to_); truncate_ && bits > 0) {
      return DispatchType<WideFloatTypes>(input.dtype(), [&](auto from) {
        using From = TypeOf<decltype(from)>;
        return DispatchType<TruncatedTypes>(to_, [&](auto to) {
          using To = TypeOf<decltype(to)>;
          return UnaryLoop<From, To>(context, 1,
                                     [bits](From value) { return Convert<To>(ClearLowBits(value, bits)); });
        });
      });
    }
    return DispatchType<CastTypes>(input.dtype(), [&](auto from) {
      using From = TypeOf<decltype(from)>;
      return DispatchType<CastTypes>(to_, [&](auto to) {
        using To = TypeOf<decltype(to)>;
        return UnaryLoop<From, To>(context, 1, Convert<To, From>);
      });
    });
  }

 private:
  absl::Status ComputeFloat8(KernelContext& context) const {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    if (!IsFloat8(to_)) return FromFloat8(input, output);
    if (!IsFloat8(input.dtype())) return ToFloat8(input, output);
    ASSIGN_OR_RETURN(Value numbers, context.AllocateTemp(DT_FLOAT, input.shape()));
    RETURN_IF_ERROR(FromFloat8(input, &numbers));
    return ToFloat8(numbers, output);
  }

  DataType to_ = DT_INVALID;
  bool truncate_ = false;
};
CRYOGRAPH_KERNEL(CastKernel, "Cast");

}  // namespace
}  // namespace cryograph
