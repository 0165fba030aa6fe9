// The steps that compute some tensors of one graph: the main graph or the body of a function.
#ifndef CRYOGRAPH_RUNTIME_GRAPH_PLAN_H_
#define CRYOGRAPH_RUNTIME_GRAPH_PLAN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/attr.h"
#include "graph/op_schema.h"
#include "runtime/kernel.h"
#include "runtime/node_info.h"
#include "runtime/run_state.h"
#include "runtime/value.h"

namespace cryograph {

// Values of a run stand in numbered slots: feeds first, then constants, then outputs of steps.
struct PlanStep {
  std::unique_ptr<NodeInfo> node;
  std::unique_ptr<Kernel> kernel;
  std::vector<int> inputs;   // Slots.
  uint64_t last_uses = 0;    // Bit i: no later step, and no other input of this one, reads inputs[i].
  int first_output = 0;      // Slot; the others follow.
  std::vector<int> release;  // Slots that nobody reads after this step.
  bool prepared = false;     // While planning: Kernel::Prepare() was called.
};

struct PlanFeed {
  std::string name;  // For messages.
  DataType dtype = DT_INVALID;
  PartialShape shape;
};

struct GraphPlan {
  std::vector<PlanFeed> feeds;
  std::vector<Value> constants;
  std::vector<PlanStep> steps;
  std::vector<int> fetches;  // Slots.
  std::vector<std::string> fetch_names;
  int num_slots = 0;
};

// Runs the steps in order. Errors name the node.
absl::StatusOr<std::vector<Value>> RunGraphPlan(const GraphPlan& plan, absl::Span<const Value> feeds,
                                                RunState& run);

// One step: checks limits, computes, checks that every output has come and has its type.
absl::Status RunStep(const PlanStep& step, absl::Span<Value* const> inputs, absl::Span<Value> outputs,
                     RunState& run);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_GRAPH_PLAN_H_
