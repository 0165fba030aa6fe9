// Slices as the place where values go: TensorStridedSliceUpdate, StridedSliceAssign,
// ResourceStridedSliceAssign, StridedSliceGrad.
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/strided_slice.h"

namespace cryograph {
namespace {

// target[slice] = values. `target` is nobody else's. A slice without elements takes values of any shape.
absl::Status Write(const StridedSliceSpec& spec, const Value& values, Value* target) {
  ASSIGN_OR_RETURN(const int64_t count, NumElements(spec.output_shape));
  if (count == 0) return absl::OkStatus();
  if (values.shape() != spec.output_shape) {
    return absl::InvalidArgumentError(absl::StrCat("the slice is ", ShapeText(spec.output_shape),
                                                   ", but the values are ", ShapeText(values.shape())));
  }
  return DispatchWidth(target->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    ScatterStrided(values.data<T>(), spec.taken, spec.steps, target->mutable_data<T>() + spec.offset);
    return absl::OkStatus();
  });
}

// Inputs: what is written to, begin, end, strides, values.
class StridedSliceUpdateKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    in_variable_ = node.op() != "TensorStridedSliceUpdate";
    return masks_.Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    if (!in_variable_) {
      Value result = context.input(0);
      RETURN_IF_ERROR(Update(context, &result));
      context.SetOutput(0, std::move(result));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto variable, ObjectOf<Variable>(context.input(0)));
    RETURN_IF_ERROR(variable->Update([&](Value& value) -> absl::Status {
      if (!value.has_value()) {
        return absl::FailedPreconditionError(
            absl::StrCat("variable '", variable->name(), "' is not initialized"));
      }
      if (value.dtype() != context.input(4).dtype()) {
        return absl::InvalidArgumentError(absl::StrCat("variable '", variable->name(), "' is ",
                                                       ValueText(value), ", not ",
                                                       DataTypeName(context.input(4).dtype())));
      }
      return Update(context, &value);
    }));
    if (context.num_outputs() > 0) context.SetOutput(0, context.input(0));
    return absl::OkStatus();
  }

 private:
  absl::Status Update(KernelContext& context, Value* target) const {
    ASSIGN_OR_RETURN(
        const StridedSliceSpec spec,
        StridedSliceSpec::Of(target->shape(), context.input(1), context.input(2), context.input(3), masks_));
    if (!target->writable_alone()) {
      ASSIGN_OR_RETURN(*target, target->Copy(context.pool()));
    }
    return Write(spec, context.input(4), target);
  }

  StridedSliceMasks masks_;
  bool in_variable_ = false;
};
CRYOGRAPH_KERNEL(StridedSliceUpdateKernel, "ResourceStridedSliceAssign", "StridedSliceAssign",
                 "TensorStridedSliceUpdate");

// Inputs: the shape of what was sliced, begin, end, strides, the slice's gradient.
class StridedSliceGradKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return masks_.Init(node); }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectVector(context.input(0), "shape"));
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "shape"));
    RETURN_IF_ERROR(NumElements(shape).status());
    ASSIGN_OR_RETURN(
        const StridedSliceSpec spec,
        StridedSliceSpec::Of(shape, context.input(1), context.input(2), context.input(3), masks_));
    const Value& gradient = context.input(4);
    if (gradient.shape() != spec.output_shape) {
      return absl::InvalidArgumentError(absl::StrCat("the slice is ", ShapeText(spec.output_shape),
                                                     ", but dy is ", ShapeText(gradient.shape())));
    }
    ASSIGN_OR_RETURN(Value result, ZerosOf(gradient.dtype(), shape, context.pool()));
    RETURN_IF_ERROR(Write(spec, gradient, &result));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  StridedSliceMasks masks_;
};
CRYOGRAPH_KERNEL(StridedSliceGradKernel, "StridedSliceGrad");

}  // namespace
}  // namespace cryograph
