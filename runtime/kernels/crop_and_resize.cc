// CropAndResize.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

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
  // Where line `i` of `count` lies in an image of `size`, between the box's ends.
  static float Source(float low, float high, int64_t i, int64_t count, int64_t size) {
    const auto last = static_cast<float>(size - 1);
    if (count <= 1) return 0.5f * (low + high) * last;
    const float scale = (high - low) * last / static_cast<float>(count - 1);
    return low * last + static_cast<float>(i) * scale;
  }

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
          const auto from_y = static_cast<int64_t>(std::round(source_y));
          const auto from_x = static_cast<int64_t>(std::round(source_x));
          for (int64_t c = 0; c < depth; ++c) {
            out[c] = static_cast<float>(image[(from_y * width + from_x) * depth + c]);
          }
        } else {
          const auto top = static_cast<int64_t>(std::floor(source_y)),
                     left = static_cast<int64_t>(std::floor(source_x));
          const auto bottom = static_cast<int64_t>(std::ceil(source_y)),
                     right = static_cast<int64_t>(std::ceil(source_x));
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

}  // namespace
}  // namespace cryograph
