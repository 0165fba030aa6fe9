// Slice.
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/strided_copy.h"

namespace cryograph {
namespace {

absl::Status Slice(KernelContext& context) {
  const Value& input = context.input(0);
  for (const int i : {1, 2}) RETURN_IF_ERROR(ExpectVector(context.input(i), "begin and size"));
  ASSIGN_OR_RETURN(const Shape begin, IntVector(context.input(1), "begin"));
  ASSIGN_OR_RETURN(Shape size, IntVector(context.input(2), "size"));
  if (begin.size() != input.shape().size() || size.size() != input.shape().size()) {
    return absl::InvalidArgumentError(absl::StrCat("begin has ", begin.size(), " entries and size has ",
                                                   size.size(), "; the input has ", input.rank(),
                                                   " dimensions"));
  }
  const Strides strides = StridesOf(input.shape());
  int64_t offset = 0;
  bool whole = true;
  for (size_t d = 0; d < begin.size(); ++d) {
    const int64_t extent = input.shape()[d];
    if (size[d] == -1 && begin[d] >= 0 && begin[d] <= extent) size[d] = extent - begin[d];
    if (begin[d] < 0 || begin[d] > extent || size[d] < 0 || size[d] > extent - begin[d]) {
      return absl::InvalidArgumentError(absl::StrCat("a slice of ", size[d], " from ", begin[d],
                                                     " does not lie in dimension ", d, " of size ", extent));
    }
    offset += begin[d] * strides[d];
    whole &= size[d] == extent;
  }
  if (whole) {
    context.SetOutput(0, input);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, size));
  if (output->num_elements() == 0) return absl::OkStatus();
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    GatherStrided(input.data<T>() + offset, size, strides, output->mutable_data<T>());
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Slice, "Slice");

}  // namespace
}  // namespace cryograph
