// Gradients of convolutions. That for the input is the transposed convolution that decoders and segmentation
// nets use.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/compute/gemm.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/window.h"

namespace cryograph {
namespace {

using BackpropTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

absl::Status NoMemory() {
  return absl::ResourceExhaustedError("no memory for a rearranged copy of a factor");
}

// The convolution of which this is the gradient: from the sizes of its input, filter and output, all of which
// are known here. Its attributes may not dilate: TensorFlow has that on other devices only.
absl::StatusOr<compute::WindowShape> ForwardShape(const WindowAttrs& attrs,
                                                  absl::Span<const int64_t> input_dims,
                                                  absl::Span<const int64_t> filter_dims,
                                                  const Value& out_backprop) {
  const int dims = attrs.spatial_dims();
  const int64_t channels = input_dims[attrs.channel_axis()];
  if (filter_dims[dims] == 0 || channels != filter_dims[dims]) {
    return absl::InvalidArgumentError(
        absl::StrCat("the input's depth ", channels, " is not the filter's ", filter_dims[dims]));
  }
  ASSIGN_OR_RETURN(compute::WindowShape shape, attrs.ShapeFor(input_dims, filter_dims.first(dims)));
  shape.out_channels = filter_dims[dims + 1];
  const Shape expected = attrs.OutputDims(shape, shape.out_channels);
  if (out_backprop.shape() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("out_backprop has shape ", ShapeText(out_backprop.shape()),
                                                   " instead of ", ShapeText(expected)));
  }
  return shape;
}

absl::Status InitBackprop(const NodeInfo& node, DataType dtype, WindowAttrs& attrs) {
  if (!IsOneOf<BackpropTypes>(ComputeType(dtype))) return node.UnsupportedType(dtype);
  RETURN_IF_ERROR(attrs.Init(node, absl::StrContains(node.op(), "3D") ? 3 : 2));
  if (attrs.has_dilation()) return absl::InvalidArgumentError("dilations must be 1");
  return absl::OkStatus();
}

absl::StatusOr<Shape> SizesInput(const Value& sizes, const WindowAttrs& attrs, absl::string_view what) {
  RETURN_IF_ERROR(ExpectVector(sizes, what));
  ASSIGN_OR_RETURN(Shape dims, IntVector(sizes, what));
  if (static_cast<int>(dims.size()) != attrs.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " has ", dims.size(), " numbers instead of ", attrs.rank()));
  }
  RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

class ConvBackpropInputKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.output_type(0);
    RETURN_IF_ERROR(InitBackprop(node, dtype_, attrs_));
    first_input_is_sizes_ = node.op() != "Conv3DBackpropInput";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    Shape input_dims = context.input(0).shape();
    if (first_input_is_sizes_) {
      ASSIGN_OR_RETURN(input_dims, InputDims(context));
    }
    for (int i = 0; i < 3; ++i) {
      if (i > 0 || !first_input_is_sizes_)
        RETURN_IF_ERROR(ExpectRank(context.input(i), attrs_.rank(), "each tensor"));
    }
    ASSIGN_OR_RETURN(const compute::WindowShape shape,
                     ForwardShape(attrs_, input_dims, context.input(1).shape(), context.input(2)));
    Shape result_dims = attrs_.ChannelsLastDims(shape, shape.in_channels);
    for (int i = 0; i < attrs_.spatial_dims(); ++i) result_dims[1 + i] = input_dims[attrs_.spatial_axis(i)];
    ASSIGN_OR_RETURN(const Value filter, ToComputeType(context, context.input(1)));
    ASSIGN_OR_RETURN(Value gradient, ToComputeType(context, context.input(2)));
    if (attrs_.channels_first()) {
      ASSIGN_OR_RETURN(gradient, ToChannelsLast(context, gradient));
    }
    ASSIGN_OR_RETURN(Value result, context.AllocateTemp(gradient.dtype(), result_dims));
    std::memset(result.mutable_raw(), 0, result.num_bytes());
    if (gradient.num_elements() > 0 && result.num_elements() > 0) {
      RETURN_IF_ERROR(DispatchType<BackpropTypes>(gradient.dtype(), [&](auto tag) {
        return Transposed<TypeOf<decltype(tag)>>(context, shape, filter, gradient, result);
      }));
    }
    if (attrs_.channels_first()) {
      ASSIGN_OR_RETURN(result, ToChannelsFirst(context, result));
    }
    ASSIGN_OR_RETURN(result, FromComputeType(context, result, dtype_));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  // The shape that input_sizes gives: all of it, or height and width alone.
  absl::StatusOr<Shape> InputDims(KernelContext& context) const {
    const Value& sizes = context.input(0);
    if (attrs_.spatial_dims() != 2 || sizes.rank() != 1 || sizes.dim(0) != 2) {
      return SizesInput(sizes, attrs_, "input_sizes");
    }
    RETURN_IF_ERROR(ExpectRank(context.input(1), 4, "filter"));
    RETURN_IF_ERROR(ExpectRank(context.input(2), 4, "out_backprop"));
    ASSIGN_OR_RETURN(const Shape height_and_width, IntVector(sizes, "input_sizes"));
    Shape dims(4);
    dims[0] = context.input(2).dim(0);
    dims[attrs_.channel_axis()] = context.input(1).dim(2);
    for (int i = 0; i < 2; ++i) dims[attrs_.spatial_axis(i)] = height_and_width[i];
    RETURN_IF_ERROR(NumElements(dims).status());
    return dims;
  }

  // Multiplies some pixels of the gradient with the filter, which gives what each of them adds to the pixels
  // that its window saw, and adds that up; then the next pixels.
  template <typename T>
  static absl::Status Transposed(KernelContext& context, const compute::WindowShape& s, const Value& filter,
                                 const Value& gradient, Value& result) {
    const int64_t taps = s.taps(), columns = taps * s.in_channels;
    ASSIGN_OR_RETURN(Value memory, context.AllocateTemp(gradient.dtype(), {compute::PackedMatrix<T>::Elements(
                                                                              s.out_channels, columns)}));
    const auto packed = compute::PackedMatrix<T>::Pack(filter.data<T>(), s.out_channels, columns, 1,
                                                       s.out_channels, memory.mutable_data<T>());
    constexpr int64_t kPartElements = 1 << 18;
    const int64_t pixels = s.out_pixels(),
                  part_pixels = std::clamp<int64_t>(kPartElements / columns, 1, pixels);
    ASSIGN_OR_RETURN(Value part, context.AllocateTemp(gradient.dtype(), {part_pixels, columns}));
    for (int64_t n = 0; n < s.batch; ++n) {
      for (int64_t first = 0; first < pixels; first += part_pixels) {
        RETURN_IF_ERROR(context.CheckLimits());
        const int64_t count = std::min(part_pixels, pixels - first);
        const T* from = gradient.data<T>() + (n * pixels + first) * s.out_channels;
        compute::MatMul(count, from, s.out_channels, packed, part.mutable_data<T>(), columns, {},
                        context.threads());
        T* image = result.mutable_data<T>() + n * s.in_pixels() * s.in_channels;
        // Each thread adds to rows of the image of its own.
        const double row_cost =
            0.5 * static_cast<double>(count * columns) / static_cast<double>(s.in[0] * s.in[1]);
        context.ParallelFor(s.in[0] * s.in[1], row_cost, [&](int64_t begin, int64_t end) {
          AddUp(s, part.data<T>(), first, count, begin, end, image);
        });
      }
    }
    return absl::OkStatus();
  }

  // Adds what `count` output pixels from `first` on give to rows [row_begin, row_end) of the image.
  template <typename T>
  static void AddUp(const compute::WindowShape& s, const T* part, int64_t first, int64_t count,
                    int64_t row_begin, int64_t row_end, T* image) {
    const int64_t channels = s.in_channels, columns = s.taps() * channels;
    for (int64_t i = 0; i < count; ++i, part += columns) {
      const int64_t line = (first + i) / s.out[2];
      const int64_t d = line / s.out[1] * s.stride[0] - s.pad[0],
                    h = line % s.out[1] * s.stride[1] - s.pad[1];
      const int64_t w = (first + i) % s.out[2] * s.stride[2] - s.pad[2];
      const int64_t w_first = std::max<int64_t>(0, -w), w_last = std::min(s.window[2], s.in[2] - w);
      for (int64_t tap = 0; tap < s.window[0] * s.window[1]; ++tap) {
        const int64_t in_d = d + tap / s.window[1], in_h = h + tap % s.window[1];
        if (in_d < 0 || in_d >= s.in[0] || in_h < 0 || in_h >= s.in[1]) continue;
        const int64_t row = in_d * s.in[1] + in_h;
        if (row < row_begin || row >= row_end) continue;
        // The taps of a row of the window lie side by side in the image, too.
        const T* from = part + tap * s.window[2] * channels;
        T* to = image + (row * s.in[2] + w) * channels;
        for (int64_t k = w_first * channels; k < w_last * channels; ++k) to[k] += from[k];
      }
    }
  }

  DataType dtype_ = DT_INVALID;
  bool first_input_is_sizes_ = true;
  WindowAttrs attrs_;
};
CRYOGRAPH_KERNEL(ConvBackpropInputKernel, "Conv2DBackpropInput", "Conv3DBackpropInput",
                 "Conv3DBackpropInputV2");

class ConvBackpropFilterKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.output_type(0);
    second_input_is_sizes_ = node.op() != "Conv3DBackpropFilter";
    return InitBackprop(node, dtype_, attrs_);
  }

  absl::Status Compute(KernelContext& context) const override {
    Shape filter_dims = context.input(1).shape();
    if (second_input_is_sizes_) {
      ASSIGN_OR_RETURN(filter_dims, SizesInput(context.input(1), attrs_, "filter_sizes"));
    }
    for (int i = 0; i < 3; ++i) {
      if (i != 1 || !second_input_is_sizes_)
        RETURN_IF_ERROR(ExpectRank(context.input(i), attrs_.rank(), "each tensor"));
    }
    ASSIGN_OR_RETURN(const compute::WindowShape shape,
                     ForwardShape(attrs_, context.input(0).shape(), filter_dims, context.input(2)));
    ASSIGN_OR_RETURN(Value input, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(Value gradient, ToComputeType(context, context.input(2)));
    if (attrs_.channels_first()) {
      ASSIGN_OR_RETURN(input, ToChannelsLast(context, input));
      ASSIGN_OR_RETURN(gradient, ToChannelsLast(context, gradient));
    }
    ASSIGN_OR_RETURN(Value result, context.AllocateTemp(input.dtype(), filter_dims));
    if (gradient.num_elements() == 0) {
      std::memset(result.mutable_raw(), 0, result.num_bytes());
    } else if (result.num_elements() > 0) {
      RETURN_IF_ERROR(DispatchType<BackpropTypes>(input.dtype(), [&](auto tag) {
        return OfFilter<TypeOf<decltype(tag)>>(context, shape, input, gradient, result);
      }));
    }
    ASSIGN_OR_RETURN(result, FromComputeType(context, result, dtype_));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  // Tap by tap: the pixels that it sees, as columns, times the gradient.
  template <typename T>
  static absl::Status OfFilter(KernelContext& context, const compute::WindowShape& s, const Value& input,
                               const Value& gradient, Value& result) {
    const int64_t pixels = s.batch * s.out_pixels(), channels = s.in_channels;
    ASSIGN_OR_RETURN(Value seen, context.AllocateTemp(input.dtype(), {pixels, channels}));
    for (int64_t tap = 0; tap < s.taps(); ++tap) {
      RETURN_IF_ERROR(context.CheckLimits());
      const int64_t kw = tap % s.window[2], kh = tap / s.window[2] % s.window[1],
                    kd = tap / s.window[2] / s.window[1];
      context.ParallelFor(pixels, 0.2 * channels, [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; ++p) {
          const int64_t n = p / s.out_pixels();
          const int64_t d = p / s.out[2] / s.out[1] % s.out[0] * s.stride[0] - s.pad[0] + kd;
          const int64_t h = p / s.out[2] % s.out[1] * s.stride[1] - s.pad[1] + kh;
          const int64_t w = p % s.out[2] * s.stride[2] - s.pad[2] + kw;
          T* to = seen.mutable_data<T>() + p * channels;
          if (d < 0 || d >= s.in[0] || h < 0 || h >= s.in[1] || w < 0 || w >= s.in[2]) {
            std::fill(to, to + channels, T(0));
            continue;
          }
          const T* from = input.data<T>() + (((n * s.in[0] + d) * s.in[1] + h) * s.in[2] + w) * channels;
          std::copy(from, from + channels, to);
        }
      });
      compute::MatMulShape product;
      product.m = channels;
      product.k = pixels;
      product.n = s.out_channels;
      product.transpose_a = true;
      T* to = result.mutable_data<T>() + tap * channels * s.out_channels;
      if (!compute::MatMul<T>(product, seen.data<T>(), gradient.data<T>(), to, {}, context.threads())) {
        return NoMemory();
      }
    }
    return absl::OkStatus();
  }

  DataType dtype_ = DT_INVALID;
  bool second_input_is_sizes_ = true;
  WindowAttrs attrs_;
};
CRYOGRAPH_KERNEL(ConvBackpropFilterKernel, "Conv2DBackpropFilter", "Conv3DBackpropFilter",
                 "Conv3DBackpropFilterV2");

}  // namespace
}  // namespace cryograph
