// SparseSoftmaxCrossEntropyWithLogits: the loss where one class of each row is right.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

template <typename T>
T Rounded(double x) {
  if constexpr (std::is_same_v<T, double>) return x;
  return T(static_cast<float>(x));
}

// loss = ln(sum of e^logit) - logit of the label; backprop = softmax(logits), less 1 at the label.
template <typename T, typename Label>
absl::Status Losses(const Value& logits, const Value& labels, Value* loss, Value* backprop) {
  const int64_t classes = logits.dim(1);
  for (int64_t r = 0; r < logits.dim(0); ++r) {
    const auto label = static_cast<int64_t>(labels.data<Label>()[r]);
    if (label < 0 || label >= classes) {
      return absl::InvalidArgumentError(
          absl::StrCat("label ", label, " of row ", r, " is not in [0, ", classes, ")"));
    }
    const T* row = logits.data<T>() + r * classes;
    T* gradient = backprop->mutable_data<T>() + r * classes;
    double most = static_cast<double>(row[0]);
    for (int64_t c = 1; c < classes; ++c) most = std::max(most, static_cast<double>(row[c]));
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(row[c]) - most);
    for (int64_t c = 0; c < classes; ++c) {
      const double share = std::exp(static_cast<double>(row[c]) - most) / sum;
      gradient[c] = Rounded<T>(share - (c == label ? 1 : 0));
    }
    loss->mutable_data<T>()[r] = Rounded<T>(std::log(sum) - (static_cast<double>(row[label]) - most));
  }
  return absl::OkStatus();
}

class SparseCrossEntropyKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<FloatTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& logits = context.input(0);
    const Value& labels = context.input(1);
    RETURN_IF_ERROR(ExpectMatrix(logits, "logits"));
    RETURN_IF_ERROR(ExpectVector(labels, "labels"));
    if (labels.dim(0) != logits.dim(0)) {
      return absl::InvalidArgumentError(
          absl::StrCat(labels.dim(0), " labels for ", logits.dim(0), " rows of logits"));
    }
    if (logits.dim(1) == 0) return absl::InvalidArgumentError("there must be at least one class");
    ASSIGN_OR_RETURN(Value * loss, context.AllocateOutput(0, labels.shape()));
    ASSIGN_OR_RETURN(Value * backprop, context.AllocateOutput(1, logits.shape()));
    return DispatchType<FloatTypes>(logits.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      return labels.dtype() == DT_INT32 ? Losses<T, int32_t>(logits, labels, loss, backprop)
                                        : Losses<T, int64_t>(logits, labels, loss, backprop);
    });
  }
};
CRYOGRAPH_KERNEL(SparseCrossEntropyKernel, "SparseSoftmaxCrossEntropyWithLogits");

}  // namespace
}  // namespace cryograph
