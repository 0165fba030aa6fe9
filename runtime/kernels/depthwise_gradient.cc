// Gradients of DepthwiseConv2dNative.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/depthwise_attrs.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/window.h"

namespace cryograph {
namespace {

using GradientTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

class DepthwiseBackpropKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.output_type(0);
    if (!IsOneOf<GradientTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    of_filter_ = absl::EndsWith(node.op(), "Filter");
    return InitDepthwise(node, attrs_);
  }

  absl::Status Compute(KernelContext& context) const override {
    // (input_sizes, filter, gradient) or (input, filter_sizes, gradient).
    const int sizes_slot = of_filter_ ? 1 : 0;
    RETURN_IF_ERROR(ExpectVector(context.input(sizes_slot), "the sizes"));
    ASSIGN_OR_RETURN(const Shape sizes, IntVector(context.input(sizes_slot), "the sizes"));
    RETURN_IF_ERROR(NumElements(sizes).status());
    const Value& other = context.input(1 - sizes_slot);
    RETURN_IF_ERROR(ExpectRank(other, 4, of_filter_ ? "input" : "filter"));
    if (sizes.size() != 4) {
      return absl::InvalidArgumentError(absl::StrCat("there are ", sizes.size(), " sizes instead of 4"));
    }
    const Shape input_dims = of_filter_ ? other.shape() : sizes;
    const Shape filter_dims = of_filter_ ? sizes : other.shape();
    const int64_t channels = input_dims[attrs_.channel_axis()];
    if (channels != filter_dims[2]) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input's depth ", channels, " is not the filter's ", filter_dims[2]));
    }
    ASSIGN_OR_RETURN(compute::WindowShape shape,
                     attrs_.ShapeFor(input_dims, absl::MakeConstSpan(filter_dims).first(2)));
    ASSIGN_OR_RETURN(shape.out_channels, NumElements({channels, filter_dims[3]}));
    const Shape expected = attrs_.OutputDims(shape, shape.out_channels);
    if (context.input(2).shape() != expected) {
      return absl::InvalidArgumentError(absl::StrCat("out_backprop has shape ",
                                                     ShapeText(context.input(2).shape()), " instead of ",
                                                     ShapeText(expected)));
    }
    ASSIGN_OR_RETURN(Value operand, ToComputeType(context, other));
    ASSIGN_OR_RETURN(Value gradient, ToComputeType(context, context.input(2)));
    if (attrs_.channels_first()) {
      ASSIGN_OR_RETURN(gradient, ToChannelsLast(context, gradient));
      if (of_filter_) {
        ASSIGN_OR_RETURN(operand, ToChannelsLast(context, operand));
      }
    }
    Shape result_dims = filter_dims;
    if (!of_filter_) {
      result_dims = attrs_.ChannelsLastDims(shape, channels);
      for (int i = 0; i < 2; ++i) result_dims[1 + i] = input_dims[attrs_.spatial_axis(i)];
    }
    ASSIGN_OR_RETURN(Value result, ZerosOf(gradient.dtype(), result_dims, context.pool()));
    if (gradient.num_elements() > 0 && result.num_elements() > 0) {
      RETURN_IF_ERROR(DispatchType<GradientTypes>(gradient.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        Backward(context, shape, operand.data<T>(), gradient.data<T>(), result.mutable_data<T>());
        return absl::OkStatus();
      }));
    }
    if (attrs_.channels_first() && !of_filter_) {
      ASSIGN_OR_RETURN(result, ToChannelsFirst(context, result));
    }
    ASSIGN_OR_RETURN(result, FromComputeType(context, result, dtype_));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  // Each thread has channels of its own, of the image or of the filter.
  template <typename T>
  void Backward(KernelContext& context, const compute::WindowShape& s, const T* operand, const T* gradient,
                T* result) const {
    const int64_t channels = s.in_channels, multiplier = s.out_channels / channels;
    const double cost = static_cast<double>(s.batch * s.out_pixels() * s.taps() * multiplier);
    context.ParallelFor(channels, cost, [&](int64_t begin, int64_t end) {
      for (int64_t row = 0; row < s.batch * s.out[1]; ++row) {
        const int64_t n = row / s.out[1], h = row % s.out[1] * s.stride[1] - s.pad[1];
        for (int64_t ow = 0; ow < s.out[2]; ++ow) {
          const int64_t w = ow * s.stride[2] - s.pad[2];
          const T* slopes = gradient + (row * s.out[2] + ow) * s.out_channels;
          for (int64_t tap = 0; tap < s.taps(); ++tap) {
            const int64_t y = h + tap / s.window[2], x = w + tap % s.window[2];
            if (y < 0 || y >= s.in[1] || x < 0 || x >= s.in[2]) continue;
            const int64_t pixel = ((n * s.in[1] + y) * s.in[2] + x) * channels;
            for (int64_t c = begin; c < end; ++c) {
              for (int64_t m = c * multiplier; m < (c + 1) * multiplier; ++m) {
                const int64_t weight = tap * s.out_channels + m;
                if (of_filter_) {
                  result[weight] += operand[pixel + c] * slopes[m];
                } else {
                  result[pixel + c] += operand[weight] * slopes[m];
                }
              }
            }
          }
        }
      }
    });
  }

  DataType dtype_ = DT_INVALID;
  bool of_filter_ = false;
  WindowAttrs attrs_;
};
CRYOGRAPH_KERNEL(DepthwiseBackpropKernel, "DepthwiseConv2dNativeBackpropFilter",
                 "DepthwiseConv2dNativeBackpropInput");

}  // namespace
}  // namespace cryograph
