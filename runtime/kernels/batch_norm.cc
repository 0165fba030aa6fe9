// FusedBatchNorm and BatchNormWithGlobalNormalization.
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/compute/elementwise.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/fused_batch_norm.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

// y = (x - mean) * factor + offset for rows of channels.
void Normalize(int64_t rows, int64_t channels, const float* x, const float* mean, const float* factor,
               const float* offset, float* y) {
  compute::Normalize(rows, channels, x, mean, factor, offset, y);
}
void Normalize(int64_t rows, int64_t channels, const double* x, const double* mean, const double* factor,
               const double* offset, double* y) {
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    for (int64_t c = 0; c < channels; ++c) y[c] = (x[c] - mean[c]) * factor[c] + offset[c];
  }
}

template <typename T>
void NormalizeAll(KernelContext& context, const Value& x, const T* mean, const T* factor, const T* offset,
                  Value& y) {
  if (x.num_elements() == 0) return;
  const int64_t channels = x.dim(x.rank() - 1);
  context.ParallelFor(x.num_elements() / channels, 0.3 * channels, [&](int64_t begin, int64_t end) {
    Normalize(end - begin, channels, x.data<T>() + begin * channels, mean, factor, offset,
              y.mutable_data<T>() + begin * channels);
  });
}

class FusedBatchNormKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (ComputeType(dtype_) != DT_FLOAT) return node.UnsupportedType(dtype_);
    if (node.input_type(1) != DT_FLOAT) return node.UnsupportedType(node.input_type(1));
    if (node.attr("exponential_avg_factor").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("exponential_avg_factor", &new_share_));
    }
    return attrs_.Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectRank(context.input(0), attrs_.rank, "x"));
    const int64_t channels = attrs_.ChannelsOf(context.input(0));
    const char* const names[] = {"x", "scale", "offset", "mean", "variance"};
    for (int i = 1; i < 5; ++i) {
      RETURN_IF_ERROR(ExpectVector(context.input(i), names[i]));
      // Running averages may be left out while training.
      if (attrs_.training && i >= 3 && context.input(i).dim(0) == 0) continue;
      RETURN_IF_ERROR(ExpectChannels(context.input(i), channels, names[i]));
    }
    ASSIGN_OR_RETURN(Value x, ToComputeType(context, context.input(0)));
    if (attrs_.channels_first) {
      ASSIGN_OR_RETURN(x, ToChannelsLast(context, x));
    }
    Value statistics[2] = {context.input(3), context.input(4)};  // Mean and variance to normalize with.
    if (attrs_.training) {
      RETURN_IF_ERROR(Measure(context, x, channels, statistics));
    } else {
      context.SetOutput(1, context.input(3));
      context.SetOutput(2, context.input(4));
    }
    context.SetOutput(3, statistics[0]);
    context.SetOutput(4, statistics[1]);
    if (context.num_outputs() > 5) RETURN_IF_ERROR(context.SetScalarOutput<float>(5, 0.0f));
    ASSIGN_OR_RETURN(Value factors, context.AllocateTemp(DT_FLOAT, {channels}));
    float* factor = factors.mutable_data<float>();
    for (int64_t c = 0; c < channels; ++c) {
      factor[c] =
          context.input(1).data<float>()[c] / std::sqrt(statistics[1].data<float>()[c] + attrs_.epsilon);
    }
    ASSIGN_OR_RETURN(Value y, context.AllocateTemp(DT_FLOAT, x.shape()));
    NormalizeAll<float>(context, x, statistics[0].data<float>(), factor, context.input(2).data<float>(), y);
    if (attrs_.channels_first) {
      ASSIGN_OR_RETURN(y, ToChannelsFirst(context, y));
    }
    ASSIGN_OR_RETURN(y, FromComputeType(context, y, dtype_));
    context.SetOutput(0, std::move(y));
    return absl::OkStatus();
  }

 private:
  // Mean and variance of the batch, and outputs 1 and 2: the mean and the unbiased variance, averaged with
  // what came in.
  absl::Status Measure(KernelContext& context, const Value& x, int64_t channels, Value* statistics) const {
    for (int i = 0; i < 2; ++i) {
      ASSIGN_OR_RETURN(statistics[i], context.AllocateTemp(DT_FLOAT, {channels}));
    }
    ASSIGN_OR_RETURN(Value * mean, context.AllocateOutput(1, {channels}));
    ASSIGN_OR_RETURN(Value * variance, context.AllocateOutput(2, {channels}));
    const int64_t rows = channels == 0 ? 0 : x.num_elements() / channels;
    context.ParallelFor(channels, 2.0 * rows, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        double sum = 0, squares = 0;
        for (int64_t r = 0; r < rows; ++r) sum += x.data<float>()[r * channels + c];
        const double middle = sum / static_cast<double>(rows);
        for (int64_t r = 0; r < rows; ++r) {
          const double distance = x.data<float>()[r * channels + c] - middle;
          squares += distance * distance;
        }
        const float biased = static_cast<float>(squares / static_cast<double>(rows));
        statistics[0].mutable_data<float>()[c] = static_cast<float>(middle);
        statistics[1].mutable_data<float>()[c] = biased;
        float batch[2] = {static_cast<float>(middle),
                          rows > 1 ? static_cast<float>(squares / static_cast<double>(rows - 1)) : biased};
        Value* const outputs[2] = {mean, variance};
        for (int i = 0; i < 2; ++i) {
          const Value& old = context.input(3 + i);
          if (new_share_ != 1.0f && old.num_elements() == channels) {
            batch[i] = (1.0f - new_share_) * old.data<float>()[c] + new_share_ * batch[i];
          }
          outputs[i]->mutable_data<float>()[c] = batch[i];
        }
      }
    });
    return absl::OkStatus();
  }

  DataType dtype_ = DT_INVALID;
  float new_share_ = 1.0f;
  FusedBatchNormAttrs attrs_;
};
CRYOGRAPH_KERNEL(FusedBatchNormKernel, "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3");

using GlobalNormTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

class GlobalNormalizationKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (!IsOneOf<GlobalNormTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    RETURN_IF_ERROR(node.Attr("variance_epsilon", &epsilon_));
    return node.Attr("scale_after_normalization", &scaled_);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectRank(context.input(0), 4, "t"));
    const int64_t channels = context.input(0).dim(3);
    const char* const names[] = {"t", "m", "v", "beta", "gamma"};
    Value inputs[5];
    for (int i = 0; i < 5; ++i) {
      // The channels are those of m; TensorFlow leaves alone what the others have beyond them.
      if (i > 0) RETURN_IF_ERROR(ExpectChannels(context.input(i), channels, names[i], i > 1));
      ASSIGN_OR_RETURN(inputs[i], ToComputeType(context, context.input(i)));
    }
    ASSIGN_OR_RETURN(Value factors, context.AllocateTemp(inputs[0].dtype(), {channels}));
    ASSIGN_OR_RETURN(Value y, context.AllocateTemp(inputs[0].dtype(), inputs[0].shape()));
    RETURN_IF_ERROR(DispatchType<GlobalNormTypes>(y.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      T* factor = factors.mutable_data<T>();
      for (int64_t c = 0; c < channels; ++c) {
        factor[c] =
            (scaled_ ? inputs[4].data<T>()[c] : T(1)) / std::sqrt(inputs[2].data<T>()[c] + T(epsilon_));
      }
      NormalizeAll<T>(context, inputs[0], inputs[1].data<T>(), factor, inputs[3].data<T>(), y);
      return absl::OkStatus();
    }));
    ASSIGN_OR_RETURN(y, FromComputeType(context, y, dtype_));
    context.SetOutput(0, std::move(y));
    return absl::OkStatus();
  }

 private:
  DataType dtype_ = DT_INVALID;
  float epsilon_ = 0;
  bool scaled_ = false;
};
CRYOGRAPH_KERNEL(GlobalNormalizationKernel, "BatchNormWithGlobalNormalization");

}  // namespace
}  // namespace cryograph
