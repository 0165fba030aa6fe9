// Gradients of MaxPool and AvgPool, of images and volumes.
#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/pool_window.h"

namespace cryograph {
namespace {

// What of the image a window sees.
struct Seen {
  int64_t begin[3], end[3];
  int64_t count() const { return (end[0] - begin[0]) * (end[1] - begin[1]) * (end[2] - begin[2]); }
};

// Calls function(window's output pixel, what it sees) for each window of an image.
template <typename Function>
void ForEachWindow(const compute::WindowShape& s, Function function) {
  for (int64_t pixel = 0; pixel < s.out_pixels(); ++pixel) {
    const int64_t place[3] = {pixel / s.out[2] / s.out[1], pixel / s.out[2] % s.out[1], pixel % s.out[2]};
    Seen seen;
    for (int i = 0; i < 3; ++i) {
      const int64_t first = place[i] * s.stride[i] - s.pad[i];
      seen.begin[i] = std::max<int64_t>(first, 0);
      seen.end[i] = std::max(std::min(first + s.window[i], s.in[i]), seen.begin[i]);
    }
    function(pixel, seen);
  }
}

// Calls function(input pixel) for each that is seen, in order.
template <typename Function>
void ForEachPixel(const compute::WindowShape& s, const Seen& seen, Function function) {
  for (int64_t d = seen.begin[0]; d < seen.end[0]; ++d) {
    for (int64_t h = seen.begin[1]; h < seen.end[1]; ++h) {
      for (int64_t w = seen.begin[2]; w < seen.end[2]; ++w) function((d * s.in[1] + h) * s.in[2] + w);
    }
  }
}

// The gradient goes to the first of the largest elements; in volumes, to all of them.
template <typename T>
void MaxGradient(const compute::WindowShape& s, bool to_all, const T* input, const T* gradient, T* result) {
  const int64_t channels = s.in_channels;
  ForEachWindow(s, [&](int64_t pixel, const Seen& seen) {
    if (seen.count() == 0) return;
    for (int64_t c = 0; c < channels; ++c) {
      int64_t best = -1;
      ForEachPixel(s, seen, [&](int64_t p) {
        const int64_t at = p * channels + c;
        if (best < 0 || input[at] > input[best]) best = at;
      });
      const T slope = gradient[pixel * channels + c];
      if (!to_all) {
        result[best] = static_cast<T>(result[best] + slope);
        continue;
      }
      ForEachPixel(s, seen, [&](int64_t p) {
        const int64_t at = p * channels + c;
        if (input[at] == input[best]) result[at] = static_cast<T>(result[at] + slope);
      });
    }
  });
}

// Each element that a window saw gets an equal share.
template <typename T>
void MeanGradient(const compute::WindowShape& s, const T* gradient, T* result) {
  const int64_t channels = s.in_channels;
  ForEachWindow(s, [&](int64_t pixel, const Seen& seen) {
    const T share = T(1) / static_cast<T>(std::max<int64_t>(seen.count(), 1));
    ForEachPixel(s, seen, [&](int64_t p) {
      for (int64_t c = 0; c < channels; ++c) {
        result[p * channels + c] += gradient[pixel * channels + c] * share;
      }
    });
  });
}

class PoolGradientKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.output_type(0);
    mean_ = absl::StartsWith(node.op(), "Avg");
    volumes_ = absl::StrContains(node.op(), "3D");
    sizes_are_inputs_ = node.op() == "MaxPoolGradV2";
    const DataType type = ComputeType(dtype_);
    if (mean_ ? !IsOneOf<AveragePoolTypes>(type) : !IsOneOf<MaxPoolTypes>(type)) {
      return node.UnsupportedType(dtype_);
    }
    return window_.Init(node, volumes_ ? 3 : 2);
  }

