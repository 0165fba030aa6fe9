// QuantizedConcat: all parts in one range.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"
#include "runtime/kernels/quantized.h"

namespace cryograph {
namespace {

class QuantizedConcatKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const DataType type = node.output_type(0);
    signed_ = type != DT_QUINT8 && type != DT_QUINT16;
    return IsQuantized(type) ? absl::OkStatus() : node.UnsupportedType(type);
  }

  // Inputs: the axis, the parts, their minima, their maxima.
  absl::Status Compute(KernelContext& context) const override {
    const int count = (context.num_inputs() - 1) / 3;
    if (count < 1) return absl::InvalidArgumentError("nothing to concatenate");
    RETURN_IF_ERROR(ExpectScalar(context.input(0), "the axis"));
    ASSIGN_OR_RETURN(const int64_t axis_given, ScalarInt(context.input(0), "the axis"));
    Shape shape = context.input(1).shape();
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_given, static_cast<int>(shape.size())));
    ASSIGN_OR_RETURN(QuantizedRange range, RangeInput(context, 1 + count, 1 + 2 * count));
    for (int k = 1; k < count; ++k) {
      Shape other = context.input(1 + k).shape();
      bool fits = other.size() == shape.size();
      for (int d = 0; fits && d < static_cast<int>(shape.size()); ++d)
        fits = d == axis || other[d] == shape[d];
      if (!fits) {
        return absl::InvalidArgumentError(absl::StrCat("shapes ", ShapeText(shape), " and ", ShapeText(other),
                                                       " do not fit along axis ", axis));
      }
      shape[axis] += other[axis];
      ASSIGN_OR_RETURN(const QuantizedRange part, RangeInput(context, 1 + count + k, 1 + 2 * count + k));
      range = {std::min(range.min, part.min), std::max(range.max, part.max)};
    }
    range.min = std::min(range.min, 0.0f);
    if (signed_) {  // Zero in the middle.
      range.max = std::max(std::abs(range.min), std::abs(range.max));
      range.min = -range.max;
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() > 0) {
      DispatchQuantized(output->dtype(), [&](auto code) {
        using T = decltype(code);
        Join<T>(context, count, AxisLoop(shape, axis), range, output->mutable_data<T>());
      });
    }
    return SetRangeOutput(context, 1, range);
  }

 private:
  template <typename T>
  static void Join(KernelContext& context, int count, const AxisLoop& loop, const QuantizedRange& range,
                   T* out) {
    for (int k = 0; k < count; ++k) {
      const Value& input = context.input(1 + k);
      const QuantizedRange own{*context.input(1 + count + k).data<float>(),
                               *context.input(1 + 2 * count + k).data<float>()};
      const int64_t run = input.num_elements() / loop.outer;
      const T* in = input.data<T>();
      for (int64_t o = 0; o < loop.outer; ++o) {
        T* to = out + o * loop.size * loop.inner;
        if (own == range) {
          std::copy(in + o * run, in + (o + 1) * run, to);
        } else {
          for (int64_t i = 0; i < run; ++i) to[i] = range.Code<T>(own.Real<T>(in[o * run + i]));
        }
      }
      out += run;
    }
  }

  bool signed_ = false;
};
CRYOGRAPH_KERNEL(QuantizedConcatKernel, "QuantizedConcat");

}  // namespace
}  // namespace cryograph
