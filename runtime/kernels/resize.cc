// ResizeBilinear, QuantizedResizeBilinear, ResizeNearestNeighbor, ResizeBicubic, ResizeArea.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/element_lists.h"

namespace cryograph {
namespace {

// Images are [batch, height, width, channels]; coordinates are computed in float, as TensorFlow does.
class ResizeKernel : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("align_corners", &align_corners_));
    // The attribute is younger than the ops, and ResizeArea never had it.
    if (node.attr("half_pixel_centers").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("half_pixel_centers", &half_pixel_centers_));
    }
    if (align_corners_ && half_pixel_centers_) {
      return absl::InvalidArgumentError("if half_pixel_centers is True, align_corners must be False");
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& images = context.input(0);
    RETURN_IF_ERROR(ExpectRank(images, 4, "images"));
    RETURN_IF_ERROR(ExpectVector(context.input(1), "size"));
    ASSIGN_OR_RETURN(const Shape size, IntVector(context.input(1), "size"));
    if (size.size() != 2) return absl::InvalidArgumentError("size must be two numbers");
    if (size[0] <= 0 || size[1] <= 0) return absl::InvalidArgumentError("output dimensions must be positive");
    if (images.dim(1) <= 0 || images.dim(2) <= 0) {
      return absl::InvalidArgumentError("input image must be of non-zero size");
    }
    constexpr int64_t kMost = int64_t{1} << 31;
    if (images.dim(1) >= kMost || images.dim(2) >= kMost || size[0] >= kMost || size[1] >= kMost) {
      return absl::InvalidArgumentError("image sizes must be below 2^31");
    }
    ASSIGN_OR_RETURN(Value * output,
                     context.AllocateOutput(0, {images.dim(0), size[0], size[1], images.dim(3)}));
    if (output->num_elements() == 0) return absl::OkStatus();
    return Resize(context, images, output);
  }

 protected:
  virtual absl::Status Resize(KernelContext& context, const Value& images, Value* output) const = 0;

  float Scale(int64_t in, int64_t out) const {
    return align_corners_ && out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                     : static_cast<float>(in) / static_cast<float>(out);
  }
  bool half_pixel_centers() const { return half_pixel_centers_; }
  bool align_corners() const { return align_corners_; }

  float Source(int64_t place, float scale) const {
    return half_pixel_centers_ ? (static_cast<float>(place) + 0.5f) * scale - 0.5f
                               : static_cast<float>(place) * scale;
  }

 private:
  bool align_corners_ = false, half_pixel_centers_ = false;
};

class ResizeBilinearKernel : public ResizeKernel {
 protected:
  absl::Status Resize(KernelContext& context, const Value& images, Value* output) const override {
    return DispatchType<RealTypes>(images.dtype(), [&](auto tag) {
      Interpolate<TypeOf<decltype(tag)>, float, float>(context, images, output);
      return absl::OkStatus();
    });
  }

  // Computes in Real.
  template <typename T, typename Real, typename Out>
  void Interpolate(KernelContext& context, const Value& images, Value* output) const {
    const std::vector<Tap> rows = Taps(images.dim(1), output->dim(1)),
                           columns = Taps(images.dim(2), output->dim(2));
    const int64_t depth = images.dim(3), in_row = images.dim(2) * depth, out_row = output->dim(2) * depth;
    const int64_t in_image = images.dim(1) * in_row;
    context.ParallelFor(output->dim(0) * output->dim(1), 4.0 * static_cast<double>(out_row),
                        [&](int64_t begin, int64_t end) {
                          for (int64_t line = begin; line < end; ++line) {
                            const Tap& y = rows[static_cast<size_t>(line % output->dim(1))];
                            const T* image = images.data<T>() + line / output->dim(1) * in_image;
                            const T* top = image + y.lower * in_row;
                            const T* bottom = image + y.upper * in_row;
                            Out* out = output->mutable_data<Out>() + line * out_row;
                            for (const Tap& x : columns) {
                              const int64_t left = x.lower * depth, right = x.upper * depth;
                              for (int64_t c = 0; c < depth; ++c) {
                                const Real top_left = static_cast<Real>(top[left + c]),
                                           top_right = static_cast<Real>(top[right + c]);
                                const Real bottom_left = static_cast<Real>(bottom[left + c]);
                                const Real bottom_right = static_cast<Real>(bottom[right + c]);
                                const Real above = top_left + (top_right - top_left) * x.weight;
                                const Real below = bottom_left + (bottom_right - bottom_left) * x.weight;
                                const Real value = above + (below - above) * y.weight;
                                *out++ = static_cast<Out>(value);
                              }
                            }
                          }
                        });
  }