  absl::Status Compute(KernelContext& context) const override {
    if (!sizes_are_inputs_) return Backward(context, window_);
    ASSIGN_OR_RETURN(const PoolWindow window, window_.WithSizes(context.input(3), context.input(4)));
    return Backward(context, window);
  }

 private:
  absl::Status Backward(KernelContext& context, const PoolWindow& window) const {
    const WindowAttrs& attrs = window.attrs();
    if (window.over_channels() != 1) return absl::InvalidArgumentError("ksize must be 1 for channels");
    Shape dims = context.input(0).shape();
    if (mean_) {
      RETURN_IF_ERROR(ExpectVector(context.input(0), "orig_input_shape"));
      ASSIGN_OR_RETURN(dims, IntVector(context.input(0), "orig_input_shape"));
      RETURN_IF_ERROR(NumElements(dims).status());
    }
    if (static_cast<int>(dims.size()) != attrs.rank()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input's shape is ", ShapeText(dims), ", not one of rank ", attrs.rank()));
    }
    ASSIGN_OR_RETURN(const compute::WindowShape shape, window.ShapeFor(dims));
    const Shape expected = attrs.OutputDims(shape, shape.in_channels);
    for (int i = 1; i < (mean_ ? 2 : 3); ++i) {
      if (context.input(i).shape() == expected) continue;
      return absl::InvalidArgumentError(absl::StrCat("input ", i, " has shape ",
                                                     ShapeText(context.input(i).shape()), " instead of ",
                                                     ShapeText(expected)));
    }
    Value input;
    ASSIGN_OR_RETURN(Value gradient, ToComputeType(context, context.input(mean_ ? 1 : 2)));
    if (!mean_) {
      ASSIGN_OR_RETURN(input, ToComputeType(context, context.input(0)));
    }
    if (attrs.channels_first()) {
      ASSIGN_OR_RETURN(gradient, ToChannelsLast(context, gradient));
      if (!mean_) {
        ASSIGN_OR_RETURN(input, ToChannelsLast(context, input));
      }
    }
    Shape result_dims = attrs.ChannelsLastDims(shape, shape.in_channels);
    for (int i = 0; i < attrs.spatial_dims(); ++i) result_dims[1 + i] = dims[attrs.spatial_axis(i)];
    ASSIGN_OR_RETURN(Value result, ZerosOf(gradient.dtype(), result_dims, context.pool()));
    if (result.num_elements() > 0 && gradient.num_elements() > 0) {
      RETURN_IF_ERROR(DispatchType<MaxPoolTypes>(gradient.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        const int64_t image = shape.in_pixels() * shape.in_channels;
        const int64_t out_image = shape.out_pixels() * shape.in_channels;
        const double cost = static_cast<double>(shape.taps() * out_image);
        context.ParallelFor(shape.batch, cost, [&](int64_t begin, int64_t end) {
          for (int64_t n = begin; n < end; ++n) {
            const T* slopes = gradient.data<T>() + n * out_image;
            T* to = result.mutable_data<T>() + n * image;
            if constexpr (std::is_floating_point_v<T>) {
              if (mean_) {
                MeanGradient(shape, slopes, to);
                continue;
              }
            }
            MaxGradient(shape, volumes_, input.data<T>() + n * image, slopes, to);
          }
        });
        return absl::OkStatus();
      }));
    }
    if (attrs.channels_first()) {
      ASSIGN_OR_RETURN(result, ToChannelsFirst(context, result));
    }
    ASSIGN_OR_RETURN(result, FromComputeType(context, result, dtype_));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

  DataType dtype_ = DT_INVALID;
  bool mean_ = false, volumes_ = false, sizes_are_inputs_ = false;
  PoolWindow window_;
};
CRYOGRAPH_KERNEL(PoolGradientKernel, "AvgPool3DGrad", "AvgPoolGrad", "MaxPool3DGrad", "MaxPoolGrad",
                 "MaxPoolGradV2");

}  // namespace
}  // namespace cryograph
