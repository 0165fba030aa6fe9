// CropAndResize, and its gradients.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

// Where line `i` of `count` lies in an image of `size`, between the box's ends. As a float it may lie beyond
// an image of more than 2^24 lines: see Line().
float Source(float low, float high, int64_t i, int64_t count, int64_t size) {
  const auto last = static_cast<float>(size - 1);
  if (count <= 1) return 0.5f * (low + high) * last;
  const float scale = (high - low) * last / static_cast<float>(count - 1);
  return low * last + static_cast<float>(i) * scale;
}

int64_t Line(float source, int64_t size) { return std::min(static_cast<int64_t>(source), size - 1); }

class CropAndResizeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string method;
    RETURN_IF_ERROR(node.Attr("method", &method));
    if (method != "bilinear" && method != "nearest") {
      return absl::InvalidArgumentError("method must be 'bilinear' or 'nearest'");
    }
    nearest_ = method == "nearest";
    return node.Attr("extrapolation_value", &extrapolation_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& images = context.input(0);
    const Value& boxes = context.input(1);
    const Value& box_index = context.input(2);
    RETURN_IF_ERROR(ExpectRank(images, 4, "the image"));
    if (images.dim(1) <= 0 || images.dim(2) <= 0)
      return absl::InvalidArgumentError("image dimensions must be positive");
    if (boxes.rank() != 2 || boxes.dim(1) != 4) {
      return absl::InvalidArgumentError(
          absl::StrCat("boxes must be of shape [n,4], not ", ShapeText(boxes.shape())));
    }
    RETURN_IF_ERROR(ExpectVector(box_index, "box_index"));
    if (box_index.dim(0) != boxes.dim(0))
      return absl::InvalidArgumentError("box_index has incompatible shape");
    RETURN_IF_ERROR(ExpectVector(context.input(3), "crop_size"));
    ASSIGN_OR_RETURN(const Shape crop, IntVector(context.input(3), "crop_size"));
    if (crop.size() != 2 || crop[0] <= 0 || crop[1] <= 0) {
      return absl::InvalidArgumentError("crop dimensions must be two positive numbers");
    }
    for (const int32_t index : box_index.span<int32_t>()) {
      if (index < 0 || index >= images.dim(0)) {
        return absl::OutOfRangeError(
            absl::StrCat("box_index ", index, " is not in [0, ", images.dim(0), ")"));
      }
    }
    ASSIGN_OR_RETURN(Value * output,
                     context.AllocateOutput(0, {boxes.dim(0), crop[0], crop[1], images.dim(3)}));
    if (output->num_elements() == 0) return absl::OkStatus();
    return DispatchType<RealTypes>(images.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const int64_t image_size = images.dim(1) * images.dim(2) * images.dim(3);
      for (int64_t b = 0; b < boxes.dim(0); ++b) {
        Crop(images.data<T>() + box_index.data<int32_t>()[b] * image_size, images.shape(),
             boxes.data<float>() + 4 * b, crop,
             output->mutable_data<float>() + b * crop[0] * crop[1] * images.dim(3));
      }
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void Crop(const T* image, const Shape& shape, const float* box, const Shape& crop, float* out) const {
    const int64_t height = shape[1], width = shape[2], depth = shape[3];
    for (int64_t y = 0; y < crop[0]; ++y) {
      const float source_y = Source(box[0], box[2], y, crop[0], height);
      const bool inside_y = source_y >= 0 && source_y <= static_cast<float>(height - 1);
      for (int64_t x = 0; x < crop[1]; ++x, out += depth) {
        const float source_x = Source(box[1], box[3], x, crop[1], width);
        if (!inside_y || !(source_x >= 0 && source_x <= static_cast<float>(width - 1))) {
          std::fill_n(out, depth, extrapolation_);
        } else if (nearest_) {
          const auto from_y = Line(std::round(source_y), height);
          const auto from_x = Line(std::round(source_x), width);
          for (int64_t c = 0; c < depth; ++c) {
            out[c] = static_cast<float>(image[(from_y * width + from_x) * depth + c]);
          }
        } else {
          const auto top = Line(std::floor(source_y), height), left = Line(std::floor(source_x), width);
          const auto bottom = Line(std::ceil(source_y), height), right = Line(std::ceil(source_x), width);
          const float down = source_y - static_cast<float>(top), across = source_x - static_cast<float>(left);
          const auto at = [&](int64_t row, int64_t column, int64_t c) {
            return static_cast<float>(image[(row * width + column) * depth + c]);
          };
          for (int64_t c = 0; c < depth; ++c) {
            const float above = at(top, left, c) + (at(top, right, c) - at(top, left, c)) * across;
            const float below = at(bottom, left, c) + (at(bottom, right, c) - at(bottom, left, c)) * across;
            out[c] = above + (below - above) * down;
          }
        }
      }
    }
  }

  bool nearest_ = false;
  float extrapolation_ = 0;
};
CRYOGRAPH_KERNEL(CropAndResizeKernel, "CropAndResize");

// --- Gradients.

absl::Status CheckBoxes(const Value& gradient, const Value& boxes, const Value& box_index,
                        absl::Span<const int64_t> image) {
  RETURN_IF_ERROR(ExpectRank(gradient, 4, "grads"));
  if (boxes.rank() != 2 || boxes.dim(1) != 4 || boxes.dim(0) != gradient.dim(0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("boxes must be of shape [", gradient.dim(0), ",4], not ", ShapeText(boxes.shape())));
  }
  RETURN_IF_ERROR(ExpectVector(box_index, "box_ind"));
  if (box_index.dim(0) != boxes.dim(0)) return absl::InvalidArgumentError("box_ind has incompatible shape");
  if (image.size() != 4 || image[1] <= 0 || image[2] <= 0 || image[3] != gradient.dim(3)) {
    return absl::InvalidArgumentError(absl::StrCat("the image of shape ", ShapeText(image),
                                                   " is not one for grads of ", ShapeText(gradient.shape())));
  }
  for (const int32_t index : box_index.span<int32_t>()) {
    if (index < 0 || index >= image[0]) {
      return absl::OutOfRangeError(absl::StrCat("box_ind ", index, " is not in [0, ", image[0], ")"));
    }
  }
  return absl::OkStatus();
}

// A pixel of a crop, and what of the image it lies between.
struct CropPixel {
  int64_t box, y, x;
  int64_t top, bottom, left, right;  // Of the image.
  float source_y, source_x, down, across;
};

// function(pixel) for all pixels of crops that lie in the image.
template <typename Function>
void ForEachCropPixel(const Value& gradient, const Value& boxes, absl::Span<const int64_t> image,
                      Function function) {
  if (gradient.num_elements() == 0) return;  // Its other dimensions may be of any size.
  CropPixel p;
  for (p.box = 0; p.box < gradient.dim(0); ++p.box) {
    const float* box = boxes.data<float>() + 4 * p.box;
    for (p.y = 0; p.y < gradient.dim(1); ++p.y) {
      p.source_y = Source(box[0], box[2], p.y, gradient.dim(1), image[1]);
      if (!(p.source_y >= 0 && p.source_y <= static_cast<float>(image[1] - 1))) continue;
      p.top = Line(std::floor(p.source_y), image[1]);
      p.bottom = Line(std::ceil(p.source_y), image[1]);
      p.down = p.source_y - static_cast<float>(p.top);
      for (p.x = 0; p.x < gradient.dim(2); ++p.x) {
        p.source_x = Source(box[1], box[3], p.x, gradient.dim(2), image[2]);
        if (!(p.source_x >= 0 && p.source_x <= static_cast<float>(image[2] - 1))) continue;
        p.left = Line(std::floor(p.source_x), image[2]);
        p.right = Line(std::ceil(p.source_x), image[2]);
        p.across = p.source_x - static_cast<float>(p.left);
        function(p);
      }
    }
  }
}

// (grads, boxes, box_ind, image_size)
class CropGradImageKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string method;
    RETURN_IF_ERROR(node.Attr("method", &method));
    nearest_ = method == "nearest";
    const DataType type = node.output_type(0);
    return IsOneOf<FloatTypes>(type) ? absl::OkStatus() : node.UnsupportedType(type);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& gradient = context.input(0);
    RETURN_IF_ERROR(ExpectVector(context.input(3), "image_size"));
    ASSIGN_OR_RETURN(const Shape image, IntVector(context.input(3), "image_size"));
    RETURN_IF_ERROR(CheckBoxes(gradient, context.input(1), context.input(2), image));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, image));
    ASSIGN_OR_RETURN(Value sums, context.AllocateTemp(DT_DOUBLE, image));
    double* const sum = sums.mutable_data<double>();
    std::fill_n(sum, sums.num_elements(), 0.0);
    const int64_t depth = image[3];
    ForEachCropPixel(gradient, context.input(1), image, [&](const CropPixel& p) {
      const float* from =
          gradient.data<float>() + ((p.box * gradient.dim(1) + p.y) * gradient.dim(2) + p.x) * depth;
      const int64_t first_row = context.input(2).data<int32_t>()[p.box] * image[1];
      const auto add = [&](int64_t row, int64_t column, float weight_y, float weight_x) {
        double* to = sum + ((first_row + row) * image[2] + column) * depth;
        for (int64_t c = 0; c < depth; ++c) {
          const float share = weight_y * from[c];
          to[c] += weight_x * share;
        }
      };
      if (nearest_) {
        add(Line(std::round(p.source_y), image[1]), Line(std::round(p.source_x), image[2]), 1, 1);
        return;
      }
      add(p.top, p.left, 1 - p.down, 1 - p.across);
      add(p.top, p.right, 1 - p.down, p.across);
      add(p.bottom, p.left, p.down, 1 - p.across);
      add(p.bottom, p.right, p.down, p.across);
    });
    return DispatchType<FloatTypes>(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (int64_t i = 0; i < output->num_elements(); ++i) {
        output->mutable_data<T>()[i] = static_cast<T>(static_cast<Arithmetic<T>>(sum[i]));
      }
      return absl::OkStatus();
    });
  }

 private:
  bool nearest_ = false;
};
CRYOGRAPH_KERNEL(CropGradImageKernel, "CropAndResizeGradImage");

