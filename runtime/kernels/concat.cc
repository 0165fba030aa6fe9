// Concat, ConcatV2, Pack, ConcatOffset.
#include <algorithm>
#include <cstdint>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"

namespace cryograph {
namespace {

// Joins inputs [first, first + count) along `axis` of `shape`, the output's; they differ in that dimension
// alone.
absl::Status Join(KernelContext& context, int first, int count, const Shape& shape, int axis) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  if (output->num_elements() == 0) return absl::OkStatus();
  const AxisLoop loop(shape, axis);
  return DispatchWidth(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    T* out = output->mutable_data<T>();
    for (int k = first; k < first + count; ++k) {
      const Value& input = context.input(k);
      if (input.num_elements() == 0) continue;
      const int64_t run = input.num_elements() / loop.outer;
      const T* in = input.data<T>();
      for (int64_t outer = 0; outer < loop.outer; ++outer) {
        std::copy(in + outer * run, in + (outer + 1) * run, out + outer * loop.size * loop.inner);
      }
      out += run;
    }
    return absl::OkStatus();
  });
}

class ConcatKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    axis_first_ = node.op() == "Concat";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const int count = context.num_inputs() - 1, first = axis_first_ ? 1 : 0;
    if (count < 1) return absl::InvalidArgumentError("nothing to concatenate");
    const Value& axis_value = context.input(axis_first_ ? 0 : count);
    RETURN_IF_ERROR(ExpectScalar(axis_value, "the axis"));
    ASSIGN_OR_RETURN(const int64_t axis_given, ScalarInt(axis_value, "the axis"));
    Shape shape = context.input(first).shape();
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_given, static_cast<int>(shape.size())));
    for (int k = first + 1; k < first + count; ++k) {
      const Shape& other = context.input(k).shape();
      bool fits = other.size() == shape.size();
      for (size_t d = 0; fits && d < shape.size(); ++d) {
        fits = static_cast<int>(d) == axis || other[d] == shape[d];
      }
      if (!fits) {
        return absl::InvalidArgumentError(absl::StrCat("shapes ", ShapeText(context.input(first).shape()),
                                                       " and ", ShapeText(other), " do not fit along axis ",
                                                       axis));
      }
      if (__builtin_add_overflow(shape[axis], other[axis], &shape[axis])) {
        return absl::InvalidArgumentError("the result is too large");
      }
    }
    return Join(context, first, count, shape, axis);
  }

 private:
  bool axis_first_ = false;
};
CRYOGRAPH_KERNEL(ConcatKernel, "Concat", "ConcatV2");

class PackKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("axis", &axis_); }

  absl::Status Compute(KernelContext& context) const override {
    Shape shape = context.input(0).shape();
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_, static_cast<int>(shape.size()) + 1));
    for (int k = 1; k < context.num_inputs(); ++k) {
      RETURN_IF_ERROR(ExpectSameShape(context.input(0), context.input(k)));
    }
    shape.insert(shape.begin() + axis, context.num_inputs());
    return Join(context, 0, context.num_inputs(), shape, axis);
  }

 private:
  int64_t axis_ = 0;
};
CRYOGRAPH_KERNEL(PackKernel, "Pack");

// Where each of several shapes begins when they are concatenated along an axis.
absl::Status ConcatOffset(KernelContext& context) {
  ASSIGN_OR_RETURN(const int64_t axis_given, ScalarInt(context.input(0), "the axis"));
  const Value& first = context.input(1);
  RETURN_IF_ERROR(ExpectVector(first, "a shape"));
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_given, static_cast<int>(first.num_elements())));
  for (int k = 1; k < context.num_inputs(); ++k) {
    RETURN_IF_ERROR(ExpectSameShape(first, context.input(k)));
  }
  ASSIGN_OR_RETURN(const Shape reference, IntVector(first, "a shape"));
  int64_t offset = 0;
  for (int k = 1; k < context.num_inputs(); ++k) {
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(k), "a shape"));
    Shape offsets(shape.size(), 0);
    for (size_t d = 0; d < shape.size(); ++d) {
      if (static_cast<int>(d) == axis) {
        offsets[d] = offset;
      } else if (shape[d] != reference[d]) {
        return absl::InvalidArgumentError(absl::StrCat("shapes ", ShapeText(reference), " and ",
                                                       ShapeText(shape), " differ outside of the axis"));
      }
    }
    // Numbers of a shape that nobody has checked; in TensorFlow they wrap, too.
    offset = static_cast<int64_t>(static_cast<uint64_t>(offset) + static_cast<uint64_t>(shape[axis]));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(k - 1, first.shape()));
    RETURN_IF_ERROR(DispatchType<IndexTypes>(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      std::copy(offsets.begin(), offsets.end(), output->mutable_data<T>());
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ConcatOffset, "ConcatOffset");

}  // namespace
}  // namespace cryograph
