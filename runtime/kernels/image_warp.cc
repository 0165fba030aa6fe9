// ImageProjectiveTransformV2, ImageProjectiveTransformV3, ScaleAndTranslate.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

enum class Fill { kConstant, kReflect, kWrap, kNearest };

// A coordinate in an axis of `size` samples, brought into [0, size - 1] as `fill` says.
float Inside(float x, int64_t size, Fill fill) {
  const auto length = static_cast<float>(size), last = static_cast<float>(size - 1);
  if (fill == Fill::kConstant || std::isnan(x)) return x;
  if (fill == Fill::kReflect) {
    if (size <= 1) return 0;
    const float period = 2 * length;
    if (x < 0) {
      x += period * std::trunc(-x / period);
      x = x < -length ? x + period : -x - 1;
    } else if (x > last) {
      x -= period * std::trunc(x / period);
      if (x >= length) x = period - x - 1;
    }
  } else if (fill == Fill::kWrap) {
    if (size <= 1) return 0;
    if (x < 0) {
      x += length * (std::trunc(-x / last) + 1);
    } else if (x > last) {
      x -= length * std::trunc(x / last);
    }
  }
  return std::min(std::max(x, 0.0f), last);
}

class ProjectiveTransformKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string interpolation, fill;
    RETURN_IF_ERROR(node.Attr("interpolation", &interpolation));
    RETURN_IF_ERROR(node.Attr("fill_mode", &fill));
    if (interpolation != "NEAREST" && interpolation != "BILINEAR") {
      return absl::InvalidArgumentError("interpolation must be 'NEAREST' or 'BILINEAR'");
    }
    nearest_ = interpolation == "NEAREST";
    if (fill == "CONSTANT") {
      fill_ = Fill::kConstant;
    } else if (fill == "REFLECT") {
      fill_ = Fill::kReflect;
    } else if (fill == "WRAP") {
      fill_ = Fill::kWrap;
    } else if (fill == "NEAREST") {
      fill_ = Fill::kNearest;
    } else {
      return absl::InvalidArgumentError("fill_mode must be 'CONSTANT', 'REFLECT', 'WRAP' or 'NEAREST'");
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& images = context.input(0);
    const Value& transforms = context.input(1);
    RETURN_IF_ERROR(ExpectRank(images, 4, "images"));
    if (transforms.rank() != 2 || transforms.dim(1) != 8 ||
        (transforms.dim(0) != 1 && transforms.dim(0) != images.dim(0))) {
      return absl::InvalidArgumentError(absl::StrCat("transforms must be of shape [1 or ", images.dim(0),
                                                     ",8], not ", ShapeText(transforms.shape())));
    }
    RETURN_IF_ERROR(ExpectVector(context.input(2), "output_shape"));
    ASSIGN_OR_RETURN(const Shape size, IntVector(context.input(2), "output_shape"));
    if (size.size() != 2 || size[0] < 1 || size[1] < 1) {
      return absl::InvalidArgumentError("output_shape must be two positive numbers");
    }
    float outside = 0;
    if (context.num_inputs() > 3) {
      RETURN_IF_ERROR(ExpectScalar(context.input(3), "fill_value"));
      outside = context.input(3).scalar<float>();
    }
    ASSIGN_OR_RETURN(Value * output,
                     context.AllocateOutput(0, {images.dim(0), size[0], size[1], images.dim(3)}));
    if (output->num_elements() == 0) return absl::OkStatus();
    return DispatchType<RealTypes>(images.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const int64_t depth = images.dim(3), image_size = images.dim(1) * images.dim(2) * depth;
      context.ParallelFor(
          images.dim(0) * size[0], 20.0 * static_cast<double>(size[1] * depth),
          [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row) {
              const int64_t b = row / size[0];
              const float* t = transforms.data<float>() + (transforms.dim(0) == 1 ? 0 : 8 * b);
              Row(images.data<T>() + b * image_size, images.shape(), t, row % size[0], size[1],
                  static_cast<T>(outside), output->mutable_data<T>() + row * size[1] * depth);
            }
          });
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void Row(const T* image, const Shape& shape, const float* t, int64_t row, int64_t columns, T outside,
           T* out) const {
    const int64_t height = shape[1], width = shape[2], depth = shape[3];
    const auto y = static_cast<float>(row);
    const auto at = [&](float from_y, float from_x, int64_t c) {
      // Written so that no number fails, too.
      const bool inside = from_y >= 0 && from_y < static_cast<float>(height) && from_x >= 0 &&
                          from_x < static_cast<float>(width);
      if (!inside) return outside;
      return image[(static_cast<int64_t>(from_y) * width + static_cast<int64_t>(from_x)) * depth + c];
    };
    for (int64_t i = 0; i < columns; ++i, out += depth) {
      const auto x = static_cast<float>(i);
      const float projection = t[6] * x + t[7] * y + 1.0f;
      if (projection == 0) {
        std::fill_n(out, depth, outside);
        continue;
      }
      const float from_x = Inside((t[0] * x + t[1] * y + t[2]) / projection, width, fill_);
      const float from_y = Inside((t[3] * x + t[4] * y + t[5]) / projection, height, fill_);
      const float left = std::floor(from_x), top = std::floor(from_y);
      for (int64_t c = 0; c < depth; ++c) {
        if (nearest_) {
          out[c] = at(std::round(from_y), std::round(from_x), c);
          continue;
        }
        const auto blend = [&](float line) {
          return (left + 1 - from_x) * static_cast<float>(at(line, left, c)) +
                 (from_x - left) * static_cast<float>(at(line, left + 1, c));
        };
        const float value = (top + 1 - from_y) * blend(top) + (from_y - top) * blend(top + 1);
        if constexpr (std::is_integral_v<T>) {
          // Between samples, or no number: then 0.
          out[c] = std::isfinite(value) ? static_cast<T>(static_cast<int64_t>(value)) : T(0);
        } else {
          out[c] = T(value);
        }
      }
    }
  }

  bool nearest_ = true;
  Fill fill_ = Fill::kConstant;
};
CRYOGRAPH_KERNEL(ProjectiveTransformKernel, "ImageProjectiveTransformV2", "ImageProjectiveTransformV3");

