#include "runtime/graph_plan.h"

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

absl::Status InNode(const NodeInfo& node, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("node '", node.name(), "' (", node.op(), "): ", status.message()));
}

bool Fits(const Shape& shape, const PartialShape& wanted) {
  if (wanted.unknown_rank) return true;
  if (shape.size() != wanted.dims.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (wanted.dims[i] >= 0 && wanted.dims[i] != shape[i]) return false;
  }
  return true;
}

absl::Status CheckFeed(const PlanFeed& feed, const Value& value) {
  if (!value.has_value())
    return absl::InvalidArgumentError(absl::StrCat("feed '", feed.name, "' has no value"));
  if (feed.dtype != DT_INVALID && BaseType(feed.dtype) != value.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat("feed '", feed.name, "' is ", ValueText(value),
                                                   ", but must be ", DataTypeName(BaseType(feed.dtype))));
  }
  if (!Fits(value.shape(), feed.shape)) {
    return absl::InvalidArgumentError(absl::StrCat("feed '", feed.name, "' is ", ValueText(value),
                                                   ", but its shape must be ", PartialShapeText(feed.shape)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunStep(const PlanStep& step, absl::Span<Value* const> inputs, absl::Span<Value> outputs,
                     RunState& run) {
  const NodeInfo& node = *step.node;
  RETURN_IF_ERROR(run.CheckLimits());
  KernelContext context(node, run, inputs, step.last_uses, outputs);
  if (absl::Status status = step.kernel->Compute(context); !status.ok()) return InNode(node, status);
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (outputs[i].dtype() == node.output_type(i)) continue;
    return InNode(node, absl::InternalError(absl::StrCat("output ", i, " is ", ValueText(outputs[i]),
                                                         " instead of ", DataTypeName(node.output_type(i)))));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Value>> RunGraphPlan(const GraphPlan& plan, absl::Span<const Value> feeds,
                                                RunState& run) {
  if (feeds.size() != plan.feeds.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(feeds.size(), " values for ", plan.feeds.size(), " feeds"));
  }
  std::vector<Value> slots(plan.num_slots);
  for (size_t i = 0; i < feeds.size(); ++i) {
    RETURN_IF_ERROR(CheckFeed(plan.feeds[i], feeds[i]));
    slots[i] = feeds[i];
  }
  for (size_t i = 0; i < plan.constants.size(); ++i) slots[feeds.size() + i] = plan.constants[i];
  absl::InlinedVector<Value*, 8> inputs;
  for (const PlanStep& step : plan.steps) {
    inputs.clear();
    for (int slot : step.inputs) inputs.push_back(&slots[slot]);
    RETURN_IF_ERROR(RunStep(step, inputs,
                            absl::MakeSpan(slots).subspan(step.first_output, step.node->num_outputs()), run));
    for (int slot : step.release) slots[slot] = Value();
  }
  std::vector<Value> results;
  for (int slot : plan.fetches) results.push_back(slots[slot]);
  return results;
}

}  // namespace cryograph
