// Carries out a FreezePlan: the edits of freezing.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_REWRITE_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_REWRITE_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "graph/model.h"
#include "graph/tensor.h"
#include "transforms/freeze_plan.h"
#include "transforms/freeze_variables.h"

namespace cryograph {

// `values[i]` is the value of `plan.frozen[i]`. Fills the report's nodes_kept, functions_pruned and notes.
// FailedPrecondition, before any edit, for what cannot be frozen after all.
absl::Status RewriteFrozen(Model& model, const FreezePlan& plan, const FreezeOptions& options,
                           const std::vector<std::shared_ptr<const TensorSource>>& values,
                           FreezeReport& report);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_REWRITE_H_