// A reconstruction filter: its value at distance x >= 0, and beyond which distance it is zero.
struct Filter {
  float radius;
  float (*value)(float x);
};

template <int radius>
float Lanczos(float x) {
  constexpr float kPi = 3.14159265358979323846f;
  if (x > static_cast<float>(radius)) return 0;
  if (x <= 1e-3f) return 1;
  const float r = static_cast<float>(radius);
  return r * std::sin(kPi * x) * std::sin(kPi * x / r) / (kPi * kPi * x * x);
}
float Gaussian(float x) { return x >= 1.5f ? 0.0f : std::exp(-x * x / (2.0f * 0.5f * 0.5f)); }
float Box(float x) { return x < 0.5f ? 1.0f : x == 0.5f ? 0.5f : 0.0f; }
float Triangle(float x) { return x < 1 ? 1 - x : 0.0f; }
// Keys, 1981, with a = -0.5.
float KeysCubic(float x) {
  if (x >= 2) return 0;
  return x >= 1 ? ((-0.5f * x + 2.5f) * x - 4.0f) * x + 2.0f : ((1.5f * x - 2.5f) * x) * x + 1.0f;
}
// Mitchell and Netravali, 1988, with B = C = 1/3.
float MitchellCubic(float x) {
  if (x >= 2) return 0;
  return x >= 1 ? (((-7.0f / 18.0f) * x + 2.0f) * x - 10.0f / 3.0f) * x + 16.0f / 9.0f
                : (((7.0f / 6.0f) * x - 2.0f) * x) * x + 8.0f / 9.0f;
}

const Filter* FindFilter(absl::string_view name) {
  static constexpr std::pair<absl::string_view, Filter> kFilters[] = {{"lanczos1", {1, Lanczos<1>}},
                                                                      {"lanczos3", {3, Lanczos<3>}},
                                                                      {"lanczos5", {5, Lanczos<5>}},
                                                                      {"gaussian", {1.5f, Gaussian}},
                                                                      {"box", {1, Box}},
                                                                      {"triangle", {1, Triangle}},
                                                                      {"keyscubic", {2, KeysCubic}},
                                                                      {"mitchellcubic", {2, MitchellCubic}}};
  for (const auto& [filter_name, filter] : kFilters) {
    if (filter_name == name) return &filter;
  }
  return nullptr;
}