  // Computes in fixed point with `bits` bits of the weights, as TensorFlow does with codes, cutting off where
  // it does.
  template <typename T>
  void InterpolateFixed(const Value& images, Value* output, int bits) const {
    const std::vector<Tap> rows = Taps(images.dim(1), output->dim(1)),
                           columns = Taps(images.dim(2), output->dim(2));
    const int64_t one = int64_t{1} << bits;
    const auto fixed = [one](float weight) { return static_cast<int64_t>(weight * static_cast<float>(one)); };
    const int64_t depth = images.dim(3), in_row = images.dim(2) * depth;
    T* out = output->mutable_data<T>();
    for (int64_t n = 0; n < images.dim(0); ++n) {
      const T* image = images.data<T>() + n * images.dim(1) * in_row;
      for (const Tap& y : rows) {
        const T *top = image + y.lower * in_row, *bottom = image + y.upper * in_row;
        const int64_t y_weight = fixed(y.weight);
        for (const Tap& x : columns) {
          const int64_t left = x.lower * depth, right = x.upper * depth, x_weight = fixed(x.weight);
          for (int64_t c = 0; c < depth; ++c) {
            const auto between = [&](const T* line) {
              const int64_t first = line[left + c], second = line[right + c];
              return first * one + (second - first) * x_weight;
            };
            const int64_t above = between(top);
            const int64_t value = above + (between(bottom) - above) / one * y_weight;
            *out++ = static_cast<T>((value + one / 2) / one);
          }
        }
      }
    }
  }

 protected:
  struct Tap {
    int64_t lower, upper;
    float weight;  // Of the upper one.
  };

  std::vector<Tap> Taps(int64_t in, int64_t out) const {
    const float scale = Scale(in, out);
    std::vector<Tap> taps;
    for (int64_t i = 0; i < out; ++i) {
      const float source = Source(i, scale), floor = std::floor(source);
      taps.push_back({std::max<int64_t>(static_cast<int64_t>(floor), 0),
                      std::min<int64_t>(static_cast<int64_t>(std::ceil(source)), in - 1), source - floor});
      taps.back().lower = std::min(taps.back().lower, in - 1);
      taps.back().upper = std::max<int64_t>(taps.back().upper, 0);
    }
    return taps;
  }
};
CRYOGRAPH_KERNEL(ResizeBilinearKernel, "ResizeBilinear");

// Of codes, whose range, inputs 2 and 3, stays what it is.
class QuantizedResizeBilinearKernel final : public ResizeBilinearKernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const DataType type = node.input_type(0);
    if (type != DT_FLOAT && type != DT_QUINT8 && type != DT_QINT32) return node.UnsupportedType(type);
    return ResizeBilinearKernel::Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    for (const int i : {2, 3}) {
      if (context.input(i).num_elements() != 1) {
        return absl::InvalidArgumentError("an end of the range must be one number");
      }
      context.SetOutput(i - 1, context.input(i));
    }
    return ResizeBilinearKernel::Compute(context);
  }

 protected:
  absl::Status Resize(KernelContext& context, const Value& images, Value* output) const override {
    if (images.shape() == output->shape()) {
      std::copy_n(images.raw(), images.num_bytes(), output->mutable_raw());
    } else if (images.dtype() == DT_QUINT8) {
      InterpolateFixed<uint8_t>(images, output, 7);
    } else if (images.dtype() == DT_QINT32) {
      InterpolateFixed<int32_t>(images, output, 30);
    } else {
      Interpolate<float, float, float>(context, images, output);
    }
    return absl::OkStatus();
  }
};
CRYOGRAPH_KERNEL(QuantizedResizeBilinearKernel, "QuantizedResizeBilinear");

