// QuantizeV2 and Dequantize: reals to codes and back, in three modes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"
#include "runtime/kernels/quantized.h"

namespace cryograph {
namespace {

enum class Mode { kMinCombined, kMinFirst, kScaled };

absl::StatusOr<Mode> ModeOf(const NodeInfo& node) {
  std::string mode;
  RETURN_IF_ERROR(node.Attr("mode", &mode));
  if (mode == "MIN_COMBINED") return Mode::kMinCombined;
  if (mode == "MIN_FIRST") return Mode::kMinFirst;
  if (mode == "SCALED") return Mode::kScaled;
  return absl::InvalidArgumentError(
      absl::StrCat("mode '", mode, "' is not one of MIN_COMBINED, MIN_FIRST, SCALED"));
}

// -1 if the node has none: the attribute is younger than the ops.
absl::Status ReadAxis(const NodeInfo& node, int64_t* axis) {
  *axis = -1;
  if (node.attr("axis").kind() == AttrView::kNone) return absl::OkStatus();
  RETURN_IF_ERROR(node.Attr("axis", axis));
  if (*axis < -1) return absl::InvalidArgumentError(absl::StrCat("axis ", *axis, " is below -1"));
  return absl::OkStatus();
}

// What is added to codes in mode MIN_COMBINED, so that they begin at 0.
template <typename T>
constexpr float HalfRange() {
  return LowestCode<T>() < 0 ? static_cast<float>((HighestCode<T>() - LowestCode<T>() + 1) / 2) : 0.0f;
}

template <typename T>
class ToReal {
 public:
  ToReal(Mode mode, float min, float max) : mode_(mode), min_(min) {
    scale_ = static_cast<float>((static_cast<double>(max) - min) / (HighestCode<T>() - LowestCode<T>()));
    if (mode == Mode::kMinFirst) {
      min_ = scale_ == 0 ? min : std::round(min / scale_) * scale_;
    } else if (mode == Mode::kScaled) {
      // The end of the range that is farther out for its code; codes without sign have one end only.
      scale_ = max / static_cast<float>(HighestCode<T>());
      if (LowestCode<T>() < 0) scale_ = std::max(scale_, min / static_cast<float>(LowestCode<T>()));
    }
  }

  float operator()(T code) const {
    switch (mode_) {
      case Mode::kMinCombined:
        return (static_cast<float>(code) + HalfRange<T>()) * scale_ + min_;
      case Mode::kMinFirst:
        return static_cast<float>(min_ + (code - LowestCode<T>()) * scale_);
      case Mode::kScaled:
        break;
    }
    const float real = static_cast<float>(code) * scale_;
    // As TensorFlow, which takes the code through a float to an int that cannot hold it.
    return sizeof(T) == 4 && static_cast<double>(code) == HighestCode<T>() ? -real : real;
  }

