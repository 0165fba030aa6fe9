#include "runtime/gradients/gradient_rules.h"

#include <map>

#include "absl/algorithm/container.h"

namespace cryograph {

const GradientRule* FindGradientRule(absl::string_view op) {
  static const auto* const rules = [] {
    auto* map = new std::map<absl::string_view, const GradientRule*>;
    for (const auto table : {ElementwiseGradientRules(), ReductionGradientRules(), ArrayGradientRules(),
                             SliceGradientRules(), LayerGradientRules()}) {
      for (const GradientRule& rule : table) map->emplace(rule.op, &rule);
    }
    return map;
  }();
  const auto found = rules->find(op);
  return found == rules->end() ? nullptr : found->second;
}

bool BlocksGradients(absl::string_view op) {
  static constexpr absl::string_view kOps[] = {
      "Ceil",  "Floor", "FloorDiv",     "LinSpace",    "NextAfter", "OnesLike", "Rint",
      "Round", "Sign",  "StopGradient", "TruncateDiv", "ZerosLike", "Range"};
  return absl::c_linear_search(kOps, op);
}

}  // namespace cryograph
