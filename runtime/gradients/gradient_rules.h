// How each op is differentiated: a table of rules.
#ifndef CRYOGRAPH_RUNTIME_GRADIENTS_GRADIENT_RULES_H_
#define CRYOGRAPH_RUNTIME_GRADIENTS_GRADIENT_RULES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/gradients/gradient_scope.h"

namespace cryograph {

// Adds the nodes that compute the gradients of the node's inputs from those of its outputs, and gives them.
// An input that gets none does not count: it is no number, or the output does not depend on it smoothly.
// Unimplemented if an attribute asks for what the rule cannot do.
using GradientFunction = absl::Status (*)(GradientScope& scope);

struct GradientRule {
  const char* op;
  GradientFunction function;
  bool complex = false;  // Holds for complex numbers, too.
};

// Null if there is none.
const GradientRule* FindGradientRule(absl::string_view op);

// True for an op whose outputs have slope 0 everywhere, or that hides its input from gradients: StopGradient,
// Floor, Sign, ZerosLike.
bool BlocksGradients(absl::string_view op);

// The parts of the table, a file for each.
absl::Span<const GradientRule> ElementwiseGradientRules();
absl::Span<const GradientRule> ReductionGradientRules();
absl::Span<const GradientRule> ArrayGradientRules();
absl::Span<const GradientRule> SliceGradientRules();
absl::Span<const GradientRule> LayerGradientRules();

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_GRADIENTS_GRADIENT_RULES_H_
