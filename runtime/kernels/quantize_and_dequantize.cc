// QuantizeAndDequantize, V2, V3: reals as they would be after a passage through integers of num_bits.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"

namespace cryograph {
namespace {

class QuantizeAndDequantizeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<FloatTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    version_ = node.op() == "QuantizeAndDequantize" ? 1 : node.op() == "QuantizeAndDequantizeV2" ? 2 : 3;
    RETURN_IF_ERROR(node.Attr("signed_input", &signed_));
    RETURN_IF_ERROR(node.Attr("range_given", &range_given_));
    if (version_ != 3) {
      RETURN_IF_ERROR(node.Attr("num_bits", &bits_));
      RETURN_IF_ERROR(CheckBits(bits_));
    }
    if (version_ == 1) {
      RETURN_IF_ERROR(node.Attr("input_min", &min_));
      RETURN_IF_ERROR(node.Attr("input_max", &max_));
      if (range_given_) RETURN_IF_ERROR(CheckRange(min_, max_));
      return absl::OkStatus();
    }
    // Attributes that are younger than the ops.
    if (node.attr("narrow_range").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("narrow_range", &narrow_));
    }
    if (node.attr("axis").kind() != AttrView::kNone) RETURN_IF_ERROR(node.Attr("axis", &axis_));
    if (axis_ < -1) return absl::InvalidArgumentError(absl::StrCat("axis ", axis_, " is below -1"));
    if (version_ == 2 && node.attr("round_mode").kind() != AttrView::kNone) {
      std::string round_mode;
      RETURN_IF_ERROR(node.Attr("round_mode", &round_mode));
      half_up_ = round_mode == "HALF_UP";
      if (!half_up_ && round_mode != "HALF_TO_EVEN") {
        return absl::InvalidArgumentError(
            absl::StrCat("round_mode '", round_mode, "' is neither HALF_TO_EVEN nor HALF_UP"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    int64_t bits = bits_;
    if (version_ == 3) {
      if (context.input(3).num_elements() != 1) {
        return absl::InvalidArgumentError("num_bits must be one number");
      }
      bits = *context.input(3).data<int32_t>();
      RETURN_IF_ERROR(CheckBits(bits));
    }
    int axis = -1;
    if (axis_ >= 0) {
      ASSIGN_OR_RETURN(axis, NormalizeAxis(axis_, input.rank()));
    }
    const AxisLoop loop(input.shape(), axis);
    const int64_t ranges = axis < 0 ? 1 : loop.size;
    // TensorFlow does not look at a range that it measures itself.
    if (version_ > 1 && (range_given_ || axis >= 0)) {
      for (const int i : {1, 2}) {
        if (context.input(i).rank() != (axis < 0 ? 0 : 1) || context.input(i).num_elements() != ranges) {
          return absl::InvalidArgumentError(
              absl::StrCat("input_min and input_max must be ", axis < 0 ? "scalars" : "as long as the axis",
                           ", and have shapes ", ShapeText(context.input(1).shape()), " and ",
                           ShapeText(context.input(2).shape())));
        }
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, input.shape()));
    if (input.num_elements() == 0) return absl::OkStatus();
    return DispatchType<FloatTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (int64_t r = 0; r < ranges; ++r) {
        RETURN_IF_ERROR(OneRange<T>(context, bits, loop, axis < 0, r, output));
      }
      return absl::OkStatus();
    });
  }

 private:
  absl::Status CheckBits(int64_t bits) const {
    const int64_t most = signed_ ? 62 : 63;
    if (bits >= 1 && bits <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("num_bits is ", bits, ", which is not in [1, ", most, "]"));
  }

  static absl::Status CheckRange(double min, double max) {
    if (min <= max) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("input_min ", min, " is above input_max ", max));
  }

  // Quantizes the elements of range `r`: slice r of the axis, or all.
  template <typename T>
  absl::Status OneRange(KernelContext& context, int64_t bits, const AxisLoop& loop, bool all, int64_t r,
                        Value* output) const {
    using Real = std::conditional_t<std::is_same<T, double>::value, double, float>;
    const T* x = context.input(0).data<T>();
    T* y = output->mutable_data<T>();
    const int64_t outer = all ? 1 : loop.outer, run = all ? context.input(0).num_elements() : loop.inner;
    const auto for_each = [&](auto body) {
      for (int64_t o = 0; o < outer; ++o) {
        const int64_t from = all ? 0 : (o * loop.size + r) * loop.inner;
        for (int64_t i = from; i < from + run; ++i) body(i);
      }
    };
    Real min = std::numeric_limits<Real>::infinity(), max = -min;
    if (!range_given_) {
      for_each([&](int64_t i) {
        min = std::min(min, Real(x[i]));
        max = std::max(max, Real(x[i]));
      });
    } else if (version_ == 1) {
      min = Real(T(min_));
      max = Real(T(max_));
    } else {
      min = Real(context.input(1).data<T>()[r]);
      max = Real(context.input(2).data<T>()[r]);
      RETURN_IF_ERROR(CheckRange(min, max));
    }
    const int64_t half = int64_t{1} << (bits - 1);
    const Real lowest = signed_ ? static_cast<Real>(narrow_ ? 1 - half : -half) : Real(0);
    const Real highest = signed_ ? static_cast<Real>(half - 1) : static_cast<Real>(half - 1 + half);
    constexpr Real kNone = std::numeric_limits<Real>::max();
    const Real by_min = lowest * min > 0 ? lowest / min : kNone;
    const Real by_max = highest * max > 0 ? highest / max : kNone;
    Real scale, inverse;
    if (by_min < by_max) {
      scale = by_min;
      inverse = min / lowest;
      max = highest * inverse;
    } else {
      scale = by_max;
      inverse = highest == 0 ? Real(0) : max / highest;
      min = lowest * inverse;
    }
    for_each([&](int64_t i) {
      Real v = Real(x[i]);
      if (range_given_) v = std::min(std::max(v, min), max);
      v *= scale;
      y[i] = T((half_up_ ? std::floor(v + Real(0.5)) : std::nearbyint(v)) * inverse);
    });
    return absl::OkStatus();
  }

  int version_ = 1;
  bool signed_ = true, range_given_ = false, narrow_ = false, half_up_ = false;
  int64_t bits_ = 8, axis_ = -1;
  float min_ = 0, max_ = 0;
};
CRYOGRAPH_KERNEL(QuantizeAndDequantizeKernel, "QuantizeAndDequantize", "QuantizeAndDequantizeV2",
                 "QuantizeAndDequantizeV3");

}  // namespace
}  // namespace cryograph
