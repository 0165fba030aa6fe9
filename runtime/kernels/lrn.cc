// LRN: local response normalization over channels, and its gradient.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

class LrnKernel : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (ComputeType(dtype_) != DT_FLOAT) return node.UnsupportedType(dtype_);
    // From here on a square is infinite in the op's type.
    greatest_square_ = dtype_ == DT_HALF ? 65520 : std::ldexp(1.0, 128);
    RETURN_IF_ERROR(node.Attr("depth_radius", &radius_));
    RETURN_IF_ERROR(node.Attr("bias", &bias_));
    RETURN_IF_ERROR(node.Attr("alpha", &alpha_));
    return node.Attr("beta", &beta_);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectRank(context.input(0), 4, "input"));
    ASSIGN_OR_RETURN(const Value input, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(Value output, context.AllocateTemp(DT_FLOAT, input.shape()));
    if (input.num_elements() > 0) {
      const int64_t channels = input.dim(3);
      context.ParallelFor(input.num_elements() / channels, 20.0 * channels, [&](int64_t begin, int64_t end) {
        for (int64_t pixel = begin; pixel < end; ++pixel) {
          Normalize(input.data<float>() + pixel * channels, output.mutable_data<float>() + pixel * channels,
                    channels);
        }
      });
    }
    ASSIGN_OR_RETURN(output, FromComputeType(context, output, dtype_));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

 protected:
  // The channels that share in the norm of channel c: first to last.
  struct Window {
    int64_t first, last;
  };
  Window WindowOf(int64_t c, int64_t channels) const {
    const int64_t radius = std::clamp<int64_t>(radius_, 0, channels);
    return {std::max<int64_t>(0, c - radius), std::min(channels - 1, c + radius)};
  }
  static double Square(float x) { return static_cast<double>(x) * x; }
  DataType dtype() const { return dtype_; }
  float bias() const { return bias_; }
  float alpha() const { return alpha_; }
  float beta() const { return beta_; }

 private:
  void Normalize(const float* x, float* y, int64_t channels) const {
    const int64_t radius = std::clamp<int64_t>(radius_, 0, channels);
    const auto is_finite = [this](float v) { return Square(v) < greatest_square_; };
    if (!std::all_of(x, x + channels, is_finite)) return NormalizeInfinite(x, y, channels, radius);
    // A window that has grown long is moved on rather than summed up anew.
    constexpr int64_t kLong = 32;
    double moving = 0;
    for (int64_t c = 0; c < std::min(radius, channels) && radius > kLong; ++c) moving += Square(x[c]);
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0;
      if (radius > kLong) {
        if (c + radius < channels) moving += Square(x[c + radius]);
        if (c - radius - 1 >= 0) moving -= Square(x[c - radius - 1]);
        sum = moving;
      } else {
        const Window window = WindowOf(c, channels);
        for (int64_t i = window.first; i <= window.last; ++i) sum += Square(x[i]);
      }
      y[c] = Normalized(x[c], sum);
    }
  }

  // TensorFlow multiplies the squares by a matrix of ones and zeros: one that is not finite makes NaN of all
  // channels whose windows it lies beside.
  void NormalizeInfinite(const float* x, float* y, int64_t channels, int64_t radius) const {
    int64_t first = channels, last = 0;  // Of the squares that are not finite.
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const double square = Square(x[c]);
      if (square < greatest_square_) continue;
      sum += square * std::numeric_limits<double>::infinity();
      first = std::min(first, c);
      last = c;
    }
    for (int64_t c = 0; c < channels; ++c) {
      const bool beside = first < c - radius || last > c + radius;
      y[c] = beside ? std::numeric_limits<float>::quiet_NaN() : Normalized(x[c], sum);
    }
  }

  float Normalized(float x, double sum) const {
    const float norm = bias_ + alpha_ * static_cast<float>(sum);
    return beta_ == 0.5f ? x / std::sqrt(norm) : x * std::pow(norm, -beta_);
  }

  DataType dtype_ = DT_INVALID;
  double greatest_square_ = 0;
  int64_t radius_ = 0;
  float bias_ = 0, alpha_ = 0, beta_ = 0;
};
CRYOGRAPH_KERNEL(LrnKernel, "LRN");

// (gradient, x, y) → dx[c] = gradient[c] norm[c]^-beta - 2 alpha beta x[c] sum of gradient y / norm over the
// window.
class LrnGradKernel final : public LrnKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectRank(context.input(0), 4, "input_grads"));
    RETURN_IF_ERROR(ExpectSameShape(context.input(0), context.input(1)));
    RETURN_IF_ERROR(ExpectSameShape(context.input(0), context.input(2)));
    ASSIGN_OR_RETURN(const Value gradient, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(const Value x, ToComputeType(context, context.input(1)));
    ASSIGN_OR_RETURN(const Value y, ToComputeType(context, context.input(2)));
    ASSIGN_OR_RETURN(Value result, context.AllocateTemp(DT_FLOAT, x.shape()));
    if (x.num_elements() > 0) {
      const int64_t channels = x.dim(3);
      context.ParallelFor(x.num_elements() / channels, 40.0 * channels, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin * channels; i < end * channels; i += channels) {
          Pixel(gradient.data<float>() + i, x.data<float>() + i, y.data<float>() + i,
                result.mutable_data<float>() + i, channels);
        }
      });
    }
    ASSIGN_OR_RETURN(result, FromComputeType(context, result, dtype()));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  void Pixel(const float* gradient, const float* x, const float* y, float* result, int64_t channels) const {
    std::fill(result, result + channels, 0.0f);
    for (int64_t c = 0; c < channels; ++c) {
      const Window window = WindowOf(c, channels);
      double sum = 0;
      for (int64_t i = window.first; i <= window.last; ++i) sum += Square(x[i]);
      const float norm = bias() + alpha() * static_cast<float>(sum);
      result[c] += gradient[c] * std::pow(norm, -beta());
      const float share = -2 * alpha() * beta() * gradient[c] * y[c] / norm;
      for (int64_t i = window.first; i <= window.last; ++i) result[i] += share * x[i];
    }
  }
};
CRYOGRAPH_KERNEL(LrnGradKernel, "LRNGrad");

}  // namespace
}  // namespace cryograph
