// InTopK, InTopKV2: is the target's score among the k best of its row?
#include <cmath>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class InTopKKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    v2_ = node.op() == "InTopKV2";
    return v2_ ? absl::OkStatus() : node.Attr("k", &k_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& predictions = context.input(0);
    const Value& targets = context.input(1);
    RETURN_IF_ERROR(ExpectMatrix(predictions, "predictions"));
    RETURN_IF_ERROR(ExpectVector(targets, "targets"));
    if (predictions.dim(0) != targets.dim(0)) {
      return absl::InvalidArgumentError("predictions and targets differ in their first dimension");
    }
    int64_t k = k_;
    if (v2_) {
      RETURN_IF_ERROR(ExpectScalar(context.input(2), "k"));
      ASSIGN_OR_RETURN(k, ScalarInt(context.input(2), "k"));
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, targets.shape()));
    const int64_t classes = predictions.dim(1);
    for (int64_t r = 0; r < targets.dim(0); ++r) {
      const int64_t target =
          targets.dtype() == DT_INT32 ? targets.data<int32_t>()[r] : targets.data<int64_t>()[r];
      output->mutable_data<bool>()[r] = target >= 0 && target < classes &&
                                        IsIn(predictions.data<float>() + r * classes, classes, target, k);
    }
    return absl::OkStatus();
  }

 private:
  static bool IsIn(const float* scores, int64_t classes, int64_t target, int64_t k) {
    int64_t better = 0;
    for (int64_t c = 0; c < classes; ++c) {
      if (!std::isfinite(scores[c])) return false;
      if (scores[c] > scores[target]) ++better;
    }
    return better < k;
  }

  bool v2_ = false;
  int64_t k_ = 0;
};
CRYOGRAPH_KERNEL(InTopKKernel, "InTopK", "InTopKV2");

}  // namespace
}  // namespace cryograph
