// Ops that pass their inputs on, and those that mark the places where values enter.
#include "absl/strings/str_cat.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status Forward(KernelContext& context) {
  for (int i = 0; i < context.num_outputs(); ++i) context.SetOutput(i, context.input(i));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Forward, "Identity", "IdentityN", "StopGradient", "PreventGradient", "Snapshot",
                          "DeepCopy", "GuaranteeConst", "PlaceholderWithDefault");

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

}  // namespace
}  // namespace cryograph