// (grads, image, boxes, box_ind): how the crops change as the ends of the boxes do; bilinear.
absl::Status CropGradBoxes(KernelContext& context) {
  const Value& gradient = context.input(0);
  const Value& image = context.input(1);
  const Value& boxes = context.input(2);
  RETURN_IF_ERROR(CheckBoxes(gradient, boxes, context.input(3), image.shape()));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, boxes.shape()));
  float* const out = output->mutable_data<float>();
  std::fill_n(out, output->num_elements(), 0.0f);
  const int64_t depth = image.dim(3);
  // How far an end that moves by 1 moves line `i` of `count`: the low end and the high one.
  const auto moved = [](int64_t i, int64_t count, int64_t size) -> std::pair<float, float> {
    const auto last = static_cast<float>(size - 1);
    if (count <= 1) return {0.5f * last, 0.5f * last};
    const float high = static_cast<float>(i) * last / static_cast<float>(count - 1);
    return {last - high, high};
  };
  return DispatchType<RealTypes>(image.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    ForEachCropPixel(gradient, boxes, image.shape(), [&](const CropPixel& p) {
      const int64_t first_row = context.input(3).data<int32_t>()[p.box] * image.dim(1);
      const float* slopes =
          gradient.data<float>() + ((p.box * gradient.dim(1) + p.y) * gradient.dim(2) + p.x) * depth;
      const auto at = [&](int64_t row, int64_t column, int64_t c) {
        const T value = image.data<T>()[((first_row + row) * image.dim(2) + column) * depth + c];
        if constexpr (std::is_integral_v<T>) return static_cast<float>(value);
        return static_cast<float>(static_cast<Arithmetic<T>>(value));
      };
      float along_y = 0, along_x = 0;
      for (int64_t c = 0; c < depth; ++c) {
        const float top_left = at(p.top, p.left, c), top_right = at(p.top, p.right, c);
        const float bottom_left = at(p.bottom, p.left, c), bottom_right = at(p.bottom, p.right, c);
        along_y +=
            slopes[c] * ((bottom_left - top_left) * (1 - p.across) + (bottom_right - top_right) * p.across);
        along_x +=
            slopes[c] * ((top_right - top_left) * (1 - p.down) + (bottom_right - bottom_left) * p.down);
      }
      const auto [low_y, high_y] = moved(p.y, gradient.dim(1), image.dim(1));
      const auto [low_x, high_x] = moved(p.x, gradient.dim(2), image.dim(2));
      float* to = out + 4 * p.box;
      to[0] += along_y * low_y;
      to[1] += along_x * low_x;
      to[2] += along_y * high_y;
      to[3] += along_x * high_x;
    });
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(CropGradBoxes, "CropAndResizeGradBoxes");

}  // namespace
}  // namespace cryograph
