// DrawBoundingBoxes, DrawBoundingBoxesV2.
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using Color = std::array<float, 4>;
constexpr Color kColors[] = {{1, 1, 0, 1},       {0, 0, 1, 1},       {1, 0, 0, 1},    {0, 1, 0, 1},
                             {0.5f, 0, 0.5f, 1}, {0.5f, 0.5f, 0, 1}, {0.5f, 0, 0, 1}, {0, 0, 0.5f, 1},
                             {0, 1, 1, 1},       {1, 0, 1, 1}};

// The pixel of a coordinate in [0, 1], and far outside for what is far outside or no number.
int64_t Pixel(float coordinate, int64_t size) {
  const float pixel = coordinate * static_cast<float>(size - 1);
  constexpr float kFar = 1e9f;
  if (std::isnan(pixel)) return -static_cast<int64_t>(kFar);
  return static_cast<int64_t>(std::min(std::max(pixel, -kFar), kFar));
}

template <typename T>
void Draw(T* image, const Shape& shape, const float* box, const float* color) {
  const int64_t height = shape[1], width = shape[2], depth = shape[3];
  const int64_t top = Pixel(box[0], height), left = Pixel(box[1], width);
  const int64_t bottom = Pixel(box[2], height), right = Pixel(box[3], width);
  if (top > bottom || left > right || top >= height || bottom < 0 || left >= width || right < 0) return;
  const auto paint = [&](int64_t y, int64_t x) {
    for (int64_t c = 0; c < depth; ++c) image[(y * width + x) * depth + c] = T(color[c]);
  };
  const int64_t first_x = std::max<int64_t>(left, 0), last_x = std::min(right, width - 1);
  const int64_t first_y = std::max<int64_t>(top, 0), last_y = std::min(bottom, height - 1);
  for (int64_t x = first_x; x <= last_x; ++x) {
    if (top >= 0) paint(top, x);
    if (bottom < height) paint(bottom, x);
  }
  for (int64_t y = first_y; y <= last_y; ++y) {
    if (left >= 0) paint(y, left);
    if (right < width) paint(y, right);
  }
}

absl::Status DrawBoxes(KernelContext& context) {
  const Value& images = context.input(0);
  const Value& boxes = context.input(1);
  RETURN_IF_ERROR(ExpectRank(images, 4, "images"));
  if (boxes.rank() != 3 || boxes.dim(0) != images.dim(0) || boxes.dim(2) != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("boxes must be of shape [", images.dim(0), ",n,4], not ", ShapeText(boxes.shape())));
  }
  const int64_t depth = images.dim(3);
  if (depth != 1 && depth != 3 && depth != 4) {
    return absl::InvalidArgumentError(absl::StrCat("images must have 1, 3 or 4 channels, not ", depth));
  }
  const Value* colors = context.num_inputs() > 2 ? &context.input(2) : nullptr;
  if (colors != nullptr && colors->num_elements() != 0) {
    RETURN_IF_ERROR(ExpectMatrix(*colors, "colors"));
    if (colors->dim(1) < depth) {
      return absl::InvalidArgumentError(
          absl::StrCat("colors must have ", depth, " channels, not ", colors->dim(1)));
    }
  } else {
    colors = nullptr;
  }
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, images.shape()));
  if (output->num_elements() == 0) return absl::OkStatus();
  return DispatchType<FloatTypes>(images.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    T* const out = output->mutable_data<T>();
    if (out != images.data<T>()) std::copy_n(images.data<T>(), images.num_elements(), out);
    const int64_t count = boxes.dim(1), pixels = images.num_elements() / images.dim(0);
    constexpr Color kWhite = {1, 1, 1, 1};
    for (int64_t i = 0; i < images.dim(0) * count; ++i) {
      if (i % 1024 == 0) RETURN_IF_ERROR(context.CheckLimits());
      const float* color = kWhite.data();
      if (colors != nullptr) {
        color = colors->data<float>() + i % count % colors->dim(0) * colors->dim(1);
      } else if (depth > 1) {
        color = kColors[i % count % static_cast<int64_t>(std::size(kColors))].data();
      }
      Draw(out + i / count * pixels, images.shape(), boxes.data<float>() + 4 * i, color);
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(DrawBoxes, "DrawBoundingBoxes", "DrawBoundingBoxesV2");

}  // namespace
}  // namespace cryograph
