// Diag, DiagPart: a tensor as the diagonal of one of twice the rank.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status Diag(KernelContext& context) {
  const Value& input = context.input(0);
  if (input.rank() < 1) return absl::InvalidArgumentError("the diagonal must not be a scalar");
  Shape dims = input.shape();
  dims.insert(dims.end(), input.shape().begin(), input.shape().end());
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    T* out = output->mutable_data<T>();
    std::fill_n(out, output->num_elements(), T());
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      out[i * (input.num_elements() + 1)] = input.data<T>()[i];
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Diag, "Diag");

absl::Status DiagPart(KernelContext& context) {
  const Value& input = context.input(0);
  const Shape& shape = input.shape();
  const size_t half = shape.size() / 2;
  if (shape.empty() || shape.size() % 2 != 0 ||
      !std::equal(shape.begin(), shape.begin() + half, shape.begin() + half)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the first half of the dimensions must be as the second, not ", ShapeText(shape)));
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, absl::MakeConstSpan(shape.data(), half)));
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const int64_t count = output->num_elements();
    for (int64_t i = 0; i < count; ++i) output->mutable_data<T>()[i] = input.data<T>()[i * (count + 1)];
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(DiagPart, "DiagPart");

}  // namespace
}  // namespace cryograph
