// Where: the places of all elements that are not zero.
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status Where(KernelContext& context) {
  const Value& input = context.input(0);
  const int rank = input.rank();
  return DispatchType<JoinTypes<NumberTypes, BoolType>>(input.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    const T* in = input.data<T>();
    const auto counts = [](T x) {
      if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>) {
        return static_cast<float>(x) != 0;
      } else {
        return x != T(0);
      }
    };
    int64_t found = 0;
    for (int64_t i = 0; i < input.num_elements(); ++i) found += counts(in[i]) ? 1 : 0;
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {found, rank}));
    int64_t* out = output->mutable_data<int64_t>();
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      if (!counts(in[i])) continue;
      int64_t rest = i;
      for (int d = rank - 1; d >= 0; --d) {
        out[d] = rest % input.dim(d);
        rest /= input.dim(d);
      }
      out += rank;
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Where, "Where");

}  // namespace
}  // namespace cryograph
