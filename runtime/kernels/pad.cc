// Pad, PadV2, MirrorPad, MirrorPadGrad.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/element_lists.h"
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

class MirrorPadKernel : public Kernel {
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
    RETURN_IF_ERROR(CheckPaddings(input.shape(), paddings));
    if (paddings.empty()) {
      context.SetOutput(0, input);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, paddings.shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    const std::vector<std::vector<int64_t>> sources = Sources(input.shape(), paddings);
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* in = input.data<T>();
      T* out = output->mutable_data<T>();
      ForEachSource(sources, [&](int64_t source) { *out++ = in[source]; });
      return absl::OkStatus();
    });
  }

 protected:
  absl::Status CheckPaddings(const Shape& shape, const Paddings& paddings) const {
    for (size_t d = 0; d < shape.size(); ++d) {
      const int64_t most = std::max<int64_t>(shape[d] - edge_, 0);
      if (std::max(paddings.before[d], paddings.after[d]) > most) {
        return absl::InvalidArgumentError(
            absl::StrCat("paddings of dimension ", d, " must be no greater than ", most));
      }
    }
    return absl::OkStatus();
  }

  // Where in a tensor of `shape` each place of each dimension of the padded one comes from.
  std::vector<std::vector<int64_t>> Sources(const Shape& shape, const Paddings& paddings) const {
    const Strides strides = StridesOf(shape);
    std::vector<std::vector<int64_t>> sources(shape.size());
    for (size_t d = 0; d < shape.size(); ++d) {
      const int64_t size = shape[d];
      for (int64_t i = 0; i < paddings.shape[d]; ++i) {
        int64_t place = i - paddings.before[d];
        if (place < 0) place = -place - 1 + edge_;
        if (place >= size) place = 2 * size - 1 - place - edge_;
        sources[d].push_back(place * strides[d]);
      }
    }
    return sources;
  }

  // function(source of each element of the padded tensor), in order; it has elements.
  template <typename Function>
  static void ForEachSource(const std::vector<std::vector<int64_t>>& sources, Function function) {
    if (sources.empty()) return function(0);
    const int last = static_cast<int>(sources.size()) - 1;
    std::vector<size_t> place(sources.size(), 0);
    for (;;) {
      int64_t base = 0;
      for (int d = 0; d < last; ++d) base += sources[d][place[d]];
      for (const int64_t source : sources[last]) function(base + source);
      int d = last - 1;
      for (; d >= 0; --d) {
        if (++place[d] < sources[d].size()) break;
        place[d] = 0;
      }
      if (d < 0) return;
    }
  }

 private:
  int64_t edge_ = 0;  // REFLECT leaves the edge out.
};
CRYOGRAPH_KERNEL(MirrorPadKernel, "MirrorPad");

// What was mirrored adds up where it came from.
class MirrorPadGradKernel final : public MirrorPadKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& gradient = context.input(0);
    ASSIGN_OR_RETURN(Paddings paddings, Paddings::Of(gradient, context.input(1)));
    Shape shape = gradient.shape();
    for (size_t d = 0; d < shape.size(); ++d) {
      shape[d] -= paddings.before[d] + paddings.after[d];
      if (shape[d] < 0) {
        return absl::InvalidArgumentError(absl::StrCat("the paddings of dimension ", d, " are more than its ",
                                                       gradient.dim(static_cast<int>(d))));
      }
    }
    paddings.shape = gradient.shape();
    RETURN_IF_ERROR(CheckPaddings(shape, paddings));
    ASSIGN_OR_RETURN(Value result, ZerosOf(gradient.dtype(), shape, context.pool()));
    if (gradient.num_elements() > 0) {
      const std::vector<std::vector<int64_t>> sources = Sources(shape, paddings);
      RETURN_IF_ERROR(DispatchType<NumberTypes>(gradient.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        using A = Arithmetic<T>;
        const T* in = gradient.data<T>();
        T* out = result.mutable_data<T>();
        ForEachSource(sources, [&](int64_t source) {
          out[source] = static_cast<T>(static_cast<A>(out[source]) + static_cast<A>(*in++));
        });
        return absl::OkStatus();
      }));
    }
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }
};
CRYOGRAPH_KERNEL(MirrorPadGradKernel, "MirrorPadGrad");

}  // namespace
}  // namespace cryograph
