// UnravelIndex, BroadcastGradientArgs: arithmetic of indices and shapes.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status UnravelIndex(KernelContext& context) {
  const Value& indices = context.input(0);
  RETURN_IF_ERROR(ExpectVector(context.input(1), "dims"));
  if (indices.rank() > 1) return absl::InvalidArgumentError("indices must be a scalar or a vector");
  ASSIGN_OR_RETURN(const Shape dims, IntVector(context.input(1), "dims"));
  ASSIGN_OR_RETURN(const int64_t size, NumElements(dims));
  const int64_t count = indices.num_elements(), rank = static_cast<int64_t>(dims.size());
  Shape shape = {rank};
  if (!indices.is_scalar()) shape.push_back(count);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  return DispatchType<IndexTypes>(indices.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = indices.data<T>()[i];
      // A negative index is no error to TensorFlow, which gives remainders of its sign.
      if (size == 0 || rest >= size) {
        return absl::InvalidArgumentError(absl::StrCat("index ", rest, " is not in [0, ", size, ")"));
      }
      for (int64_t d = rank; d-- > 0; rest /= dims[d]) {
        output->mutable_data<T>()[d * count + i] = static_cast<T>(rest % dims[d]);
      }
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(UnravelIndex, "UnravelIndex");

// The axes that the gradient of a broadcast operand is summed over.
absl::Status BroadcastGradientArgs(KernelContext& context) {
  Shape shapes[2];
  for (int i = 0; i < 2; ++i) {
    RETURN_IF_ERROR(ExpectVector(context.input(i), "a shape"));
    ASSIGN_OR_RETURN(shapes[i], IntVector(context.input(i), "a shape"));
  }
  const bool same = shapes[0] == shapes[1];
  const size_t rank = std::max(shapes[0].size(), shapes[1].size());
  Shape axes[2];
  for (Shape& shape : shapes) shape.insert(shape.begin(), rank - shape.size(), 1);
  for (size_t d = 0; d < rank && !same; ++d) {
    const int64_t a = shapes[0][d], b = shapes[1][d];
    if (a != b && a != 1 && b != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("shapes ", ShapeText(shapes[0]), " and ", ShapeText(shapes[1]), " do not broadcast"));
    }
    if (a == 1) axes[0].push_back(static_cast<int64_t>(d));
    if (b == 1) axes[1].push_back(static_cast<int64_t>(d));
  }
  for (int i = 0; i < 2; ++i) {
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(i, {static_cast<int64_t>(axes[i].size())}));
    RETURN_IF_ERROR(DispatchType<IndexTypes>(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      std::transform(axes[i].begin(), axes[i].end(), output->mutable_data<T>(),
                     [](int64_t axis) { return static_cast<T>(axis); });
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(BroadcastGradientArgs, "BroadcastGradientArgs");

}  // namespace
}  // namespace cryograph
