// ExtractGlimpse, with zeros where the glimpse leaves the image.
#include <algorithm>
#include <cmath>
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class ExtractGlimpseKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    bool uniform = true;
    std::string noise;
    RETURN_IF_ERROR(node.Attr("centered", &centered_));
    RETURN_IF_ERROR(node.Attr("normalized", &normalized_));
    RETURN_IF_ERROR(node.Attr("uniform_noise", &uniform));
    RETURN_IF_ERROR(node.Attr("noise", &noise));
    if (uniform && noise == "uniform") return node.UnsupportedAttr("uniform_noise", "true");
    if (noise == "zero") return absl::OkStatus();
    if (noise != "uniform" && noise != "gaussian") {
      return absl::InvalidArgumentError("noise must be 'uniform', 'gaussian' or 'zero'");
    }
    return node.UnsupportedAttr("noise", noise);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& images = context.input(0);
    const Value& offsets = context.input(2);
    RETURN_IF_ERROR(ExpectRank(images, 4, "input"));
    RETURN_IF_ERROR(ExpectVector(context.input(1), "size"));
    ASSIGN_OR_RETURN(const Shape size, IntVector(context.input(1), "size"));
    if (size.size() != 2 || size[0] < 1 || size[1] < 1) {
      return absl::InvalidArgumentError("size must be two positive numbers");
    }
    if (offsets.rank() != 2 || offsets.dim(0) != images.dim(0) || offsets.dim(1) != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("offsets must be of shape [", images.dim(0), ",2], not ", ShapeText(offsets.shape())));
    }
    const int64_t height = images.dim(1), width = images.dim(2), depth = images.dim(3);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {images.dim(0), size[0], size[1], depth}));
    float* out = output->mutable_data<float>();
    std::fill_n(out, output->num_elements(), 0.0f);
    for (int64_t b = 0; b < images.dim(0); ++b, out += size[0] * size[1] * depth) {
      const float* image = images.data<float>() + b * height * width * depth;
      const int64_t top = Start(offsets.data<float>()[2 * b], height, size[0]);
      const int64_t left = Start(offsets.data<float>()[2 * b + 1], width, size[1]);
      const int64_t first = std::max<int64_t>(0, -left), last = std::min(size[1], width - left);
      for (int64_t i = std::max<int64_t>(0, -top); first < last && i < std::min(size[0], height - top); ++i) {
        std::copy_n(image + ((top + i) * width + left + first) * depth, (last - first) * depth,
                    out + (i * size[1] + first) * depth);
      }
    }
    return absl::OkStatus();
  }

 private:
  // The first line of a window whose center is at `offset`.
  int64_t Start(float offset, int64_t image, int64_t window) const {
    float center = offset;
    if (normalized_) center *= static_cast<float>(image);
    if (centered_) center = center / 2.0f + static_cast<float>(image) / 2.0f;
    center -= static_cast<float>(window) / 2.0f;
    constexpr float kFar = 1e12f;
    if (std::isnan(center)) return static_cast<int64_t>(kFar);
    return static_cast<int64_t>(std::min(std::max(center, -kFar), kFar));
  }

  bool centered_ = true, normalized_ = true;
};
CRYOGRAPH_KERNEL(ExtractGlimpseKernel, "ExtractGlimpse");

}  // namespace
}  // namespace cryograph
