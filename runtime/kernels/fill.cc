// Fill, ZerosLike, OnesLike, Empty, BroadcastTo, Tile.
#include <algorithm>
#include <complex>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/strided_copy.h"

namespace cryograph {
namespace {

absl::Status Fill(KernelContext& context) {
  RETURN_IF_ERROR(ExpectVector(context.input(0), "the dimensions"));
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "the value"));
  ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the dimensions"));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  return DispatchWidth(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const auto values = output->mutable_span<T>();
    std::fill(values.begin(), values.end(), context.input(1).scalar<T>());
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Fill, "Fill");

void FillZeros(Value* output) {
  if (IsPlainType(output->dtype())) std::fill_n(output->mutable_raw(), output->num_bytes(), 0);
}

absl::Status ZerosLike(KernelContext& context) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, context.input(0).shape()));
  if (!IsPlainType(output->dtype()) && output->dtype() != DT_STRING) {
    return context.node().UnsupportedType(output->dtype());
  }
  FillZeros(output);
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ZerosLike, "ZerosLike");

absl::Status OnesLike(KernelContext& context) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, context.input(0).shape()));
  return DispatchType<JoinTypes<NumberTypes, BoolType>>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const auto values = output->mutable_span<T>();
    std::fill(values.begin(), values.end(), T(1));
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(OnesLike, "OnesLike");

// Without `init` the elements are not defined; ours are zeros all the same.
absl::Status Empty(KernelContext& context) {
  ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the shape"));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  FillZeros(output);
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Empty, "Empty");

absl::Status BroadcastTo(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(1), "the shape"));
  if (input.shape() == shape) {
    context.SetOutput(0, input);
    return absl::OkStatus();
  }
  const int missing = static_cast<int>(shape.size()) - input.rank();
  Strides steps(shape.size(), 0);
  const Strides strides = StridesOf(input.shape());
  bool fits = missing >= 0;
  for (int d = 0; fits && d < input.rank(); ++d) {
    fits = input.dim(d) == 1 || input.dim(d) == shape[missing + d];
    steps[missing + d] = input.dim(d) == 1 ? 0 : strides[d];
  }
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape ", ShapeText(input.shape()), " cannot be broadcast to ", ShapeText(shape)));
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  if (output->num_elements() == 0) return absl::OkStatus();
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    GatherStrided(input.data<T>(), shape, steps, output->mutable_data<T>());
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(BroadcastTo, "BroadcastTo");

absl::Status Tile(KernelContext& context) {
  const Value& input = context.input(0);
  RETURN_IF_ERROR(ExpectVector(context.input(1), "the multiples"));
  ASSIGN_OR_RETURN(const Shape multiples, IntVector(context.input(1), "the multiples"));
  if (static_cast<int>(multiples.size()) != input.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat(multiples.size(), " multiples for ", input.rank(), " dimensions"));
  }
  // Each dimension becomes two: the copies, all of them at step 0, and the elements.
  Shape shape(multiples.size()), doubled;
  Strides steps;
  const Strides strides = StridesOf(input.shape());
  for (size_t d = 0; d < multiples.size(); ++d) {
    if (multiples[d] < 0)
      return absl::InvalidArgumentError(absl::StrCat("multiple ", d, " is ", multiples[d]));
    if (__builtin_mul_overflow(input.shape()[d], multiples[d], &shape[d])) {
      return absl::InvalidArgumentError("the result is too large");
    }
    doubled.push_back(multiples[d]);
    steps.push_back(0);
    doubled.push_back(input.shape()[d]);
    steps.push_back(strides[d]);
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  if (output->num_elements() == 0) return absl::OkStatus();
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    GatherStrided(input.data<T>(), doubled, steps, output->mutable_data<T>());
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Tile, "Tile");

}  // namespace
}  // namespace cryograph
