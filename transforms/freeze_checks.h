// What a frozen graph cannot hold: broken edges, state that is needed, Python functions, input pipelines.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_CHECKS_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_CHECKS_H_

#include "absl/status/status.h"
#include "graph/model.h"
#include "transforms/freeze_plan.h"
#include "transforms/freeze_variables.h"

namespace cryograph {

// Checks the kept part of the graph, and fills plan.updates and the report's notes. Errors name the node, the
// way from an output to it, and what helps.
absl::Status CheckPlan(Model& model, const FreezeOptions& options, FreezePlan& plan, FreezeReport& report);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_CHECKS_H_
