// Gradients of FusedBatchNorm.
#include <cmath>
#include <utility>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/fused_batch_norm.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

class FusedBatchNormGradKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (ComputeType(dtype_) != DT_FLOAT) return node.UnsupportedType(dtype_);
    if (node.input_type(2) != DT_FLOAT) return node.UnsupportedType(node.input_type(2));
    return attrs_.Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectRank(context.input(0), attrs_.rank, "y_backprop"));
    RETURN_IF_ERROR(ExpectSameShape(context.input(0), context.input(1)));
    const int64_t channels = attrs_.ChannelsOf(context.input(0));
    const char* const names[] = {"scale", "the mean", "the variance"};
    for (int i = 2; i < 5; ++i) {
      RETURN_IF_ERROR(ExpectChannels(context.input(i), channels, names[i - 2]));
    }
    ASSIGN_OR_RETURN(Value gradient, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(Value x, ToComputeType(context, context.input(1)));
    if (attrs_.channels_first) {
      ASSIGN_OR_RETURN(gradient, ToChannelsLast(context, gradient));
      ASSIGN_OR_RETURN(x, ToChannelsLast(context, x));
    }
    ASSIGN_OR_RETURN(Value * scale_gradient, context.AllocateOutput(1, {channels}));
    ASSIGN_OR_RETURN(Value * offset_gradient, context.AllocateOutput(2, {channels}));
    ASSIGN_OR_RETURN(Value result, context.AllocateTemp(DT_FLOAT, x.shape()));
    Operands o;
    o.rows = channels == 0 ? 0 : x.num_elements() / channels;
    o.channels = channels;
    o.gradient = gradient.data<float>();
    o.x = x.data<float>();
    o.scale = context.input(2).data<float>();
    o.mean = context.input(3).data<float>();
    o.variance = context.input(4).data<float>();
    o.result = result.mutable_data<float>();
    o.scale_gradient = scale_gradient->mutable_data<float>();
    o.offset_gradient = offset_gradient->mutable_data<float>();
    context.ParallelFor(channels, 6.0 * o.rows, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) Channel(o, c);
    });
    for (int i = 3; i < 5; ++i) {  // TensorFlow's hold nothing either.
      ASSIGN_OR_RETURN(Value nothing, ZerosOf(DT_FLOAT, {}, context.pool()));
      context.SetOutput(i, std::move(nothing));
    }
    if (attrs_.channels_first) {
      ASSIGN_OR_RETURN(result, ToChannelsFirst(context, result));
    }
    ASSIGN_OR_RETURN(result, FromComputeType(context, result, dtype_));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  struct Operands {
    int64_t rows, channels;
    const float *gradient, *x, *scale, *mean, *variance;
    float *result, *scale_gradient, *offset_gradient;
  };

  // While training, mean and variance depend on x, too: the gradient loses its mean and its part along x.
  void Channel(const Operands& o, int64_t c) const {
    double sum = 0, along = 0;
    for (int64_t r = 0; r < o.rows; ++r) {
      const int64_t i = r * o.channels + c;
      sum += o.gradient[i];
      along += static_cast<double>(o.gradient[i]) * (o.x[i] - o.mean[c]);
    }
    const double inverse = 1.0 / std::sqrt(static_cast<double>(o.variance[c]) + attrs_.epsilon);
    o.scale_gradient[c] = static_cast<float>(along * inverse);
    o.offset_gradient[c] = static_cast<float>(sum);
    const float factor = static_cast<float>(o.scale[c] * inverse);
    const float mean = attrs_.training ? static_cast<float>(sum / static_cast<double>(o.rows)) : 0;
    const float slope =
        attrs_.training ? static_cast<float>(along / static_cast<double>(o.rows) * inverse * inverse) : 0;
    for (int64_t r = 0; r < o.rows; ++r) {
      const int64_t i = r * o.channels + c;
      o.result[i] = factor * (o.gradient[i] - mean - (o.x[i] - o.mean[c]) * slope);
    }
  }

  DataType dtype_ = DT_INVALID;
  FusedBatchNormAttrs attrs_;
};
CRYOGRAPH_KERNEL(FusedBatchNormGradKernel, "FusedBatchNormGrad", "FusedBatchNormGradV2",
                 "FusedBatchNormGradV3");

}  // namespace
}  // namespace cryograph
