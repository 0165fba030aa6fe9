// RequantizationRange, Requantize, QuantizeDownAndShrinkRange: from 32-bit codes to few bits.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "runtime/kernel.h"
#include "runtime/kernels/quantized.h"

namespace cryograph {
namespace {

// The reals that the tensor's own codes span, zero among them at the lower end.
QuantizedRange UsedRange(const Value& input, const QuantizedRange& range) {
  if (input.num_elements() == 0) return {0, 0};
  const absl::Span<const int32_t> codes = input.span<int32_t>();
  const auto ends = std::minmax_element(codes.begin(), codes.end());
  return {std::min(0.0f, range.Real<int32_t>(*ends.first)), range.Real<int32_t>(*ends.second)};
}

class RequantizationRangeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    return node.input_type(0) == DT_QINT32 ? absl::OkStatus() : node.UnsupportedType(node.input_type(0));
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const QuantizedRange range, RangeInput(context, 1, 2, true));
    return SetRangeOutput(context, 0, UsedRange(context.input(0), range));
  }
};
CRYOGRAPH_KERNEL(RequantizationRangeKernel, "RequantizationRange");

class RequantizeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    shrink_ = node.op() == "QuantizeDownAndShrinkRange";
    if (node.input_type(0) != DT_QINT32) return node.UnsupportedType(node.input_type(0));
    if (node.output_type(0) != DT_QUINT8 && node.output_type(0) != DT_QINT8) {
      return node.UnsupportedType(node.output_type(0));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const QuantizedRange from, RangeInput(context, 1, 2));
    QuantizedRange to;
    if (shrink_) {
      to = UsedRange(input, from);
    } else {
      ASSIGN_OR_RETURN(to, RangeInput(context, 3, 4));
      if (!(to.min <= 0)) {
        return absl::InvalidArgumentError(absl::StrCat("requested_output_min must be <= 0, and is ", to.min));
      }
      if (!(to.max >= to.min)) {
        return absl::InvalidArgumentError(
            absl::StrCat("requested_output_max ", to.max, " is below requested_output_min ", to.min));
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    const int32_t* x = input.data<int32_t>();
    DispatchQuantized(output->dtype(), [&](auto code) {
      using T = decltype(code);
      const double step = (static_cast<double>(from.max) - from.min) / 4294967296.0;
      const double span = static_cast<double>(to.max) - to.min;
      const double scale = span == 0 ? 0 : 255.0 / span;
      const double low = std::round(to.min * scale) - LowestCode<T>();
      T* y = output->mutable_data<T>();
      context.ParallelFor(input.num_elements(), 2.0, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          y[i] = ClampToCode<T>(std::floor(x[i] * step * scale + 0.5) - low);
        }
      });
    });
    return SetRangeOutput(context, 1, to);
  }

 private:
  bool shrink_ = false;
};
CRYOGRAPH_KERNEL(RequantizeKernel, "QuantizeDownAndShrinkRange", "Requantize");

}  // namespace
}  // namespace cryograph
