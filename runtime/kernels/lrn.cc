// LRN: local response normalization over channels.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

class LrnKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (ComputeType(dtype_) != DT_FLOAT) return node.UnsupportedType(dtype_);
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

 private:
  void Normalize(const float* x, float* y, int64_t channels) const {
    const int64_t radius = std::clamp<int64_t>(radius_, 0, channels);
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
        const int64_t last = std::min(channels - 1, c + radius);
        for (int64_t i = std::max<int64_t>(0, c - radius); i <= last; ++i) sum += Square(x[i]);
      }
      const float norm = bias_ + alpha_ * static_cast<float>(sum);
      y[c] = beta_ == 0.5f ? x[c] / std::sqrt(norm) : x[c] * std::pow(norm, -beta_);
    }
  }
  static double Square(float x) { return static_cast<double>(x) * x; }

  DataType dtype_ = DT_INVALID;
  int64_t radius_ = 0;
  float bias_ = 0, alpha_ = 0, beta_ = 0;
};
CRYOGRAPH_KERNEL(LrnKernel, "LRN");

}  // namespace
}  // namespace cryograph
