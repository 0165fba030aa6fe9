// Plans a graph that has control flow of its own.
#ifndef CRYOGRAPH_RUNTIME_DATAFLOW_PLANNER_H_
#define CRYOGRAPH_RUNTIME_DATAFLOW_PLANNER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "runtime/graph_plan.h"
#include "runtime/needed_nodes.h"

namespace cryograph {

// InvalidArgument, naming the node, for one whose inputs are in different frames, an Exit outside of a loop,
// or a fetch inside of one.
absl::StatusOr<std::unique_ptr<GraphPlan>> MakeDataflowPlan(const PlannerRequest& request,
                                                            NeededNodes& needed, RunState& run);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_DATAFLOW_PLANNER_H_
