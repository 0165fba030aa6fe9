// RGBToHSV, HSVToRGB, AdjustHue, AdjustSaturation, AdjustContrast, AdjustContrastv2.
#include <algorithm>
#include <cmath>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

template <typename T>
void ToHsv(const T* rgb, T* hsv) {
  const T r = rgb[0], g = rgb[1], b = rgb[2];
  const T value = std::max(r, std::max(g, b));
  const T range = value - std::min(r, std::min(g, b));
  T hue = 0;
  if (range > 0) {
    const T norm = T(1) / (T(6) * range);
    if (r == value) {
      hue = norm * (g - b);
    } else if (g == value) {
      hue = norm * (b - r) + T(2) / T(6);
    } else {
      hue = norm * (r - g) + T(4) / T(6);
    }
    if (hue < 0) hue += 1;
  }
  hsv[0] = hue;
  hsv[1] = value > 0 ? range / value : T(0);
  hsv[2] = value;
}

template <typename T>
void ToRgb(const T* hsv, T* rgb) {
  const T sextant = hsv[0] * T(6), saturation = hsv[1], value = hsv[2];
  const auto channel = [&](T distance) {
    const T share = std::min(std::max(distance, T(0)), T(1));
    return (T(1) - saturation + saturation * share) * value;
  };
  rgb[0] = channel(std::abs(sextant - T(3)) - T(1));
  rgb[1] = channel(T(2) - std::abs(sextant - T(2)));
  rgb[2] = channel(T(2) - std::abs(sextant - T(4)));
}

absl::Status ExpectThreeChannels(const Value& images, int least_rank) {
  if (images.rank() < least_rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("the input must be at least of rank ", least_rank, ", not ", images.rank()));
  }
  const int64_t channels = images.dim(images.rank() - 1);
  if (channels == 3) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the input must have 3 channels, not ", channels));
}

// `convert(const C* in, C* out)` for each pixel, computed in C: double for double, else float.
template <typename Convert>
absl::Status ForEachPixel(KernelContext& context, Convert convert) {
  const Value& images = context.input(0);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, images.shape()));
  return DispatchType<FloatTypes>(images.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using C = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const T* in = images.data<T>();
    T* out = output->mutable_data<T>();
    context.ParallelFor(images.num_elements() / 3, 20, [&](int64_t begin, int64_t end) {
      for (int64_t i = 3 * begin; i < 3 * end; i += 3) {
        const C pixel[3] = {static_cast<C>(in[i]), static_cast<C>(in[i + 1]), static_cast<C>(in[i + 2])};
        C result[3];
        convert(pixel, result);
        for (int c = 0; c < 3; ++c) out[i + c] = T(result[c]);
      }
    });
    return absl::OkStatus();
  });
}

absl::Status RgbToHsv(KernelContext& context) {
  RETURN_IF_ERROR(ExpectThreeChannels(context.input(0), 1));
  return ForEachPixel(context, [](const auto* in, auto* out) { ToHsv(in, out); });
}
CRYOGRAPH_KERNEL_FUNCTION(RgbToHsv, "RGBToHSV");

absl::Status HsvToRgb(KernelContext& context) {
  RETURN_IF_ERROR(ExpectThreeChannels(context.input(0), 1));
  return ForEachPixel(context, [](const auto* in, auto* out) { ToRgb(in, out); });
}
CRYOGRAPH_KERNEL_FUNCTION(HsvToRgb, "HSVToRGB");

absl::Status AdjustHue(KernelContext& context) {
  RETURN_IF_ERROR(ExpectThreeChannels(context.input(0), 3));
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "delta"));
  const float delta = context.input(1).scalar<float>();
  return ForEachPixel(context, [delta](const auto* in, auto* out) {
    using C = std::decay_t<decltype(*out)>;
    C hsv[3];
    ToHsv(in, hsv);
    hsv[0] += C(delta);
    hsv[0] -= std::floor(hsv[0]);
    ToRgb(hsv, out);
  });
}
CRYOGRAPH_KERNEL_FUNCTION(AdjustHue, "AdjustHue");

absl::Status AdjustSaturation(KernelContext& context) {
  RETURN_IF_ERROR(ExpectThreeChannels(context.input(0), 3));
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "scale"));
  const float scale = context.input(1).scalar<float>();
  return ForEachPixel(context, [scale](const auto* in, auto* out) {
    using C = std::decay_t<decltype(*out)>;
    C hsv[3];
    ToHsv(in, hsv);
    hsv[1] = std::min(std::max(hsv[1] * C(scale), C(0)), C(1));
    ToRgb(hsv, out);
  });
}
CRYOGRAPH_KERNEL_FUNCTION(AdjustSaturation, "AdjustSaturation");

// (x - mean) * factor + mean, with the mean of each channel of each image; `limit(y)` of it is stored.
template <typename T, typename Out, typename Limit>
void AdjustContrast(KernelContext& context, const Value& images, float factor, Out* out, Limit limit) {
  const int rank = images.rank();
  const int64_t depth = images.dim(rank - 1), pixels = images.dim(rank - 3) * images.dim(rank - 2);
  if (images.num_elements() == 0) return;
  const int64_t channels = images.num_elements() / pixels;
  const T* in = images.data<T>();
  context.ParallelFor(channels, 4.0 * static_cast<double>(pixels), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / depth * pixels * depth + i % depth;
      double sum = 0;
      for (int64_t p = 0; p < pixels; ++p) sum += static_cast<double>(in[first + p * depth]);
      const auto mean = static_cast<float>(sum / static_cast<double>(pixels));
      for (int64_t p = 0; p < pixels; ++p) {
        const int64_t at = first + p * depth;
        out[at] = Out(limit((static_cast<float>(in[at]) - mean) * factor + mean));
      }
    }
  });
}

absl::Status ExpectImage(const Value& images) {
  if (images.rank() >= 3) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the input must be at least of rank 3, not of shape ", ShapeText(images.shape())));
}

absl::Status ContrastV2(KernelContext& context) {
  const Value& images = context.input(0);
  RETURN_IF_ERROR(ExpectImage(images));
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "contrast_factor"));
  const float factor = context.input(1).scalar<float>();
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, images.shape()));
  return DispatchType<FloatTypes>(images.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    AdjustContrast<T>(context, images, factor, output->mutable_data<T>(), [](float y) { return y; });
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(ContrastV2, "AdjustContrastv2");

absl::Status Contrast(KernelContext& context) {
  const Value& images = context.input(0);
  RETURN_IF_ERROR(ExpectImage(images));
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "contrast_factor"));
  RETURN_IF_ERROR(ExpectScalar(context.input(2), "min_value"));
  RETURN_IF_ERROR(ExpectScalar(context.input(3), "max_value"));
  const float least = context.input(2).scalar<float>(), most = context.input(3).scalar<float>();
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, images.shape()));
  return DispatchType<RealTypes>(images.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    AdjustContrast<T>(context, images, context.input(1).scalar<float>(), output->mutable_data<float>(),
                      [&](float y) { return std::min(std::max(y, least), most); });
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Contrast, "AdjustContrast");

}  // namespace
}  // namespace cryograph
