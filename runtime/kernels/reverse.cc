// ReverseV2, Reverse, ReverseSequence, Roll.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"
#include "runtime/kernels/strided_copy.h"

namespace cryograph {
namespace {

absl::Status ReverseDims(KernelContext& context, absl::Span<const bool> reversed) {
  const Value& input = context.input(0);
  if (input.num_elements() == 0) return context.AllocateOutput(0, input.shape()).status();
  Strides steps = StridesOf(input.shape());
  int64_t offset = 0;
  for (size_t d = 0; d < steps.size(); ++d) {
    if (!reversed[d]) continue;
    offset += (input.shape()[d] - 1) * steps[d];
    steps[d] = -steps[d];
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    GatherStrided(input.data<T>() + offset, input.shape(), steps, output->mutable_data<T>());
    return absl::OkStatus();
  });
}

absl::Status ReverseV2(KernelContext& context) {
  const Value& input = context.input(0);
  RETURN_IF_ERROR(ExpectVector(context.input(1), "the axes"));
  ASSIGN_OR_RETURN(const Shape axes, IntVector(context.input(1), "the axes"));
  absl::InlinedVector<bool, 8> reversed(input.shape().size(), false);
  for (const int64_t given : axes) {
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, input.rank()));
    if (reversed[axis])
      return absl::InvalidArgumentError(absl::StrCat("axis ", axis, " specified more than once"));
    reversed[axis] = true;
  }
  return ReverseDims(context, reversed);
}
CRYOGRAPH_KERNEL_FUNCTION(ReverseV2, "ReverseV2");

absl::Status Reverse(KernelContext& context) {
  const Value& flags = context.input(1);
  if (!flags.is_vector() || flags.num_elements() != context.input(0).rank()) {
    return absl::InvalidArgumentError("there must be one flag for each dimension");
  }
  return ReverseDims(context, flags.span<bool>());
}
CRYOGRAPH_KERNEL_FUNCTION(Reverse, "Reverse");

class ReverseSequenceKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("seq_dim", &sequence_dim_));
    return node.Attr("batch_dim", &batch_dim_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    if (input.rank() > 5) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input has ", input.rank(), " dimensions; TensorFlow takes 5 at most"));
    }
    RETURN_IF_ERROR(ExpectVector(context.input(1), "the lengths"));
    ASSIGN_OR_RETURN(const Shape lengths, IntVector(context.input(1), "the lengths"));
    if (sequence_dim_ < 0 || sequence_dim_ >= input.rank() || batch_dim_ < 0 || batch_dim_ >= input.rank() ||
        sequence_dim_ == batch_dim_) {
      return absl::InvalidArgumentError("seq_dim and batch_dim must be two dimensions of the input");
    }
    const int sequence = static_cast<int>(sequence_dim_), batch = static_cast<int>(batch_dim_);
    if (static_cast<int64_t>(lengths.size()) != input.dim(batch)) {
      return absl::InvalidArgumentError(
          absl::StrCat(lengths.size(), " lengths for a batch of ", input.dim(batch)));
    }
    for (const int64_t length : lengths) {
      if (length < 0 || length > input.dim(sequence)) {
        return absl::InvalidArgumentError(
            absl::StrCat("length ", length, " is not in [0, ", input.dim(sequence), "]"));
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    const AxisLoop along(input.shape(), sequence), beside(input.shape(), batch);
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* in = input.data<T>();
      T* out = output->mutable_data<T>();
      for (int64_t i = 0; i < input.num_elements(); ++i) {
        const int64_t step = i / along.inner % along.size;
        const int64_t length = lengths[i / beside.inner % beside.size];
        out[i] = in[step < length ? i + (length - 1 - 2 * step) * along.inner : i];
      }
      return absl::OkStatus();
    });
  }

 private:
  int64_t sequence_dim_ = 0, batch_dim_ = 0;
};
CRYOGRAPH_KERNEL(ReverseSequenceKernel, "ReverseSequence");

absl::Status Roll(KernelContext& context) {
  const Value& input = context.input(0);
  if (input.rank() == 0) return absl::InvalidArgumentError("the input must be at least a vector");
  ASSIGN_OR_RETURN(const Shape shifts, IntVector(context.input(1), "the shifts"));
  ASSIGN_OR_RETURN(const Shape axes, IntVector(context.input(2), "the axes"));
  if (shifts.size() != axes.size())
    return absl::InvalidArgumentError("shift and axis must have the same size");
  Shape total(input.shape().size(), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axes[i], input.rank()));
    const int64_t size = std::max<int64_t>(input.dim(axis), 1);
    total[axis] = ((total[axis] + shifts[i] % size) % size + size) % size;
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  if (output->num_elements() == 0) return absl::OkStatus();
  const Strides strides = StridesOf(input.shape());
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T* in = input.data<T>();
    T* out = output->mutable_data<T>();
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      int64_t to = i;
      for (size_t d = 0; d < total.size(); ++d) {
        if (total[d] == 0) continue;
        const int64_t place = i / strides[d] % input.shape()[d];
        const int64_t moved = place + total[d] < input.shape()[d] ? total[d] : total[d] - input.shape()[d];
        to += moved * strides[d];
      }
      out[to] = in[i];
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Roll, "Roll");

}  // namespace
}  // namespace cryograph
