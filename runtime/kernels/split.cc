// Split, SplitV, Unpack.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"

namespace cryograph {
namespace {

// Output k gets `sizes[k]` of dimension `axis`; the sizes add up to it. With `drop_axis` each is 1, and the
// outputs lack the dimension.
absl::Status CutUp(KernelContext& context, const Value& input, int axis, absl::Span<const int64_t> sizes,
                   bool drop_axis) {
  const AxisLoop loop(input.shape(), axis);
  int64_t begin = 0;
  for (size_t k = 0; k < sizes.size(); ++k) {
    Shape shape = input.shape();
    if (drop_axis) {
      shape.erase(shape.begin() + axis);
    } else {
      shape[axis] = sizes[k];
    }
    if (loop.outer == 1 && axis == 0 && !drop_axis) {
      context.SetOutput(static_cast<int>(k), input.Rows(begin, begin + sizes[k]));
      begin += sizes[k];
      continue;
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(static_cast<int>(k), shape));
    if (output->num_elements() > 0) {
      RETURN_IF_ERROR(DispatchWidth(input.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        const T* in = input.data<T>() + begin * loop.inner;
        T* out = output->mutable_data<T>();
        const int64_t run = sizes[k] * loop.inner;
        for (int64_t outer = 0; outer < loop.outer; ++outer) {
          std::copy(in + outer * loop.size * loop.inner, in + outer * loop.size * loop.inner + run,
                    out + outer * run);
        }
        return absl::OkStatus();
      }));
    }
    begin += sizes[k];
  }
  return absl::OkStatus();
}

absl::StatusOr<int> AxisOf(const Value& value, const Value& input) {
  RETURN_IF_ERROR(ExpectScalar(value, "the split dimension"));
  ASSIGN_OR_RETURN(const int64_t given, ScalarInt(value, "the split dimension"));
  return NormalizeAxis(given, input.rank());
}

absl::Status Split(KernelContext& context) {
  const Value& input = context.input(1);
  ASSIGN_OR_RETURN(const int axis, AxisOf(context.input(0), input));
  const int count = context.num_outputs();
  if (count == 0 || input.dim(axis) % count != 0) {
    return absl::InvalidArgumentError(absl::StrCat("dimension ", axis, " of size ", input.dim(axis),
                                                   " does not split into ", count, " equal parts"));
  }
  const Shape sizes(static_cast<size_t>(count), input.dim(axis) / count);
  return CutUp(context, input, axis, sizes, false);
}
CRYOGRAPH_KERNEL_FUNCTION(Split, "Split");

absl::Status SplitV(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(Shape sizes, IntVector(context.input(1), "the sizes"));
  ASSIGN_OR_RETURN(const int axis, AxisOf(context.input(2), input));
  if (static_cast<int>(sizes.size()) != context.num_outputs()) {
    return absl::InvalidArgumentError(
        absl::StrCat(sizes.size(), " sizes for ", context.num_outputs(), " outputs"));
  }
  if (sizes.size() == 1 && sizes[0] != input.dim(axis)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the only output must be of the input's size, ", input.dim(axis), ", not ", sizes[0]));
  }
  int64_t total = 0;
  int open = -1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && open < 0) {
      open = static_cast<int>(i);
    } else if (sizes[i] < 0) {
      return absl::InvalidArgumentError(absl::StrCat("size ", i, " is ", sizes[i]));
    } else if (__builtin_add_overflow(total, sizes[i], &total)) {
      return absl::InvalidArgumentError("the sizes are too large");
    }
  }
  if (open >= 0 ? total > input.dim(axis) : total != input.dim(axis)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the sizes add up to ", total, ", dimension ", axis, " has ", input.dim(axis)));
  }
  if (open >= 0) sizes[static_cast<size_t>(open)] = input.dim(axis) - total;
  return CutUp(context, input, axis, sizes, false);
}
CRYOGRAPH_KERNEL_FUNCTION(SplitV, "SplitV");

class UnpackKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("axis", &axis_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_, input.rank()));
    if (input.dim(axis) != context.num_outputs()) {
      return absl::InvalidArgumentError(absl::StrCat("dimension ", axis, " has ", input.dim(axis),
                                                     " elements, not ", context.num_outputs()));
    }
    const Shape sizes(static_cast<size_t>(context.num_outputs()), 1);
    return CutUp(context, input, axis, sizes, true);
  }

 private:
  int64_t axis_ = 0;
};
CRYOGRAPH_KERNEL(UnpackKernel, "Unpack");

}  // namespace
}  // namespace cryograph
