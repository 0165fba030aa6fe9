// Runs a graph with Switch, Merge and while loops: nodes run when their inputs have come, dead or alive.
#ifndef CRYOGRAPH_RUNTIME_DATAFLOW_RUN_H_
#define CRYOGRAPH_RUNTIME_DATAFLOW_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/dataflow_plan.h"
#include "runtime/run_state.h"
#include "runtime/value.h"

namespace cryograph {

// The iterations of a loop run one after the other, whatever parallel_iterations says. InvalidArgument,
// naming it by `fetch_names`, for a fetch that is dead.
absl::StatusOr<std::vector<Value>> RunDataflow(const DataflowPlan& plan,
                                               const std::vector<std::string>& fetch_names,
                                               std::vector<Value> feeds, RunState& run);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_DATAFLOW_RUN_H_
