// Select, SelectV2, ClipByValue.
#include <algorithm>

#include "runtime/broadcast.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

template <typename T>
absl::Status SelectRows(KernelContext& context, const Broadcast& broadcast) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, broadcast.shape()));
  const bool* condition = context.input(0).data<bool>();
  const T* yes = context.input(1).data<T>();
  const T* no = context.input(2).data<T>();
  T* out = output->mutable_data<T>();
  broadcast.ForEachRow([&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
    for (int64_t i = 0; i < count; ++i) {
      out[offset + i] =
          condition[from[0] + i * step[0]] ? yes[from[1] + i * step[1]] : no[from[2] + i * step[2]];
    }
  });
  return absl::OkStatus();
}

absl::Status SelectV2(KernelContext& context) {
  ASSIGN_OR_RETURN(
      const Broadcast broadcast,
      Broadcast::Of({&context.input(0).shape(), &context.input(1).shape(), &context.input(2).shape()}));
  return DispatchWidth(context.input(1).dtype(),
                       [&](auto tag) { return SelectRows<TypeOf<decltype(tag)>>(context, broadcast); });
}
CRYOGRAPH_KERNEL_FUNCTION(SelectV2, "SelectV2");

// The older op broadcasts no more than the condition: a scalar takes one operand whole, a vector picks rows.
absl::Status Select(KernelContext& context) {
  const Value& condition = context.input(0);
  const Value& yes = context.input(1);
  RETURN_IF_ERROR(ExpectSameShape(yes, context.input(2)));
  if (condition.is_scalar()) {
    context.SetOutput(0, context.input(condition.scalar<bool>() ? 1 : 2));
    return absl::OkStatus();
  }
  Shape shape = condition.shape();
  if (shape != yes.shape()) {
    if (!condition.is_vector() || yes.rank() == 0 || yes.dim(0) != condition.dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the condition must be a scalar, have the operands' shape, or be a vector as long as their "
          "first dimension; it is ",
          ShapeText(shape), ", they are ", ShapeText(yes.shape())));
    }
    shape.resize(static_cast<size_t>(yes.rank()), 1);
  }
  ASSIGN_OR_RETURN(const Broadcast broadcast,
                   Broadcast::Of({&shape, &context.input(1).shape(), &context.input(2).shape()}));
  return DispatchWidth(yes.dtype(),
                       [&](auto tag) { return SelectRows<TypeOf<decltype(tag)>>(context, broadcast); });
}
CRYOGRAPH_KERNEL_FUNCTION(Select, "Select");

// max(min(x, high), low): the lower bound wins where the two cross.
absl::Status ClipByValue(KernelContext& context) {
  const Value& x = context.input(0);
  for (const int i : {1, 2}) {
    if (!context.input(i).is_scalar()) RETURN_IF_ERROR(ExpectSameShape(x, context.input(i)));
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, x.shape()));
  return DispatchType<RealTypes>(x.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T* in = x.data<T>();
    const T* low = context.input(1).data<T>();
    const T* high = context.input(2).data<T>();
    const int64_t low_step = context.input(1).is_scalar() ? 0 : 1,
                  high_step = context.input(2).is_scalar() ? 0 : 1;
    T* out = output->mutable_data<T>();
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      const T a = low[i * low_step], b = high[i * high_step];
      const T least = in[i] > b ? b : in[i];
      out[i] = least < a ? a : least;
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(ClipByValue, "ClipByValue");

}  // namespace
}  // namespace cryograph
