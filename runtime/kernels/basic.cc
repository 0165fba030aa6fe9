// Ops that pass their inputs on, and those that mark the places where values enter.
#include <algorithm>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status Forward(KernelContext& context) {
  for (int i = 0; i < context.num_outputs(); ++i) context.SetOutput(i, context.input(i));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Forward, "Identity", "IdentityN", "StopGradient", "PreventGradient", "Snapshot",
                          "GuaranteeConst", "PlaceholderWithDefault", "RefIdentity");

absl::Status DeepCopy(KernelContext& context) {
  const DataType dtype = context.input(0).dtype();
  const std::initializer_list<DataType> refused = {DT_QINT8, DT_QUINT8, DT_QINT16, DT_QUINT16, DT_QINT32};
  if (std::find(refused.begin(), refused.end(), dtype) != refused.end()) {
    return absl::InvalidArgumentError(absl::StrCat("DeepCopy takes no ", DataTypeName(dtype)));
  }
  return Forward(context);
}
CRYOGRAPH_KERNEL_FUNCTION(DeepCopy, "DeepCopy");

absl::Status DoNothing(KernelContext& context) {
  (void)context;
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(DoNothing, "NoOp", "ControlTrigger");

absl::Status NotFed(KernelContext& context) {
  return absl::InvalidArgumentError(
      absl::StrCat("a value of type ", DataTypeName(context.node().output_type(0)), " must be fed"));
}
CRYOGRAPH_KERNEL_FUNCTION(NotFed, "Placeholder", "PlaceholderV2");

// Stands for what a branch that did not run would have given: of the declared shape, without meaning.
class FakeParamKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    PartialShape shape;
    RETURN_IF_ERROR(node.Attr("shape", &shape));
    for (const int64_t dim : shape.dims) dims_.push_back(std::max<int64_t>(dim, 0));
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims_));
    if (IsPlainType(output->dtype())) std::fill_n(output->mutable_raw(), output->num_bytes(), 0);
    return absl::OkStatus();
  }

 private:
  Shape dims_;
};
CRYOGRAPH_KERNEL(FakeParamKernel, "FakeParam");

}  // namespace
}  // namespace cryograph
