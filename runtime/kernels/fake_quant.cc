// FakeQuantWithMinMaxArgs, FakeQuantWithMinMaxVars, FakeQuantWithMinMaxVarsPerChannel: floats as they would
// be after rounding to num_bits; and their gradients.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// The range [low, high], moved so that zero is one of its steps.
struct Steps {
  float low = 0, high = 0, step = 0, inverse = 0;
  bool zero = false;  // The range was [0, 0]: all results are 0.

  Steps(float min, float max, float code_min, float code_max) : zero(min == 0 && max == 0) {
    step = (max - min) / (code_max - code_min);
    inverse = 1.0f / step;
    const float place = code_min - min / step;  // Of zero, among the codes.
    float code = code_min;
    if (place > code_max) {
      code = code_max;
    } else if (place >= code_min) {
      code = std::floor(place + 0.5f);
    }
    low = (code_min - code) * step;
    high = (code_max - code) * step;
  }

  float operator()(float x) const {
    if (zero) return 0;
    const float clamped = std::max(std::min(x, high), low);
    return std::floor((clamped - low) * inverse + 0.5f) * step + low;
  }
};

class FakeQuantKernel : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    range_is_input_ = !absl::StrContains(node.op(), "Args");
    per_channel_ = absl::StrContains(node.op(), "PerChannel");
    int64_t bits = 0;
    bool narrow = false;
    RETURN_IF_ERROR(node.Attr("num_bits", &bits));
    RETURN_IF_ERROR(node.Attr("narrow_range", &narrow));
    if (bits < 2 || bits > 16) {
      return absl::InvalidArgumentError(absl::StrCat("num_bits is ", bits, ", which is not in [2, 16]"));
    }
    code_min_ = narrow ? 1.0f : 0.0f;
    code_max_ = static_cast<float>((1 << bits) - 1);
    if (range_is_input_) return absl::OkStatus();
    RETURN_IF_ERROR(node.Attr("min", &min_));
    RETURN_IF_ERROR(node.Attr("max", &max_));
    if (!(min_ < max_)) {
      return absl::InvalidArgumentError(absl::StrCat("min ", min_, " is not below max ", max_));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    if (!range_is_input_) return Each(context, OwnSteps());
    const Value& min = context.input(1);
    const Value& max = context.input(2);
    RETURN_IF_ERROR(CheckRange(input, min, max));
    if (!per_channel_) return Each(context, StepsOf(min.scalar<float>(), max.scalar<float>()));
    const int64_t channels = input.dim(input.rank() - 1);
    ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, input.shape()));
    const float* x = input.data<float>();
    float* y = output->mutable_data<float>();
    for (int64_t c = 0; c < channels; ++c) {
      const Steps steps = StepsOf(min.data<float>()[c], max.data<float>()[c]);
      for (int64_t i = c; i < input.num_elements(); i += channels) y[i] = steps(x[i]);
    }
    return absl::OkStatus();
  }

 protected:
  bool range_is_input() const { return range_is_input_; }
  bool per_channel() const { return per_channel_; }
  // The range of the attributes.
  Steps OwnSteps() const { return StepsOf(min_, max_); }
  Steps StepsOf(float min, float max) const { return Steps(min, max, code_min_, code_max_); }

  // That there is one range, or one for each channel of `input`.
  absl::Status CheckRange(const Value& input, const Value& min, const Value& max) const {
    if (!per_channel_) {
      RETURN_IF_ERROR(ExpectScalar(min, "min"));
      return ExpectScalar(max, "max");
    }
    RETURN_IF_ERROR(ExpectVector(min, "min"));
    RETURN_IF_ERROR(ExpectVector(max, "max"));
    if (input.rank() < 1) return absl::InvalidArgumentError("inputs must not be a scalar");
    const int64_t channels = input.dim(input.rank() - 1);
    if (min.dim(0) == channels && max.dim(0) == channels) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("min and max have ", min.dim(0), " and ", max.dim(0),
                                                   " elements for ", channels, " channels"));
  }

 private:
  static absl::Status Each(KernelContext& context, const Steps& steps) {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, input.shape()));
    const float* x = input.data<float>();
    float* y = output->mutable_data<float>();
    context.ParallelFor(input.num_elements(), 1.0, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = steps(x[i]);
    });
    return absl::OkStatus();
  }

  bool range_is_input_ = false, per_channel_ = false;
  float code_min_ = 0, code_max_ = 0, min_ = 0, max_ = 0;
};
CRYOGRAPH_KERNEL(FakeQuantKernel, "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars",
                 "FakeQuantWithMinMaxVarsPerChannel");

// (gradients, inputs[, min, max]): the gradient goes to the input where that is in the range, else to the end
// of the range that it is beyond.
class FakeQuantGradientKernel final : public FakeQuantKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& gradient = context.input(0);
    const Value& input = context.input(1);
    RETURN_IF_ERROR(ExpectSameShape(gradient, input));
    const float* min = nullptr;
    const float* max = nullptr;
    float *min_gradient = nullptr, *max_gradient = nullptr;
    if (range_is_input()) {
      RETURN_IF_ERROR(CheckRange(input, context.input(2), context.input(3)));
      min = context.input(2).data<float>();
      max = context.input(3).data<float>();
      ASSIGN_OR_RETURN(Value * min_output, context.AllocateOutput(1, context.input(2).shape()));
      ASSIGN_OR_RETURN(Value * max_output, context.AllocateOutput(2, context.input(3).shape()));
      min_gradient = min_output->mutable_data<float>();
      max_gradient = max_output->mutable_data<float>();
    }
    ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, input.shape()));
    const int64_t channels = per_channel() ? input.dim(input.rank() - 1) : 1;
    for (int64_t c = 0; c < channels; ++c) {
      const Steps steps = range_is_input() ? StepsOf(min[c], max[c]) : OwnSteps();
      double below = 0, above = 0;
      for (int64_t i = c; i < input.num_elements(); i += channels) {
        const float slope = gradient.data<float>()[i], x = input.data<float>()[i];
        const bool inside = steps.zero || (x >= steps.low && x <= steps.high);
        if (!steps.zero && x < steps.low) below += slope;
        if (!steps.zero && x > steps.high) above += slope;
        output->mutable_data<float>()[i] = inside ? slope : 0;
      }
      if (min_gradient != nullptr) {
        min_gradient[c] = static_cast<float>(below);
        max_gradient[c] = static_cast<float>(above);
      }
    }
    return absl::OkStatus();
  }
};
CRYOGRAPH_KERNEL(FakeQuantGradientKernel, "FakeQuantWithMinMaxArgsGradient",
                 "FakeQuantWithMinMaxVarsGradient", "FakeQuantWithMinMaxVarsPerChannelGradient");

}  // namespace
}  // namespace cryograph
