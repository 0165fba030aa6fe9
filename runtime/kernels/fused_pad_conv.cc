// FusedPadConv2D and FusedResizeAndPadConv2D: an image resized, mirrored at its edges, and convolved.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/compute/conv.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/window.h"

namespace cryograph {
namespace {

using PadConvTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

// What one coordinate of a resized image is made of.
struct Sample {
  int64_t low, high;
  float share_of_high;
};

std::vector<Sample> Samples(int64_t in, int64_t out, bool align_corners) {
  const float scale = align_corners && out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                               : static_cast<float>(in) / static_cast<float>(out);
  std::vector<Sample> samples(out);
  for (int64_t i = 0; i < out; ++i) {
    const float at = static_cast<float>(i) * scale;
    samples[i].low = std::min(in - 1, static_cast<int64_t>(at));
    samples[i].high = std::min(in - 1, samples[i].low + 1);
    samples[i].share_of_high = at - static_cast<float>(samples[i].low);
  }
  return samples;
}

template <typename T>
void Resize(const Value& image, bool align_corners, Value& resized) {
  const int64_t channels = image.dim(3), line = image.dim(2) * channels;
  const std::vector<Sample> rows = Samples(image.dim(1), resized.dim(1), align_corners);
  const std::vector<Sample> columns = Samples(image.dim(2), resized.dim(2), align_corners);
  T* to = resized.mutable_data<T>();
  for (int64_t n = 0; n < image.dim(0); ++n) {
    for (const Sample& row : rows) {
      const T* low = image.data<T>() + (n * image.dim(1) + row.low) * line;
      const T* high = image.data<T>() + (n * image.dim(1) + row.high) * line;
      for (const Sample& column : columns) {
        for (int64_t c = 0; c < channels; ++c) {
          const int64_t left = column.low * channels + c, right = column.high * channels + c;
          const T above = low[left] + (low[right] - low[left]) * static_cast<T>(column.share_of_high);
          const T below = high[left] + (high[right] - high[left]) * static_cast<T>(column.share_of_high);
          *to++ = above + (below - above) * static_cast<T>(row.share_of_high);
        }
      }
    }
  }
}

// The coordinate inside of a mirror of `size` that position i, counted from its edge, shows.
int64_t Mirrored(int64_t i, int64_t size, bool symmetric) {
  if (i < 0) return symmetric ? -i - 1 : -i;
  if (i >= size) return symmetric ? 2 * size - 1 - i : 2 * size - 2 - i;
  return i;
}

class PadConvKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (!IsOneOf<PadConvTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    resizes_ = node.op() == "FusedResizeAndPadConv2D";
    if (resizes_) RETURN_IF_ERROR(node.Attr("resize_align_corners", &align_corners_));
    std::string mode;
    RETURN_IF_ERROR(node.Attr("mode", &mode));
    symmetric_ = mode == "SYMMETRIC";
    if (!symmetric_ && mode != "REFLECT") {
      return absl::InvalidArgumentError(absl::StrCat("mode '", mode, "' is neither REFLECT nor SYMMETRIC"));
    }
    return attrs_.Init(node, 2);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& paddings = context.input(resizes_ ? 2 : 1);
    const Value& filter_input = context.input(resizes_ ? 3 : 2);
    RETURN_IF_ERROR(ExpectRank(context.input(0), 4, "input"));
    RETURN_IF_ERROR(ExpectRank(filter_input, 4, "filter"));
    if (context.input(0).dim(3) != filter_input.dim(2)) {
      return absl::InvalidArgumentError(absl::StrCat("the input's depth ", context.input(0).dim(3),
                                                     " is not the filter's ", filter_input.dim(2)));
    }
    ASSIGN_OR_RETURN(Value image, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(const Value filter, ToComputeType(context, filter_input));
    if (resizes_) {
      ASSIGN_OR_RETURN(image, Resized(context, image));
    }
    ASSIGN_OR_RETURN(image, Padded(context, image, paddings));
    ASSIGN_OR_RETURN(compute::WindowShape shape,
                     attrs_.ShapeFor(image.shape(), absl::MakeConstSpan(filter.shape()).first(2)));
    shape.out_channels = filter.dim(3);
    ASSIGN_OR_RETURN(Value output,
                     context.AllocateTemp(image.dtype(), attrs_.OutputDims(shape, shape.out_channels)));
    if (output.num_elements() > 0) {
      if (shape.in_channels == 0) return absl::InvalidArgumentError("the input has no channels");
      RETURN_IF_ERROR(DispatchType<PadConvTypes>(image.dtype(), [&](auto tag) -> absl::Status {
        using T = TypeOf<decltype(tag)>;
        ASSIGN_OR_RETURN(Value memory,
                         context.AllocateTemp(image.dtype(), {compute::PackedFilter<T>::Elements(shape)}));
        const auto packed =
            compute::PackedFilter<T>::Pack(filter.data<T>(), shape, 1, memory.mutable_data<T>());
        compute::Conv(shape, image.data<T>(), packed, output.mutable_data<T>(), {}, context.threads());
        return absl::OkStatus();
      }));
    }
    ASSIGN_OR_RETURN(output, FromComputeType(context, output, dtype_));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<Value> Resized(KernelContext& context, const Value& image) const {
    ASSIGN_OR_RETURN(const Shape size, IntVector(context.input(1), "size"));
    if (size.size() != 2 || size[0] <= 0 || size[1] <= 0 || image.dim(1) == 0 || image.dim(2) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot resize ", ShapeText(image.shape()), " to ", ShapeText(size)));
    }
    ASSIGN_OR_RETURN(Value resized,
                     context.AllocateTemp(image.dtype(), {image.dim(0), size[0], size[1], image.dim(3)}));
    if (resized.num_elements() == 0) return resized;
    RETURN_IF_ERROR(DispatchType<PadConvTypes>(image.dtype(), [&](auto tag) {
      Resize<TypeOf<decltype(tag)>>(image, align_corners_, resized);
      return absl::OkStatus();
    }));
    return resized;
  }

  absl::StatusOr<Value> Padded(KernelContext& context, const Value& image, const Value& paddings) const {
    if (paddings.rank() != 2 || paddings.dim(0) != 4 || paddings.dim(1) != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("paddings has shape ", ShapeText(paddings.shape()), " instead of [4,2]"));
    }
    ASSIGN_OR_RETURN(const Shape pads, IntVector(paddings.Reshaped({8}), "paddings"));
    Shape dims = image.shape();
    for (int i = 0; i < 4; ++i) {
      const int64_t most = symmetric_ ? dims[i] : dims[i] - 1;
      const bool edge = i == 0 || i == 3;
      if (pads[2 * i] < 0 || pads[2 * i + 1] < 0 ||
          std::max(pads[2 * i], pads[2 * i + 1]) > (edge ? 0 : std::max<int64_t>(most, 0))) {
        return absl::InvalidArgumentError(absl::StrCat("paddings ", pads[2 * i], " and ", pads[2 * i + 1],
                                                       " of dimension ", i, ", which has ", image.dim(i),
                                                       ", must be from 0 to ", edge ? 0 : most));
      }
    }
    dims[1] += pads[2] + pads[3];
    dims[2] += pads[4] + pads[5];
    ASSIGN_OR_RETURN(Value padded, context.AllocateTemp(image.dtype(), dims));
    if (padded.num_elements() == 0) return padded;
    const int64_t pixel = image.dim(3) * DataTypeBytes(image.dtype());
    context.ParallelFor(dims[0] * dims[1], 0.1 * dims[2] * pixel, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t y = Mirrored(row % dims[1] - pads[2], image.dim(1), symmetric_);
        const char* from = image.raw() + (row / dims[1] * image.dim(1) + y) * image.dim(2) * pixel;
        char* to = padded.mutable_raw() + row * dims[2] * pixel;
        for (int64_t x = 0; x < dims[2]; ++x, to += pixel) {
          std::copy_n(from + Mirrored(x - pads[4], image.dim(2), symmetric_) * pixel, pixel, to);
        }
      }
    });
    return padded;
  }

  DataType dtype_ = DT_INVALID;
  bool resizes_ = false, align_corners_ = false, symmetric_ = false;
  WindowAttrs attrs_;
};
CRYOGRAPH_KERNEL(PadConvKernel, "FusedPadConv2D", "FusedResizeAndPadConv2D");

}  // namespace
}  // namespace cryograph
