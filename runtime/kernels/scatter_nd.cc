// ScatterNd, ScatterNdNonAliasingAdd, TensorScatterUpdate, -Add, -Sub, -Max, -Min.
#include <algorithm>
#include <utility>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/scatter_slices.h"

namespace cryograph {
namespace {

absl::Status ScatterNd(KernelContext& context) {
  RETURN_IF_ERROR(ExpectVector(context.input(2), "the shape"));
  ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(2), "the shape"));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  if (IsPlainType(output->dtype())) std::fill_n(output->mutable_raw(), output->num_bytes(), 0);
  return ScatterSlices(ScatterMode::kAdd, context.input(0), context.input(1), output);
}
CRYOGRAPH_KERNEL_FUNCTION(ScatterNd, "ScatterNd");

class TensorScatterKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const absl::string_view op = node.op();
    mode_ = op == "TensorScatterUpdate" ? ScatterMode::kUpdate
            : op == "TensorScatterSub"  ? ScatterMode::kSub
            : op == "TensorScatterMax"  ? ScatterMode::kMax
            : op == "TensorScatterMin"  ? ScatterMode::kMin
                                        : ScatterMode::kAdd;
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    // Also indices of no dimension, which would address the whole, are refused.
    if (context.node().op() != "ScatterNdNonAliasingAdd" && context.input(1).num_elements() == 0 &&
        context.input(2).num_elements() > 0) {
      return absl::InvalidArgumentError("there are updates, but no indices");
    }
    ASSIGN_OR_RETURN(Value output, context.input(0).Copy(context.pool()));
    RETURN_IF_ERROR(ScatterSlices(mode_, context.input(1), context.input(2), &output));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

 private:
  ScatterMode mode_ = ScatterMode::kAdd;
};
CRYOGRAPH_KERNEL(TensorScatterKernel, "TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub",
                 "TensorScatterMax", "TensorScatterMin", "ScatterNdNonAliasingAdd");

}  // namespace
}  // namespace cryograph