 private:
  const Mode mode_;
  float min_, scale_;
};

class DequantizeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    ASSIGN_OR_RETURN(mode_, ModeOf(node));
    if (!IsQuantized(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    if (node.output_type(0) != DT_FLOAT && node.output_type(0) != DT_BFLOAT16) {
      return node.UnsupportedType(node.output_type(0));
    }
    to_bfloat16_ = node.output_type(0) == DT_BFLOAT16;
    return ReadAxis(node, &axis_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const Value& min = context.input(1);
    const Value& max = context.input(2);
    int axis = -1;  // One range for all.
    if (axis_ >= 0) {
      ASSIGN_OR_RETURN(axis, NormalizeAxis(axis_, input.rank()));
    }
    const AxisLoop loop(input.shape(), axis);
    const int64_t ranges = axis < 0 ? 1 : loop.size;
    if (min.num_elements() != ranges || max.num_elements() != ranges) {
      return absl::InvalidArgumentError(absl::StrCat("min_range and max_range must have ", ranges,
                                                     " elements, and have ", min.num_elements(), " and ",
                                                     max.num_elements()));
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    if (input.num_elements() == 0) return absl::OkStatus();
    for (int64_t r = 0; r < ranges; ++r) {
      const float low = min.data<float>()[r], high = max.data<float>()[r];
      DispatchQuantized(input.dtype(), [&](auto code) {
        const ToReal<decltype(code)> real(mode_, low, high);
        if (to_bfloat16_) {
          Fill<Bfloat16>(context, input, *output, loop, axis < 0, r, real);
        } else {
          Fill<float>(context, input, *output, loop, axis < 0, r, real);
        }
      });
    }
    return absl::OkStatus();
  }

 private:
  template <typename Out, typename T>
  static void Fill(KernelContext& context, const Value& input, Value& output, const AxisLoop& loop, bool all,
                   int64_t r, const ToReal<T>& real) {
    const T* x = input.data<T>();
    Out* y = output.mutable_data<Out>();
    if (all) {
      context.ParallelFor(input.num_elements(), 1.0, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) y[i] = Out(real(x[i]));
      });
      return;
    }
    for (int64_t o = 0; o < loop.outer; ++o) {
      const int64_t from = (o * loop.size + r) * loop.inner;
      for (int64_t i = from; i < from + loop.inner; ++i) y[i] = Out(real(x[i]));
    }
  }

  Mode mode_ = Mode::kMinCombined;
  int64_t axis_ = -1;
  bool to_bfloat16_ = false;
};
CRYOGRAPH_KERNEL(DequantizeKernel, "Dequantize");

class QuantizeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    ASSIGN_OR_RETURN(mode_, ModeOf(node));
    if (!IsQuantized(node.output_type(0))) return node.UnsupportedType(node.output_type(0));
    std::string round_mode;
    RETURN_IF_ERROR(node.Attr("round_mode", &round_mode));
    half_to_even_ = round_mode == "HALF_TO_EVEN";
    if (!half_to_even_ && round_mode != "HALF_AWAY_FROM_ZERO") {
      return absl::InvalidArgumentError(
          absl::StrCat("round_mode '", round_mode, "' is neither HALF_AWAY_FROM_ZERO nor HALF_TO_EVEN"));
    }
    if (half_to_even_ && mode_ != Mode::kScaled) {
      return absl::InvalidArgumentError("round_mode HALF_TO_EVEN is for mode SCALED only");
    }
    if (node.attr("narrow_range").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("narrow_range", &narrow_));
    }
    if (node.attr("ensure_minimum_range").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("ensure_minimum_range", &minimum_range_));
    }
    int64_t axis;
    RETURN_IF_ERROR(ReadAxis(node, &axis));
    if (axis != -1) return node.UnsupportedAttr("axis", absl::StrCat(axis));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(QuantizedRange range, RangeInput(context, 1, 2, true));
    if (range.min > range.max) {
      return absl::InvalidArgumentError(
          absl::StrCat("min_range ", range.min, " is above max_range ", range.max));
    }
    const float least = std::max(1.0f, std::max(std::abs(range.min), std::abs(range.max))) * minimum_range_;
    range.min = std::min(0.0f, range.min);
    range.max = std::max(0.0f, std::max(range.max, range.min + least));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    DispatchQuantized(output->dtype(), [&](auto code) {
      using T = decltype(code);
      T* y = output->mutable_data<T>();
      const float* x = input.data<float>();
      const auto each = [&](auto to_code) {
        context.ParallelFor(input.num_elements(), 2.0, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) y[i] = to_code(x[i]);
        });
      };
      switch (mode_) {
        case Mode::kMinCombined:
          return each(Combined<T>(range));
        case Mode::kMinFirst:
          return each(MinFirst<T>(range));
        case Mode::kScaled:
          return each(Scaled<T>(&range));
      }
    });
    return SetRangeOutput(context, 1, range);
  }

 private:
  template <typename T>
  static auto Combined(const QuantizedRange& range) {
    const float scale = static_cast<float>((HighestCode<T>() - LowestCode<T>()) /
                                           (static_cast<double>(range.max) - range.min));
    return [range, scale](float x) {
      const float inside = std::min(std::max(x, range.min), range.max);
      const double code = std::round((inside - range.min) * scale - HalfRange<T>());
      // 2^31 - 1 is no float: TensorFlow's conversion of 2^31 gives the lowest code.
      if (sizeof(T) == 4 && code > HighestCode<T>()) return std::numeric_limits<T>::lowest();
      return ClampToCode<T>(code);
    };
  }

  template <typename T>
  static auto MinFirst(const QuantizedRange& range) {
    const float scale = static_cast<float>((HighestCode<T>() - LowestCode<T>()) /
                                           (static_cast<double>(range.max) - range.min));
    const float low = std::round(range.min * scale);
    return [scale, low](float x) {
      return ClampToCode<T>(static_cast<double>(std::round(x * scale)) - low + LowestCode<T>());
    };
  }

  // Changes the range to what the codes can hold.
  template <typename T>
  auto Scaled(QuantizedRange* range) const {
    const float lowest = static_cast<float>(LowestCode<T>() + (narrow_ && LowestCode<T>() < 0 ? 1 : 0));
    const float highest = static_cast<float>(HighestCode<T>());
    float scale = std::numeric_limits<float>::max();
    if (lowest * range->min > 0) scale = std::min(scale, lowest / range->min);
    if (highest * range->max > 0) scale = std::min(scale, highest / range->max);
    *range = {lowest / scale, highest / scale};
    return [range = *range, scale, even = half_to_even_](float x) {
      const float code = std::min(std::max(x, range.min), range.max) * scale;
      return ClampToCode<T>(even ? std::nearbyint(code) : std::round(code));
    };
  }

  Mode mode_ = Mode::kMinCombined;
  bool half_to_even_ = false, narrow_ = false;
  float minimum_range_ = 0.01f;
};
CRYOGRAPH_KERNEL(QuantizeKernel, "QuantizeV2");

}  // namespace
}  // namespace cryograph
