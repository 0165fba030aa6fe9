// Range, LinSpace.
#include <cmath>
#include <limits>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

// The number of steps of `delta` from `start` that stay on this side of `limit`, or -1 for more than can be.
template <typename T>
int64_t StepCount(T start, T limit, T delta) {
  if constexpr (std::is_integral_v<T>) {
    const auto distance = delta > 0 ? static_cast<uint64_t>(limit) - static_cast<uint64_t>(start)
                                    : static_cast<uint64_t>(start) - static_cast<uint64_t>(limit);
    const auto step = delta > 0 ? static_cast<uint64_t>(delta) : uint64_t{0} - static_cast<uint64_t>(delta);
    const uint64_t count = distance / step + (distance % step != 0 ? 1 : 0);
    return count > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ? -1
                                                                              : static_cast<int64_t>(count);
  } else {
    const double count = std::ceil(
        std::abs((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta)));
    return count < 9e18 ? static_cast<int64_t>(count) : -1;
  }
}

absl::Status Range(KernelContext& context) {
  for (int i = 0; i < 3; ++i) RETURN_IF_ERROR(ExpectScalar(context.input(i), "start, limit and delta"));
  return DispatchType<JoinTypes<FloatTypes, SignedIntTypes>>(
      context.input(0).dtype(), [&](auto tag) -> absl::Status {
        using T = TypeOf<decltype(tag)>;
        using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, Arithmetic<T>>;
        const auto start = static_cast<Wide>(context.input(0).scalar<T>());
        const auto limit = static_cast<Wide>(context.input(1).scalar<T>());
        const auto delta = static_cast<Wide>(context.input(2).scalar<T>());
        if (delta == 0) return absl::InvalidArgumentError("Requires delta != 0");
        if (delta > 0 ? start > limit : start < limit) {
          return absl::InvalidArgumentError(
              absl::StrCat("from ", start, " no step of ", delta, " leads to ", limit));
        }
        const int64_t count = StepCount(start, limit, delta);
        if (count < 0) return absl::InvalidArgumentError("the range has too many elements");
        ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {count}));
        T* out = output->mutable_data<T>();
        T value = context.input(0).scalar<T>();
        for (int64_t i = 0; i < count; ++i) {
          out[i] = value;
          using A = Arithmetic<T>;
          value = static_cast<T>(static_cast<A>(value) + static_cast<A>(context.input(2).scalar<T>()));
        }
        return absl::OkStatus();
      });
}
CRYOGRAPH_KERNEL_FUNCTION(Range, "Range");

absl::Status LinSpace(KernelContext& context) {
  for (int i = 0; i < 3; ++i) RETURN_IF_ERROR(ExpectScalar(context.input(i), "start, stop and num"));
  ASSIGN_OR_RETURN(const int64_t count, ScalarInt(context.input(2), "num"));
  if (count < 1) return absl::InvalidArgumentError(absl::StrCat("Requires num > 0: ", count));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {count}));
  return DispatchType<FloatTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    const A start = static_cast<A>(context.input(0).scalar<T>()),
            stop = static_cast<A>(context.input(1).scalar<T>());
    T* out = output->mutable_data<T>();
    const A step = count > 1 ? (stop - start) / static_cast<A>(count - 1) : A(0);
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(start + step * static_cast<A>(i));
    if (count > 1) out[count - 1] = static_cast<T>(stop);
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(LinSpace, "LinSpace");

}  // namespace
}  // namespace cryograph