// What a line of the output is made of: `count` lines of the input from `first`, by weights.
struct Span {
  int64_t first = 0, count = 0;
};
Span SpanOf(int64_t line, int64_t size, float scale, float translation, const Filter& filter, bool antialias,
            float* weights) {
  const float inverse = 1.0f / scale;
  const float center = (static_cast<float>(line) + 0.5f) * inverse - inverse * translation;
  if (!(center >= 0 && center <= static_cast<float>(size))) return {};
  const float stretch = antialias ? std::max(inverse, 1.0f) : 1.0f;
  const auto clamp = [size](float x) {
    // The float of a huge size may be rounded up.
    return std::min(static_cast<int64_t>(std::min(std::max(x, 0.0f), static_cast<float>(size - 1))),
                    size - 1);
  };
  Span span;
  span.first = clamp(std::ceil(center - filter.radius * stretch - 0.5f));
  span.count = clamp(std::floor(center + filter.radius * stretch - 0.5f)) - span.first + 1;
  float total = 0;
  for (int64_t i = 0; i < span.count; ++i) {
    const float distance = static_cast<float>(span.first + i) + 0.5f - center;
    total += weights[i] = filter.value(std::abs(distance / stretch));
  }
  if (std::abs(total) < 1000.0f * std::numeric_limits<float>::min()) return {};
  for (int64_t i = 0; i < span.count; ++i) weights[i] /= total;
  return span;
}

class ScaleAndTranslateKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string kernel;
    RETURN_IF_ERROR(node.Attr("antialias", &antialias_));
    RETURN_IF_ERROR(node.Attr("kernel_type", &kernel));
    filter_ = FindFilter(kernel);
    if (filter_ == nullptr) return absl::InvalidArgumentError(absl::StrCat("no kernel_type '", kernel, "'"));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& images = context.input(0);
    RETURN_IF_ERROR(ExpectRank(images, 4, "images"));
    RETURN_IF_ERROR(ExpectVector(context.input(1), "size"));
    ASSIGN_OR_RETURN(const Shape size, IntVector(context.input(1), "size"));
    const Value& scale = context.input(2);
    const Value& translation = context.input(3);
    if (size.size() != 2 || size[0] < 1 || size[1] < 1) {
      return absl::InvalidArgumentError("size must be two positive numbers");
    }
    if (!scale.is_vector() || scale.dim(0) != 2 || !translation.is_vector() || translation.dim(0) != 2) {
      return absl::InvalidArgumentError("scale and translation must be vectors of two numbers");
    }
    for (const float s : scale.span<float>()) {
      if (!(s > 0 && std::isfinite(s))) return absl::InvalidArgumentError("scale must be positive");
    }
    const int64_t batch = images.dim(0), height = images.dim(1), width = images.dim(2), depth = images.dim(3);
    if (height < 1 || width < 1) return absl::InvalidArgumentError("images must not be empty");
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {batch, size[0], size[1], depth}));
    ASSIGN_OR_RETURN(Value between, context.AllocateTemp(DT_FLOAT, {batch, size[0], width, depth}));
    ASSIGN_OR_RETURN(Value weights, context.AllocateTemp(DT_FLOAT, {std::max(height, width)}));
    if (output->num_elements() == 0) return absl::OkStatus();
    RETURN_IF_ERROR(DispatchType<RealTypes>(images.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      return Resample(context, images.data<T>(), batch, height, size[0], width * depth,
                      scale.data<float>()[0], translation.data<float>()[0], weights.mutable_data<float>(),
                      between.mutable_data<float>());
    }));
    return Resample(context, between.data<float>(), batch * size[0], width, size[1], depth,
                    scale.data<float>()[1], translation.data<float>()[1], weights.mutable_data<float>(),
                    output->mutable_data<float>());
  }

 private:
  // [outer, from, inner] to [outer, to, inner].
  template <typename T>
  absl::Status Resample(KernelContext& context, const T* in, int64_t outer, int64_t from, int64_t to,
                        int64_t inner, float scale, float translation, float* weights, float* out) const {
    for (int64_t line = 0; line < to; ++line) {
      RETURN_IF_ERROR(context.CheckLimits());
      const Span span = SpanOf(line, from, scale, translation, *filter_, antialias_, weights);
      for (int64_t o = 0; o < outer; ++o) {
        float* const row = out + (o * to + line) * inner;
        std::fill_n(row, inner, 0.0f);
        for (int64_t i = 0; i < span.count; ++i) {
          const T* const source = in + (o * from + span.first + i) * inner;
          for (int64_t k = 0; k < inner; ++k) row[k] += weights[i] * static_cast<float>(source[k]);
        }
      }
    }
    return absl::OkStatus();
  }

  const Filter* filter_ = nullptr;
  bool antialias_ = true;
};
CRYOGRAPH_KERNEL(ScaleAndTranslateKernel, "ScaleAndTranslate");

}  // namespace
}  // namespace cryograph
