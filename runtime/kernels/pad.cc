// Pad, PadV2, MirrorPad.
#include <algorithm>
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/strided_copy.h"

namespace cryograph {
namespace {

// The operand of n rows [before, after], one for each dimension.
struct Paddings {
  Shape before, after, shape;  // `shape`: of the padded tensor.

  static absl::StatusOr<Paddings> Of(const Value& input, const Value& operand) {
    if (operand.rank() != 2 || operand.dim(1) != 2 || operand.dim(0) != input.rank()) {
      return absl::InvalidArgumentError(
          absl::StrCat("paddings must be of shape [", input.rank(), ",2], not ", ShapeText(operand.shape())));
    }
    ASSIGN_OR_RETURN(const Shape flat, IntVector(operand.Reshaped({operand.num_elements()}), "the paddings"));
    Paddings paddings;
    for (int d = 0; d < input.rank(); ++d) {
      const int64_t before = flat[2 * d], after = flat[2 * d + 1];
      int64_t size = input.dim(d);
      if (before < 0 || after < 0) {
        return absl::InvalidArgumentError(absl::StrCat("paddings of dimension ", d, " must not be negative"));
      }
      if (__builtin_add_overflow(size, before, &size) || __builtin_add_overflow(size, after, &size)) {
        return absl::InvalidArgumentError("the paddings are too large");
      }
      paddings.before.push_back(before);
      paddings.after.push_back(after);
      paddings.shape.push_back(size);
    }
    return paddings;
  }

  bool empty() const {
    return std::all_of(before.begin(), before.end(), [](int64_t n) { return n == 0; }) &&
           std::all_of(after.begin(), after.end(), [](int64_t n) { return n == 0; });
  }
};

absl::Status Pad(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(const Paddings paddings, Paddings::Of(input, context.input(1)));
  if (context.num_inputs() > 2) RETURN_IF_ERROR(ExpectScalar(context.input(2), "the value to pad with"));
  if (paddings.empty()) {
    context.SetOutput(0, input);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, paddings.shape));
  const Strides strides = StridesOf(paddings.shape);
  int64_t offset = 0;
  for (size_t d = 0; d < strides.size(); ++d) offset += paddings.before[d] * strides[d];
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const auto values = output->mutable_span<T>();
    std::fill(values.begin(), values.end(), context.num_inputs() > 2 ? context.input(2).scalar<T>() : T());
    if (input.num_elements() > 0) {
      ScatterStrided(input.data<T>(), input.shape(), strides, output->mutable_data<T>() + offset);
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Pad, "Pad", "PadV2");

class MirrorPadKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string mode;
    RETURN_IF_ERROR(node.Attr("mode", &mode));
    if (mode != "REFLECT" && mode != "SYMMETRIC") {
      return absl::InvalidArgumentError("mode must be either REFLECT or SYMMETRIC");
    }
    edge_ = mode == "REFLECT" ? 1 : 0;
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const Paddings paddings, Paddings::Of(input, context.input(1)));
    for (int d = 0; d < input.rank(); ++d) {
      const int64_t most = input.dim(d) - edge_;
      if (std::max(paddings.before[d], paddings.after[d]) > std::max<int64_t>(most, 0)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "paddings of dimension ", d, " must be no greater than ", std::max<int64_t>(most, 0)));
      }
    }
    if (paddings.empty()) {
      context.SetOutput(0, input);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, paddings.shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    // Where in the input each place of each dimension comes from.
    const Strides strides = StridesOf(input.shape());
    std::vector<std::vector<int64_t>> sources(input.shape().size());
    for (int d = 0; d < input.rank(); ++d) {
      const int64_t size = input.dim(d);
      for (int64_t i = 0; i < paddings.shape[d]; ++i) {
        int64_t place = i - paddings.before[d];
        if (place < 0) place = -place - 1 + edge_;
        if (place >= size) place = 2 * size - 1 - place - edge_;
        sources[d].push_back(place * strides[d]);
      }
    }
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* in = input.data<T>();
      T* out = output->mutable_data<T>();
      const int last = input.rank() - 1;
      Shape place(input.shape().size(), 0);
      for (;;) {
        int64_t base = 0;
        for (int d = 0; d < last; ++d) base += sources[d][place[d]];
        for (const int64_t source : sources[last]) *out++ = in[base + source];
        int d = last - 1;
        for (; d >= 0; --d) {
          if (++place[d] < paddings.shape[d]) break;
          place[d] = 0;
        }
        if (d < 0) return absl::OkStatus();
      }
    });
  }

 private:
  int64_t edge_ = 0;  // REFLECT leaves the edge out.
};
CRYOGRAPH_KERNEL(MirrorPadKernel, "MirrorPad");

}  // namespace
}  // namespace cryograph