class ResizeNearestNeighborKernel : public ResizeKernel {
 protected:
  absl::Status Resize(KernelContext&, const Value& images, Value* output) const override {
    const std::vector<int64_t> rows = Places(images.dim(1), output->dim(1));
    const std::vector<int64_t> columns = Places(images.dim(2), output->dim(2));
    return DispatchWidth(images.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const int64_t depth = images.dim(3);
      const T* image = images.data<T>();
      T* out = output->mutable_data<T>();
      for (int64_t b = 0; b < images.dim(0); ++b, image += images.dim(1) * images.dim(2) * depth) {
        for (const int64_t y : rows) {
          const T* row = image + y * images.dim(2) * depth;
          for (const int64_t x : columns) out = std::copy(row + x * depth, row + (x + 1) * depth, out);
        }
      }
      return absl::OkStatus();
    });
  }

  std::vector<int64_t> Places(int64_t in, int64_t out) const {
    const float scale = Scale(in, out);
    std::vector<int64_t> places;
    for (int64_t i = 0; i < out; ++i) {
      const float source =
          half_pixel_centers() ? (static_cast<float>(i) + 0.5f) * scale : static_cast<float>(i) * scale;
      const auto place = static_cast<int64_t>(align_corners() ? std::round(source) : std::floor(source));
      places.push_back(std::min(std::max<int64_t>(place, 0), in - 1));
    }
    return places;
  }
};
CRYOGRAPH_KERNEL(ResizeNearestNeighborKernel, "ResizeNearestNeighbor");

// Keys, Cubic convolution interpolation for digital image processing (1981), with TensorFlow's table of 1024
// steps.
class ResizeBicubicKernel : public ResizeKernel {
 protected:
  absl::Status Resize(KernelContext& context, const Value& images, Value* output) const override {
    const std::vector<Taps> rows = AllTaps(images.dim(1), output->dim(1));
    const std::vector<Taps> columns = AllTaps(images.dim(2), output->dim(2));
    return DispatchType<RealTypes>(images.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const int64_t depth = images.dim(3), in_row = images.dim(2) * depth, out_row = output->dim(2) * depth;
      const int64_t in_image = images.dim(1) * in_row;
      context.ParallelFor(output->dim(0) * output->dim(1), 30.0 * static_cast<double>(out_row),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t line = begin; line < end; ++line) {
                              const Taps& y = rows[static_cast<size_t>(line % output->dim(1))];
                              const T* image = images.data<T>() + line / output->dim(1) * in_image;
                              float* out = output->mutable_data<float>() + line * out_row;
                              for (const Taps& x : columns) {
                                for (int64_t c = 0; c < depth; ++c) {
                                  float sum = 0;
                                  for (int j = 0; j < 4; ++j) {
                                    const T* row = image + y.place[j] * in_row + c;
                                    float part = 0;
                                    for (int i = 0; i < 4; ++i)
                                      part += x.weight[i] * static_cast<float>(row[x.place[i] * depth]);
                                    sum += y.weight[j] * part;
                                  }
                                  *out++ = sum;
                                }
                              }
                            }
                          });
      return absl::OkStatus();
    });
  }

 protected:
  static constexpr int kTableSize = 1024;
  struct Taps {
    int64_t place[4];
    float weight[4];
  };

  // Weights at distance x = step / 1024 from the tap before (near) and from the one before that (far).
  static float Near(float x, double a) { return static_cast<float>(((a + 2) * x - (a + 3)) * x * x + 1); }
  static float Far(float x, double a) {
    return static_cast<float>(((a * x - 5 * a) * x + 8 * a) * x - 4 * a);
  }

  std::vector<Taps> AllTaps(int64_t in, int64_t out) const {
    const float scale = Scale(in, out);
    const double a = half_pixel_centers() ? -0.5 : -0.75;
    std::vector<Taps> all;
    for (int64_t i = 0; i < out; ++i) {
      const float source = Source(i, scale), floor = std::floor(source);
      const auto base = static_cast<int64_t>(floor);
      const auto step = static_cast<int>(std::lrint((source - floor) * kTableSize));
      const float x = static_cast<float>(step) / kTableSize,
                  rest = static_cast<float>(kTableSize - step) / kTableSize;
      Taps taps;
      const float weights[4] = {Far(x + 1, a), Near(x, a), Near(rest, a), Far(rest + 1, a)};
      float sum = 0;
      for (int k = 0; k < 4; ++k) {
        const int64_t place = base - 1 + k;
        taps.place[k] = std::min(std::max<int64_t>(place, 0), in - 1);
        taps.weight[k] = half_pixel_centers() && place != taps.place[k] ? 0 : weights[k];
        sum += taps.weight[k];
      }
      if (half_pixel_centers() && std::abs(sum) >= 1000 * std::numeric_limits<float>::min()) {
        for (float& weight : taps.weight) weight /= sum;
      }
      all.push_back(taps);
    }
    return all;
  }
};
CRYOGRAPH_KERNEL(ResizeBicubicKernel, "ResizeBicubic");

