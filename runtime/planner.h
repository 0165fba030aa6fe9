// Makes a GraphPlan: what the fetches need, in order, with kernels bound and constants folded.
#ifndef CRYOGRAPH_RUNTIME_PLANNER_H_
#define CRYOGRAPH_RUNTIME_PLANNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/op_schema.h"
#include "runtime/graph_plan.h"

namespace cryograph {

struct PlannerRequest {
  std::vector<Output> feeds;
  std::vector<Output> fetches;
  std::vector<NodeId> targets;
};

// `run` is what constants are folded with; `fuse` makes one step of several nodes where a kernel can
// (FuseReader). Names of tensors in messages are those of the graph.
absl::StatusOr<std::unique_ptr<GraphPlan>> MakeGraphPlan(Graph& graph, const OpRegistry& ops,
                                                         const PlannerRequest& request, bool fold_constants,
                                                         bool fuse, RunState& run);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_PLANNER_H_
