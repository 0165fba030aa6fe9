// The steps that compute some tensors of one graph: the main graph or the body of a function.
#ifndef CRYOGRAPH_RUNTIME_GRAPH_PLAN_H_
#define CRYOGRAPH_RUNTIME_GRAPH_PLAN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "runtime/dataflow_plan.h"
#include "runtime/executor.h"
#include "runtime/kernel.h"
#include "runtime/node_info.h"
#include "runtime/run_memory.h"
#include "runtime/run_state.h"
#include "runtime/value.h"

namespace cryograph {

// Values of a run stand in numbered slots: feeds first, then outputs of steps. Slot ~i is constant i.
struct PlanStep {
  std::unique_ptr<NodeInfo> node;
  std::unique_ptr<Kernel> kernel;
  std::vector<int> inputs;  // Slots.
  // Bit i: no later step, and no other input of this one, reads inputs[i].
  uint64_t last_uses = 0;
  uint64_t released = 0;  // Bit i: the kernel has packed constant input i and does not look at it any more.
  int first_output = 0;   // Slot; the others follow.
  std::vector<int> release;  // Slots that nobody reads after this step.
  bool prepared = false;     // While planning: Kernel::Prepare() was called.
};

struct PlanFeed {
  std::string name;             // For messages.
  DataType dtype = DT_INVALID;  // DT_INVALID: not known.
  PartialShape shape = {true, {}};
};

struct GraphPlan {
  std::vector<PlanFeed> feeds;
  std::vector<Value> constants;
  std::vector<PlanStep> steps;
  std::vector<int> fetches;              // Slots.
  std::vector<std::string> fetch_names;  // For messages.
  int num_slots = 0;
  uint64_t weight_bytes = 0;  // Of the constants of the graph that the steps were made from.
  mutable MemoryLayouts memory;
  // Set if the graph has control flow of its own (Switch, Merge, Enter …): then the steps are this plan's,
  // and slots mean nothing.
  std::unique_ptr<DataflowPlan> dataflow;
};

// Runs the plan. Errors name the node. `feeds` are overwritten where nobody else has them.
absl::StatusOr<std::vector<Value>> RunGraphPlan(const GraphPlan& plan, std::vector<Value> feeds,
                                                RunState& run);

// Adds what the plan needs.
void AddMemory(const GraphPlan& plan, PlanMemory* sum);

// One step: checks limits, reads variables that the node wants the value of, computes, checks that every
// output that came has its type. With `all_outputs` every output must come.
absl::Status RunStep(const PlanStep& step, absl::Span<Value* const> inputs, absl::Span<Value> outputs,
                     bool all_outputs, RunState& run);

// The same status with "node 'x' (Op): " in front.
absl::Status InNode(const NodeInfo& node, const absl::Status& status);

// A reference becomes the variable's value; other values stay.
absl::Status Dereference(Value* value);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_GRAPH_PLAN_H_