class ResizeAreaKernel final : public ResizeKernel {
 protected:
  absl::Status Resize(KernelContext& context, const Value& images, Value* output) const override {
    const std::vector<Span> rows = Spans(images.dim(1), output->dim(1));
    const std::vector<Span> columns = Spans(images.dim(2), output->dim(2));
    const float area =
        CoveredScale(images.dim(1), output->dim(1)) * CoveredScale(images.dim(2), output->dim(2));
    return DispatchType<RealTypes>(images.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      const int64_t depth = images.dim(3), in_row = images.dim(2) * depth;
      float* out = output->mutable_data<float>();
      for (int64_t b = 0; b < images.dim(0); ++b) {
        const T* image = images.data<T>() + b * images.dim(1) * in_row;
        for (const Span& y : rows) {
          RETURN_IF_ERROR(context.CheckLimits());
          for (const Span& x : columns) {
            std::fill_n(out, depth, 0.0f);
            for (int64_t j = y.begin; j < y.end; ++j) {
              const float share_y = y.Share(j);
              const T* row = image + std::min(j, images.dim(1) - 1) * in_row;
              for (int64_t i = x.begin; i < x.end; ++i) {
                const float share = share_y * x.Share(i) / area;
                const T* pixel = row + std::min(i, images.dim(2) - 1) * depth;
                for (int64_t c = 0; c < depth; ++c) out[c] += static_cast<float>(pixel[c]) * share;
              }
            }
            out += depth;
          }
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  // Pixels [begin, end), the first and the last of which are covered in part.
  struct Span {
    float low, high;
    int64_t begin, end;
    float Share(int64_t i) const {
      return std::min(high, static_cast<float>(i + 1)) - std::max(low, static_cast<float>(i));
    }
  };

  // The only pixel of a dimension whose corners are aligned covers all of each result.
  float CoveredScale(int64_t in, int64_t out) const {
    const float scale = Scale(in, out);
    return scale == 0 ? 1 : scale;
  }

  std::vector<Span> Spans(int64_t in, int64_t out) const {
    const float scale = Scale(in, out), covered = CoveredScale(in, out);
    std::vector<Span> spans;
    for (int64_t i = 0; i < out; ++i) {
      const float low = static_cast<float>(i) * scale,
                  high = scale == 0 ? covered : static_cast<float>(i + 1) * scale;
      spans.push_back(
          {low, high, static_cast<int64_t>(std::floor(low)), static_cast<int64_t>(std::ceil(high))});
    }
    return spans;
  }
};
CRYOGRAPH_KERNEL(ResizeAreaKernel, "ResizeArea");

// --- Gradients: each pixel gives back to those it was made of, by their weights.

// What makes up one line of the resized image.
struct Share {
  int64_t place[4];
  float weight[4];
  int count;
};

// The gradient, input 0, of the resized image, added up in an image of `dims`.
absl::Status GiveBack(KernelContext& context, const Shape& dims, const std::vector<Share>& rows,
                      const std::vector<Share>& columns) {
  const Value& gradient = context.input(0);
  if (dims[0] != gradient.dim(0) || dims[3] != gradient.dim(3)) {
    return absl::InvalidArgumentError(absl::StrCat("the gradient of shape ", ShapeText(gradient.shape()),
                                                   " is not that of an image of shape ", ShapeText(dims)));
  }
  // Sums in double, which holds those of all types; shares as TensorFlow has them.
  const bool in_float = context.node().op() == "ResizeBilinearGrad";
  ASSIGN_OR_RETURN(Value slopes, context.AllocateTemp(DT_DOUBLE, gradient.shape()));
  ASSIGN_OR_RETURN(Value sums, ZerosOf(DT_DOUBLE, dims, context.pool()));
  ASSIGN_OR_RETURN(Value * result, context.AllocateOutput(0, dims));
  RETURN_IF_ERROR(DispatchType<RealTypes>(gradient.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const auto from = gradient.span<T>();
    std::transform(from.begin(), from.end(), slopes.mutable_data<double>(),
                   [](T value) { return static_cast<double>(static_cast<Arithmetic<T>>(value)); });
    return absl::OkStatus();
  }));
  const int64_t images = gradient.num_elements() > 0 ? dims[0] : 0;
  const int64_t depth = dims[3], row_size = images > 0 ? dims[2] * depth : 0;
  const double* slope = slopes.data<double>();
  for (int64_t n = 0; n < images; ++n) {
    double* image = sums.mutable_data<double>() + n * dims[1] * row_size;
    for (const Share& y : rows) {
      RETURN_IF_ERROR(context.CheckLimits());
      for (const Share& x : columns) {
        for (int64_t c = 0; c < depth; ++c, ++slope) {
          for (int j = 0; j < y.count; ++j) {
            for (int i = 0; i < x.count; ++i) {
              const double share = in_float ? static_cast<float>(*slope) * y.weight[j] * x.weight[i]
                                            : *slope * y.weight[j] * x.weight[i];
              image[y.place[j] * row_size + x.place[i] * depth + c] += share;
            }
          }
        }
      }
    }
  }
  return DispatchType<RealTypes>(result->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const auto from = sums.span<double>();
    std::transform(from.begin(), from.end(), result->mutable_data<T>(), [](double sum) {
      if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<int64_t>(sum));
      return static_cast<T>(static_cast<std::conditional_t<std::is_same_v<T, double>, double, float>>(sum));
    });
    return absl::OkStatus();
  });
}

// A gradient without elements has none, whatever its other dimensions are.
int64_t Lines(const Value& gradient, int axis) {
  return gradient.num_elements() > 0 ? gradient.dim(axis) : 0;
}

absl::Status ExpectImages(const Value& gradient, absl::Span<const int64_t> dims) {
  RETURN_IF_ERROR(ExpectRank(gradient, 4, "the gradient"));
  if (dims.size() == 4 && dims[1] > 0 && dims[2] > 0 && gradient.dim(1) > 0 && gradient.dim(2) > 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("the image must be of rank 4 and of non-zero size");
}

// The same for the image that is input 1: `shares(in, out)` are what its lines have of the gradient's.
template <typename SharesOf>
absl::Status GiveBackTo(KernelContext& context, SharesOf shares) {
  const Shape& dims = context.input(1).shape();
  RETURN_IF_ERROR(ExpectImages(context.input(0), dims));
  return GiveBack(context, dims, shares(dims[1], Lines(context.input(0), 1)),
                  shares(dims[2], Lines(context.input(0), 2)));
}

class ResizeBilinearGradKernel final : public ResizeBilinearKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    return GiveBackTo(context, [this](int64_t in, int64_t out) { return Shares(in, out); });
  }

