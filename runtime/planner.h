// Makes a GraphPlan: what the fetches need, in order, with kernels bound and constants folded.
#ifndef CRYOGRAPH_RUNTIME_PLANNER_H_
#define CRYOGRAPH_RUNTIME_PLANNER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/attr.h"
#include "graph/graph.h"
#include "graph/op_schema.h"
#include "runtime/graph_plan.h"
#include "runtime/missing_kernels.h"

namespace cryograph {

struct PlannerRequest {
  Graph* graph = nullptr;
  // Output::index counts all outputs of the node, also in a function body.
  std::vector<Output> feeds;
  std::vector<DataType>
      feed_types;  // Of arguments, which say nothing of themselves; empty for the main graph.
  std::vector<Output> fetches;
  std::vector<NodeId> targets;
  // What the attributes of a function body's placeholders stand for (serialized AttrValues, sorted by key).
  const std::vector<std::pair<std::string, std::string>>* bindings = nullptr;
  int32_t graph_version = 0;  // The producer's.
  bool fold_constants = true;
  bool fuse = true;  // See Kernel::FuseReader().
  // Keeps the bytes of the graph: constants show them where they can.
  std::shared_ptr<const void> owner;
};

// The functions that nodes name: they are looked at when the node is, so that all that is missing is reported
// at once.
class FunctionSource {
 public:
  virtual ~FunctionSource() = default;
  // Is there a function of that name in the model's library?
  virtual bool Has(absl::string_view name) const = 0;
  // Plans the function; kernels that are missing are added to *missing and are no error.
  virtual absl::Status Prepare(const FunctionRef& function, MissingKernels* missing) = 0;
};

// `run` is what constants are folded with. Kernels that are missing are added to *missing; the plan is then
// null. Names of tensors in messages are those of the graph.
absl::StatusOr<std::unique_ptr<GraphPlan>> MakeGraphPlan(const PlannerRequest& request, const OpRegistry& ops,
                                                         FunctionSource& functions, RunState& run,
                                                         MissingKernels* missing);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_PLANNER_H_
