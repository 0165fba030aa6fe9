// Softmax and LogSoftmax over the last dimension, and the loss that is made of them.
#include "runtime/compute/softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

using SoftmaxTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

// The logarithm of a row's softmax, as doubles.
void LogSoftmaxRow(const double* x, double* y, int64_t count) {
  const double most = *std::max_element(x, x + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::exp(x[i] - most);
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] - most - std::log(sum);
}

void SoftmaxRow(const double* x, double* y, int64_t count) {
  const double most = *std::max_element(x, x + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += y[i] = std::exp(x[i] - most);
  for (int64_t i = 0; i < count; ++i) y[i] /= sum;
}

template <typename T>
T Rounded(double x) {
  if constexpr (std::is_same<T, double>::value) return x;
  return T(static_cast<float>(x));
}

class SoftmaxKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (!IsOneOf<SoftmaxTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    log_ = node.op() == "LogSoftmax";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& logits = context.input(0);
    if (logits.rank() < 1) return absl::InvalidArgumentError("logits must not be a scalar");
    if (logits.num_elements() == 0) return context.AllocateOutput(0, logits.shape()).status();
    const int64_t columns = logits.dim(logits.rank() - 1), rows = logits.num_elements() / columns;
    if (dtype_ == DT_FLOAT) {
      ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, logits.shape()));
      Rows(context, rows, columns, logits.data<float>(), output->mutable_data<float>());
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const Value input, ToComputeType(context, logits));
    ASSIGN_OR_RETURN(Value output, context.AllocateTemp(input.dtype(), logits.shape()));
    if (input.dtype() == DT_FLOAT) {
      Rows(context, rows, columns, input.data<float>(), output.mutable_data<float>());
    } else {
      const double* x = input.data<double>();
      double* y = output.mutable_data<double>();
      context.ParallelFor(rows, 20.0 * columns, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          (log_ ? LogSoftmaxRow : SoftmaxRow)(x + r * columns, y + r * columns, columns);
        }
      });
    }
    ASSIGN_OR_RETURN(output, FromComputeType(context, output, dtype_));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

 private:
  void Rows(KernelContext& context, int64_t rows, int64_t columns, const float* x, float* y) const {
    (log_ ? compute::LogSoftmax : compute::Softmax)(rows, columns, x, y, context.threads());
  }

  DataType dtype_ = DT_INVALID;
  bool log_ = false;
};
CRYOGRAPH_KERNEL(SoftmaxKernel, "LogSoftmax", "Softmax");

// loss = -sum of labels ln(softmax(features)) in each row; backprop = softmax(features) - labels. Features
// and labels may be one row for all.
class SoftmaxCrossEntropyKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<FloatTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& features = context.input(0);
    const Value& labels = context.input(1);
    RETURN_IF_ERROR(ExpectMatrix(features, "features"));
    RETURN_IF_ERROR(ExpectMatrix(labels, "labels"));
    Shape dims(2);
    for (int i = 0; i < 2; ++i) {
      dims[i] = features.dim(i) == 1 ? labels.dim(i) : features.dim(i);
      if ((features.dim(i) != dims[i] && features.dim(i) != 1) ||
          (labels.dim(i) != dims[i] && labels.dim(i) != 1)) {
        return absl::InvalidArgumentError(absl::StrCat("features of shape ", ShapeText(features.shape()),
                                                       " and labels of shape ", ShapeText(labels.shape())));
      }
    }
    ASSIGN_OR_RETURN(Value * loss, context.AllocateOutput(0, {dims[0]}));
    ASSIGN_OR_RETURN(Value * backprop, context.AllocateOutput(1, dims));
    ASSIGN_OR_RETURN(Value scratch, context.AllocateTemp(DT_DOUBLE, {2, dims[1]}));
    if (backprop->num_elements() == 0) {
      if (loss->num_elements() > 0) std::memset(loss->mutable_raw(), 0, loss->num_bytes());
      return absl::OkStatus();
    }
    return DispatchType<FloatTypes>(features.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      double* row = scratch.mutable_data<double>();
      double* log_softmax = row + dims[1];
      for (int64_t r = 0; r < dims[0]; ++r) {
        const auto element = [&](const Value& value, int64_t c) {
          return static_cast<double>(
              value.data<T>()[(value.dim(0) == 1 ? 0 : r) * value.dim(1) + (value.dim(1) == 1 ? 0 : c)]);
        };
        for (int64_t c = 0; c < dims[1]; ++c) row[c] = element(features, c);
        LogSoftmaxRow(row, log_softmax, dims[1]);
        double sum = 0;
        for (int64_t c = 0; c < dims[1]; ++c) {
          const double label = element(labels, c);
          if (label != 0) sum -= label * log_softmax[c];
          backprop->mutable_data<T>()[r * dims[1] + c] = Rounded<T>(std::exp(log_softmax[c]) - label);
        }
        loss->mutable_data<T>()[r] = Rounded<T>(sum);
      }
      return absl::OkStatus();
    });
  }
};
CRYOGRAPH_KERNEL(SoftmaxCrossEntropyKernel, "SoftmaxCrossEntropyWithLogits");

}  // namespace
}  // namespace cryograph
