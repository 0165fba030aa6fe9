// ImageSummary: images as PNG files in a Summary message.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/image_codec.h"

namespace cryograph {
namespace {

class ImageSummaryKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("max_images", &max_images_));
    if (max_images_ < 1) return absl::InvalidArgumentError("max_images must be at least 1");
    Tensor color;
    RETURN_IF_ERROR(node.Attr("bad_color", &color));
    if (color.dtype != DT_UINT8 || color.dims.size() != 1) {
      return absl::InvalidArgumentError("bad_color must be a vector of uint8");
    }
    bad_color_ = color.Copy<uint8_t>();
    const DataType type = node.input_type(1);
    return type == DT_UINT8 || IsOneOf<FloatTypes>(type) ? absl::OkStatus() : node.UnsupportedType(type);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectScalar(context.input(0), "tag"));
    const std::string& tag = context.input(0).scalar<std::string>();
    const Value& images = context.input(1);
    RETURN_IF_ERROR(ExpectRank(images, 4, "tensor"));
    const int64_t height = images.dim(1), width = images.dim(2), depth = images.dim(3);
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    if ((depth != 1 && depth != 3 && depth != 4) || height < 1 || width < 1 ||
        height >= kMost / width / depth) {
      return absl::InvalidArgumentError(absl::StrCat("no image file can be made of shape ",
                                                     ShapeText(images.shape()),
                                                     ": the last dimension must be 1, 3 or 4"));
    }
    const int64_t count = std::min(max_images_, images.dim(0)), size = height * width * depth;
    ASSIGN_OR_RETURN(Value pixels, context.AllocateTemp(DT_UINT8, {size}));
    std::string summary;
    for (int64_t n = 0; n < count; ++n) {
      RETURN_IF_ERROR(context.CheckLimits());
      RETURN_IF_ERROR(ToPixels(images, n * size, size, depth, pixels.mutable_data<uint8_t>()));
      ASSIGN_OR_RETURN(const std::string png,
                       EncodePng(pixels.raw(), {1, height, width, depth}, /*sixteen_bits=*/false, -1));
      std::string image, value;
      AppendVarintField(1, static_cast<uint64_t>(height), &image);
      AppendVarintField(2, static_cast<uint64_t>(width), &image);
      AppendVarintField(3, static_cast<uint64_t>(depth), &image);
      AppendBytesField(4, png, &image);
      AppendBytesField(1, max_images_ == 1 ? absl::StrCat(tag, "/image") : absl::StrCat(tag, "/image/", n),
                       &value);
      AppendBytesField(4, image, &value);
      AppendBytesField(1, value, &summary);
    }
    return context.SetScalarOutput<std::string>(0, std::move(summary));
  }

 private:
  // Numbers are scaled so that the largest becomes 255; if there are negative ones, 0 becomes 128 and the
  // farthest from it 1 or 255. A pixel with one that is not finite gets the bad color.
  absl::Status ToPixels(const Value& images, int64_t first, int64_t size, int64_t depth,
                        uint8_t* pixels) const {
    if (images.dtype() == DT_UINT8) {
      std::copy_n(images.data<uint8_t>() + first, size, pixels);
      return absl::OkStatus();
    }
    return DispatchType<FloatTypes>(images.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using A = Arithmetic<T>;
      const T* const values = images.data<T>() + first;
      const auto at = [&](int64_t i) { return static_cast<A>(values[i]); };
      const auto rounded = [](A x) { return static_cast<A>(static_cast<T>(x)); };
      const auto is_bad = [&](int64_t pixel) {
        for (int64_t c = 0; c < depth; ++c) {
          if (!std::isfinite(at(pixel * depth + c))) return true;
        }
        return false;
      };
      A least = std::numeric_limits<A>::infinity(), most = -least;
      for (int64_t p = 0; p < size / depth; ++p) {
        if (is_bad(p)) continue;
        for (int64_t c = 0; c < depth; ++c) {
          least = std::min(least, at(p * depth + c));
          most = std::max(most, at(p * depth + c));
        }
      }
      const bool negative = least < 0;
      const A largest = negative ? std::max(std::abs(least), std::abs(most)) : most;
      constexpr A kZero = A(1e-6);  // What TensorFlow takes for nothing.
      const A scale = rounded(largest < kZero ? A(0) : A(negative ? 127 : 255) / largest);
      const A offset = A(negative ? 128 : 0);
      for (int64_t p = 0; p < size / depth; ++p) {
        const bool bad = is_bad(p);
        if (bad && static_cast<int64_t>(bad_color_.size()) < depth) {
          return absl::InvalidArgumentError(
              absl::StrCat("bad_color has ", bad_color_.size(), " numbers for ", depth, " channels"));
        }
        for (int64_t c = 0; c < depth; ++c) {
          pixels[p * depth + c] =
              bad ? bad_color_[static_cast<size_t>(c)]
                  : static_cast<uint8_t>(rounded(rounded(at(p * depth + c) * scale) + offset));
        }
      }
      return absl::OkStatus();
    });
  }

  int64_t max_images_ = 3;
  std::vector<uint8_t> bad_color_;
};
CRYOGRAPH_KERNEL(ImageSummaryKernel, "ImageSummary");

}  // namespace
}  // namespace cryograph
