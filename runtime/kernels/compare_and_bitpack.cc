// CompareAndBitpack: whether elements exceed a threshold, eight to a byte, the first in the highest bit.
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using PackTypes = JoinTypes<FloatTypes, SignedIntTypes, BoolType>;

absl::Status CompareAndBitpack(KernelContext& context) {
  const Value &input = context.input(0), &threshold = context.input(1);
  RETURN_IF_ERROR(ExpectScalar(threshold, "threshold"));
  if (input.rank() < 1 || input.dim(input.rank() - 1) % 8 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the last dimension of ", ShapeText(input.shape()), " must be a multiple of 8"));
  }
  Shape dims = input.shape();
  dims.back() /= 8;
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
  return DispatchType<PackTypes>(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T limit = threshold.scalar<T>();
    for (int64_t i = 0; i < output->num_elements(); ++i) {
      unsigned bits = 0;
      for (int n = 0; n < 8; ++n) {
        const T x = input.data<T>()[8 * i + n];
        bool set = x > limit;
        if constexpr (std::is_same<T, bool>::value) set = x;  // The threshold of booleans does not count.
        bits = bits << 1 | (set ? 1u : 0u);
      }
      output->mutable_data<uint8_t>()[i] = static_cast<uint8_t>(bits);
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(CompareAndBitpack, "CompareAndBitpack");

}  // namespace
}  // namespace cryograph
