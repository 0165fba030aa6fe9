// Cross: the cross product of vectors of three, along the last dimension.
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

absl::Status Cross(KernelContext &context) {
  const Value &a = context.input(0), &b = context.input(1);
  RETURN_IF_ERROR(ExpectSameShape(a, b));
  if (a.rank() < 1 || a.dim(a.rank() - 1) != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("the last dimension of ", ShapeText(a.shape()), " must be 3"));
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, a.shape()));
  return DispatchType<RealTypes>(a.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    for (int64_t i = 0; i < a.num_elements(); i += 3) {
      const T *x = a.data<T>() + i, *y = b.data<T>() + i;
      for (int n = 0; n < 3; ++n) {
        const int p = (n + 1) % 3, q = (n + 2) % 3;
        // Each product is rounded to the type, as the difference is.
        const T left = static_cast<T>(static_cast<A>(x[p]) * static_cast<A>(y[q]));
        const T right = static_cast<T>(static_cast<A>(x[q]) * static_cast<A>(y[p]));
        output->mutable_data<T>()[i + n] = static_cast<T>(static_cast<A>(left) - static_cast<A>(right));
      }
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Cross, "Cross");

}  // namespace
}  // namespace cryograph
