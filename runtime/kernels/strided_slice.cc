// StridedSlice.
#include "runtime/kernels/strided_slice.h"

#include <algorithm>

#include "runtime/dispatch.h"

namespace cryograph {

absl::Status StridedSliceMasks::Init(const NodeInfo& node) {
  RETURN_IF_ERROR(node.Attr("begin_mask", &begin));
  RETURN_IF_ERROR(node.Attr("end_mask", &end));
  RETURN_IF_ERROR(node.Attr("ellipsis_mask", &ellipsis));
  RETURN_IF_ERROR(node.Attr("new_axis_mask", &new_axis));
  RETURN_IF_ERROR(node.Attr("shrink_axis_mask", &shrink_axis));
  const uint64_t bits = static_cast<uint64_t>(ellipsis);
  if ((bits & (bits - 1)) != 0) {
    return absl::InvalidArgumentError("more than one ellipsis in a slice");
  }
  return absl::OkStatus();
}

absl::StatusOr<StridedSliceSpec> StridedSliceSpec::Of(const Shape& shape, const Value& begin_value,
                                                      const Value& end_value, const Value& strides_value,
                                                      const StridedSliceMasks& masks) {
  for (const Value* value : {&begin_value, &end_value, &strides_value}) {
    RETURN_IF_ERROR(ExpectVector(*value, "begin, end and strides"));
  }
  ASSIGN_OR_RETURN(const Shape begin, IntVector(begin_value, "begin"));
  ASSIGN_OR_RETURN(const Shape end, IntVector(end_value, "end"));
  ASSIGN_OR_RETURN(const Shape strides, IntVector(strides_value, "strides"));
  if (begin.size() != end.size() || begin.size() != strides.size()) {
    return absl::InvalidArgumentError("begin, end and strides have different lengths");
  }
  // Masks have a bit for each of 32 entries; those behind them have none.
  const auto has = [](int64_t mask, size_t i) { return i < 32 && ((mask >> i) & 1) != 0; };
  size_t new_axes_after_ellipsis = 0;
  bool seen_ellipsis = false;
  for (size_t i = 0; i < begin.size(); ++i) {
    if (has(masks.ellipsis, i)) {
      seen_ellipsis = true;
    } else if (seen_ellipsis && has(masks.new_axis, i)) {
      ++new_axes_after_ellipsis;
    }
  }
  const Strides input_steps = StridesOf(shape);
  StridedSliceSpec spec;
  size_t axis = 0;
  const auto take_full = [&] {
    spec.taken.push_back(shape[axis]);
    spec.steps.push_back(input_steps[axis]);
    spec.output_shape.push_back(shape[axis]);
    ++axis;
  };
  for (size_t i = 0; i < begin.size(); ++i) {
    if (has(masks.ellipsis, i)) {
      const size_t entries_left = begin.size() - i - 1 - new_axes_after_ellipsis;
      while (axis + entries_left < shape.size()) take_full();
      continue;
    }
    if (has(masks.new_axis, i)) {
      spec.output_shape.push_back(1);
      continue;
    }
    if (axis >= shape.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("too many entries for the ", shape.size(), " dimensions of ", ShapeText(shape)));
    }
    const int64_t size = shape[axis], stride = strides[i];
    if (stride == 0) return absl::InvalidArgumentError(absl::StrCat("strides[", i, "] must not be 0"));
    if (has(masks.shrink_axis, i)) {
      const int64_t index = begin[i] < 0 ? begin[i] + size : begin[i];
      if (stride < 0)
        return absl::InvalidArgumentError("a stride must be positive where one element is taken");
      if (index < 0 || index >= size) {
        return absl::InvalidArgumentError(
            absl::StrCat("slice index ", begin[i], " of dimension ", axis, " out of bounds"));
      }
      spec.offset += index * input_steps[axis];
      spec.taken.push_back(1);
      spec.steps.push_back(0);
      ++axis;
      continue;
    }
    const int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? size : size - 1;
    const auto bound = [&](int64_t given) {
      return std::min(std::max(given < 0 ? given + size : given, low), high);
    };
    const int64_t first = has(masks.begin, i) ? (stride > 0 ? low : high) : bound(begin[i]);
    const int64_t last = has(masks.end, i) ? (stride > 0 ? high : low) : bound(end[i]);
    const int64_t distance = last - first;
    const int64_t count = distance == 0 || (distance < 0) != (stride < 0)
                              ? 0
                              : distance / stride + (distance % stride != 0 ? 1 : 0);
    if (count > 0) spec.offset += first * input_steps[axis];
    spec.taken.push_back(count);
    // A single element needs no step, and the step of a huge stride would overflow.
    spec.steps.push_back(count > 1 ? stride * input_steps[axis] : 0);
    spec.output_shape.push_back(count);
    ++axis;
  }
  while (axis < shape.size()) take_full();
  return spec;
}

namespace {

class StridedSliceKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return masks_.Init(node); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(
        const StridedSliceSpec spec,
        StridedSliceSpec::Of(input.shape(), context.input(1), context.input(2), context.input(3), masks_));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, spec.output_shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      GatherStrided(input.data<T>() + spec.offset, spec.taken, spec.steps, output->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  StridedSliceMasks masks_;
};
CRYOGRAPH_KERNEL(StridedSliceKernel, "StridedSlice");

}  // namespace
}  // namespace cryograph
