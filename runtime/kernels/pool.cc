// MaxPool, AvgPool and MaxPoolWithArgmax, of images and volumes, and of quantized images.
#include "runtime/compute/pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/pool_window.h"
#include "runtime/kernels/quantized.h"

namespace cryograph {
namespace {

class PoolKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    mean_ = absl::StartsWith(node.op(), "Avg");
    const DataType type = ComputeType(dtype_);
    if (mean_ ? !IsOneOf<AveragePoolTypes>(type) : !IsOneOf<MaxPoolTypes>(type))
      return node.UnsupportedType(dtype_);
    sizes_are_inputs_ = node.op() == "MaxPoolV2";
    return window_.Init(node, absl::EndsWith(node.op(), "3D") ? 3 : 2);
  }

  absl::Status Compute(KernelContext& context) const override {
    if (!sizes_are_inputs_) return Pool(context, window_);
    ASSIGN_OR_RETURN(const PoolWindow window, window_.WithSizes(context.input(1), context.input(2)));
    return Pool(context, window);
  }

 private:
  absl::Status Pool(KernelContext& context, const PoolWindow& window) const {
    ASSIGN_OR_RETURN(const compute::WindowShape shape, window.ShapeFor(context.input(0)));
    const WindowAttrs& attrs = window.attrs();
    ASSIGN_OR_RETURN(Value input, ToComputeType(context, context.input(0)));
    if (attrs.channels_first()) {
      ASSIGN_OR_RETURN(input, ToChannelsLast(context, input));
    }
    Value output;
    if (window.over_channels() > 1) {
      ASSIGN_OR_RETURN(output, OverChannels(context, input, window.over_channels()));
    } else {
      ASSIGN_OR_RETURN(output,
                       context.AllocateTemp(input.dtype(), attrs.ChannelsLastDims(shape, shape.in_channels)));
      if (output.num_elements() > 0) RETURN_IF_ERROR(OverImage(context, shape, input, output));
    }
    if (attrs.channels_first()) {
      ASSIGN_OR_RETURN(output, ToChannelsFirst(context, output));
    }
    ASSIGN_OR_RETURN(output, FromComputeType(context, output, dtype_));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

  absl::Status OverImage(KernelContext& context, const compute::WindowShape& shape, const Value& input,
                         Value& output) const {
    if (mean_) {
      return DispatchType<AveragePoolTypes>(input.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        compute::AveragePool(shape, input.data<T>(), output.mutable_data<T>(), context.threads());
        return absl::OkStatus();
      });
    }
    return DispatchType<MaxPoolTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      compute::MaxPool(shape, input.data<T>(), output.mutable_data<T>(), context.threads());
      return absl::OkStatus();
    });
  }

  absl::StatusOr<Value> OverChannels(KernelContext& context, const Value& input, int64_t window) const {
    if (mean_) return absl::InvalidArgumentError("there is no mean over channels");
    Shape dims = input.shape();
    if (dims.back() % window != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(dims.back(), " channels cannot be divided into windows of ", window));
    }
    dims.back() /= window;
    ASSIGN_OR_RETURN(Value output, context.AllocateTemp(input.dtype(), dims));
    RETURN_IF_ERROR(DispatchType<MaxPoolTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* from = input.data<T>();
      T* to = output.mutable_data<T>();
      for (int64_t i = 0; i < output.num_elements(); ++i) {
        to[i] = *std::max_element(from + i * window, from + (i + 1) * window);
      }
      return absl::OkStatus();
    }));
    return output;
  }

  DataType dtype_ = DT_INVALID;
  bool mean_ = false;
  bool sizes_are_inputs_ = false;
  PoolWindow window_;
};
CRYOGRAPH_KERNEL(PoolKernel, "AvgPool", "AvgPool3D", "MaxPool", "MaxPool3D", "MaxPoolV2");

class MaxPoolWithArgmaxKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (!IsOneOf<MaxPoolTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    index_type_ = node.output_type(1);
    RETURN_IF_ERROR(window_.Init(node, 2));
    if (window_.over_channels() != 1) return absl::InvalidArgumentError("ksize must be 1 for channels");
    if (node.attr("include_batch_in_index").kind() == AttrView::kNone) return absl::OkStatus();
    return node.Attr("include_batch_in_index", &batch_in_index_);
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const compute::WindowShape shape, window_.ShapeFor(context.input(0)));
    ASSIGN_OR_RETURN(const Value input, ToComputeType(context, context.input(0)));
    const Shape dims = window_.attrs().OutputDims(shape, shape.in_channels);
    ASSIGN_OR_RETURN(Value output, context.AllocateTemp(input.dtype(), dims));
    ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(1, dims));
    RETURN_IF_ERROR(DispatchType<MaxPoolTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      if (output.num_elements() > 0) Find(shape, input.data<T>(), output.mutable_data<T>(), *indices);
      return absl::OkStatus();
    }));
    ASSIGN_OR_RETURN(output, FromComputeType(context, output, dtype_));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

 private:
  template <typename T>
  void Find(const compute::WindowShape& s, const T* input, T* output, Value& indices) const {
    const int64_t channels = s.in_channels, image = s.in_pixels() * channels;
    int64_t at = 0;
    for (int64_t n = 0; n < s.batch; ++n) {
      for (int64_t oh = 0; oh < s.out[1]; ++oh) {
        const int64_t h = oh * s.stride[1] - s.pad[1];
        const int64_t h_first = std::max<int64_t>(h, 0), h_last = std::min(h + s.window[1], s.in[1]);
        for (int64_t ow = 0; ow < s.out[2]; ++ow) {
          const int64_t w = ow * s.stride[2] - s.pad[2];
          const int64_t w_first = std::max<int64_t>(w, 0), w_last = std::min(w + s.window[2], s.in[2]);
          for (int64_t c = 0; c < channels; ++c, ++at) {
            const auto index_of = [&](int64_t y, int64_t x) { return (y * s.in[2] + x) * channels + c; };
            int64_t best = index_of(h_first, w_first);
            const T* pixels = input + n * image;
            for (int64_t y = h_first; y < h_last; ++y) {
              for (int64_t x = w_first; x < w_last; ++x) {
                if (pixels[index_of(y, x)] > pixels[best]) best = index_of(y, x);
              }
            }
            output[at] = pixels[best];
            if (batch_in_index_) best += n * image;
            if (index_type_ == DT_INT32) {
              indices.mutable_data<int32_t>()[at] = static_cast<int32_t>(best);
            } else {
              indices.mutable_data<int64_t>()[at] = best;
            }
          }
        }
      }
    }
  }

  DataType dtype_ = DT_INVALID, index_type_ = DT_INVALID;
  bool batch_in_index_ = false;
  PoolWindow window_;
};
CRYOGRAPH_KERNEL(MaxPoolWithArgmaxKernel, "MaxPoolWithArgmax");

// Of 8-bit codes, whose range passes through; the mean is truncated.
class QuantizedPoolKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    mean_ = node.op() == "QuantizedAvgPool";
    if (node.input_type(0) != DT_QUINT8) return node.UnsupportedType(node.input_type(0));
    RETURN_IF_ERROR(window_.Init(node, 2));
    if (window_.over_channels() != 1) return absl::InvalidArgumentError("ksize must be 1 for channels");
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const compute::WindowShape shape, window_.ShapeFor(context.input(0)));
    ASSIGN_OR_RETURN(const QuantizedRange range, RangeInput(context, 1, 2));
    ASSIGN_OR_RETURN(Value * output,
                     context.AllocateOutput(0, window_.attrs().OutputDims(shape, shape.in_channels)));
    if (output->num_elements() > 0) {
      const uint8_t* input = context.input(0).data<uint8_t>();
      if (mean_) {
        Mean(shape, input, output->mutable_data<uint8_t>());
      } else {
        compute::MaxPool(shape, input, output->mutable_data<uint8_t>(), context.threads());
      }
    }
    return SetRangeOutput(context, 1, range);
  }

 private:
  static void Mean(const compute::WindowShape& s, const uint8_t* input, uint8_t* output) {
    for (int64_t row = 0; row < s.batch * s.out[1]; ++row) {
      const int64_t n = row / s.out[1], h = row % s.out[1] * s.stride[1] - s.pad[1];
      const int64_t h_first = std::max<int64_t>(h, 0), h_last = std::min(h + s.window[1], s.in[1]);
      for (int64_t ow = 0; ow < s.out[2]; ++ow) {
        const int64_t w = ow * s.stride[2] - s.pad[2];
        const int64_t w_first = std::max<int64_t>(w, 0), w_last = std::min(w + s.window[2], s.in[2]);
        const int64_t count = std::max<int64_t>((h_last - h_first) * (w_last - w_first), 1);
        for (int64_t c = 0; c < s.in_channels; ++c) {
          int64_t sum = 0;
          for (int64_t y = h_first; y < h_last; ++y) {
            for (int64_t x = w_first; x < w_last; ++x) {
              sum += input[((n * s.in[1] + y) * s.in[2] + x) * s.in_channels + c];
            }
          }
          *output++ = static_cast<uint8_t>(sum / count);
        }
      }
    }
  }

  bool mean_ = false;
  PoolWindow window_;
};
CRYOGRAPH_KERNEL(QuantizedPoolKernel, "QuantizedAvgPool", "QuantizedMaxPool");

}  // namespace
}  // namespace cryograph