 private:
  std::vector<Share> Shares(int64_t in, int64_t out) const {
    std::vector<Share> shares;
    for (const Tap& tap : Taps(in, out))
      shares.push_back({{tap.lower, tap.upper}, {1 - tap.weight, tap.weight}, 2});
    return shares;
  }
};
CRYOGRAPH_KERNEL(ResizeBilinearGradKernel, "ResizeBilinearGrad");

class ResizeBicubicGradKernel final : public ResizeBicubicKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    return GiveBackTo(context, [this](int64_t in, int64_t out) { return Shares(in, out); });
  }

 private:
  std::vector<Share> Shares(int64_t in, int64_t out) const {
    std::vector<Share> shares;
    for (const Taps& taps : AllTaps(in, out)) {
      Share share = {{}, {}, 4};
      std::copy(taps.place, taps.place + 4, share.place);
      std::copy(taps.weight, taps.weight + 4, share.weight);
      shares.push_back(share);
    }
    return shares;
  }
};
CRYOGRAPH_KERNEL(ResizeBicubicGradKernel, "ResizeBicubicGrad");

class ResizeNearestNeighborGradKernel final : public ResizeNearestNeighborKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectVector(context.input(1), "size"));
    ASSIGN_OR_RETURN(const Shape size, IntVector(context.input(1), "size"));
    if (size.size() != 2) return absl::InvalidArgumentError("size must be two numbers");
    const Value& gradient = context.input(0);
    RETURN_IF_ERROR(ExpectRank(gradient, 4, "the gradient"));
    const Shape dims = {gradient.dim(0), size[0], size[1], gradient.dim(3)};
    RETURN_IF_ERROR(ExpectImages(gradient, dims));
    return GiveBack(context, dims, Shares(size[0], Lines(gradient, 1)), Shares(size[1], Lines(gradient, 2)));
  }

 private:
  std::vector<Share> Shares(int64_t in, int64_t out) const {
    std::vector<Share> shares;
    for (const int64_t place : Places(in, out)) shares.push_back({{place}, {1}, 1});
    return shares;
  }
};
CRYOGRAPH_KERNEL(ResizeNearestNeighborGradKernel, "ResizeNearestNeighborGrad");

}  // namespace
}  // namespace cryograph
