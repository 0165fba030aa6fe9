// BitwiseAnd, BitwiseOr, BitwiseXor, Invert, LeftShift, RightShift, PopulationCount.
#include <algorithm>
#include <type_traits>

#include "runtime/kernels/binary.h"
#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

template <typename T>
struct And {
  T operator()(T a, T b) const { return static_cast<T>(a & b); }
};
template <typename T>
struct Or {
  T operator()(T a, T b) const { return static_cast<T>(a | b); }
};
template <typename T>
struct Xor {
  T operator()(T a, T b) const { return static_cast<T>(a ^ b); }
};
template <typename T>
struct Complement {
  T operator()(T a) const { return static_cast<T>(~a); }
};

// Counts are clamped to what the type allows.
template <typename T>
unsigned ShiftCount(T count) {
  constexpr T most = static_cast<T>(sizeof(T) * 8 - 1);
  return static_cast<unsigned>(std::min<T>(std::max<T>(count, 0), most));
}
template <typename T>
struct Left {
  T operator()(T a, T b) const { return static_cast<T>(static_cast<Arithmetic<T>>(a) << ShiftCount(b)); }
};
template <typename T>
struct Right {
  T operator()(T a, T b) const { return static_cast<T>(a >> ShiftCount(b)); }
};

absl::Status BitwiseAnd(KernelContext& context) { return ComputeBinary<IntTypes, And>(context); }
CRYOGRAPH_KERNEL_FUNCTION(BitwiseAnd, "BitwiseAnd");

absl::Status BitwiseOr(KernelContext& context) { return ComputeBinary<IntTypes, Or>(context); }
CRYOGRAPH_KERNEL_FUNCTION(BitwiseOr, "BitwiseOr");

absl::Status BitwiseXor(KernelContext& context) { return ComputeBinary<IntTypes, Xor>(context); }
CRYOGRAPH_KERNEL_FUNCTION(BitwiseXor, "BitwiseXor");

absl::Status Invert(KernelContext& context) { return ComputeUnary<IntTypes, Complement>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Invert, "Invert");

absl::Status LeftShift(KernelContext& context) { return ComputeBinary<IntTypes, Left>(context); }
CRYOGRAPH_KERNEL_FUNCTION(LeftShift, "LeftShift");

absl::Status RightShift(KernelContext& context) { return ComputeBinary<IntTypes, Right>(context); }
CRYOGRAPH_KERNEL_FUNCTION(RightShift, "RightShift");

absl::Status PopulationCount(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  return DispatchType<IntTypes>(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T* in = input.data<T>();
    uint8_t* out = output->mutable_data<uint8_t>();
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      const auto bits = static_cast<uint64_t>(static_cast<std::make_unsigned_t<T>>(in[i]));
      out[i] = static_cast<uint8_t>(__builtin_popcountll(bits));
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(PopulationCount, "PopulationCount");

}  // namespace
}  // namespace cryograph
