// FakeQuantWithMinMaxArgs, FakeQuantWithMinMaxVars, FakeQuantWithMinMaxVarsPerChannel: floats as they would
// be after rounding to num_bits.
#include <algorithm>
#include <cmath>
#include <cstdint>

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

class FakeQuantKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    range_is_input_ = node.op() != "FakeQuantWithMinMaxArgs";
    per_channel_ = node.op() == "FakeQuantWithMinMaxVarsPerChannel";
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
    if (!range_is_input_) return Each(context, Steps(min_, max_, code_min_, code_max_));
    const Value& min = context.input(1);
    const Value& max = context.input(2);
    if (!per_channel_) {
      RETURN_IF_ERROR(ExpectScalar(min, "min"));
      RETURN_IF_ERROR(ExpectScalar(max, "max"));
      return Each(context, Steps(min.scalar<float>(), max.scalar<float>(), code_min_, code_max_));
    }
    RETURN_IF_ERROR(ExpectVector(min, "min"));
    RETURN_IF_ERROR(ExpectVector(max, "max"));
    if (input.rank() < 1) return absl::InvalidArgumentError("inputs must not be a scalar");
    const int64_t channels = input.dim(input.rank() - 1);
    if (min.dim(0) != channels || max.dim(0) != channels) {
      return absl::InvalidArgumentError(absl::StrCat("min and max have ", min.dim(0), " and ", max.dim(0),
                                                     " elements for ", channels, " channels"));
    }
    ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, input.shape()));
    const float* x = input.data<float>();
    float* y = output->mutable_data<float>();
    for (int64_t c = 0; c < channels; ++c) {
      const Steps steps(min.data<float>()[c], max.data<float>()[c], code_min_, code_max_);
      for (int64_t i = c; i < input.num_elements(); i += channels) y[i] = steps(x[i]);
    }
    return absl::OkStatus();
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

}  // namespace
}  // namespace cryograph
