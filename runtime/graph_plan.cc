#include "runtime/graph_plan.h"

#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "runtime/dataflow_run.h"
#include "runtime/loop_limit.h"
#include "runtime/resource.h"

namespace cryograph {
namespace {

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
  const DataType wanted = BaseType(feed.dtype);
  if (wanted != DT_INVALID && wanted != value.dtype() && feed.dtype != value.dtype()) {
    return absl::InvalidArgumentError(
        absl::StrCat("feed '", feed.name, "' is ", ValueText(value), ", but must be ", DataTypeName(wanted)));
  }
  if (!Fits(value.shape(), feed.shape)) {
    return absl::InvalidArgumentError(absl::StrCat("feed '", feed.name, "' is ", ValueText(value),
                                                   ", but its shape must be ", PartialShapeText(feed.shape)));
  }
  return absl::OkStatus();
}

// The characters of strings are outside of a value's block: counts those of new outputs against the limit.
absl::Status ChargeStrings(absl::Span<Value* const> inputs, absl::Span<Value> outputs, MemoryPool& pool) {
  for (const Value& output : outputs) {
    if (output.dtype() != DT_STRING) continue;
    bool is_new = true;
    for (const Value* input : inputs) is_new = is_new && !output.SharesElementsWith(*input);
    if (!is_new) continue;
    uint64_t bytes = 0;
    for (const std::string& text : output.span<std::string>()) bytes += text.size();
    RETURN_IF_ERROR(pool.Charge(output.buffer(), bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Value>> RunSteps(const GraphPlan& plan, std::vector<Value> feeds,
                                            RunMemory* memory, RunState& run) {
  std::vector<Value> slots = std::move(feeds);
  slots.resize(plan.num_slots);
  const auto at = [&](int slot) -> Value* {
    return slot >= 0 ? &slots[slot] : const_cast<Value*>(&plan.constants[~slot]);
  };
  absl::InlinedVector<Value*, 8> inputs;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const PlanStep& step = plan.steps[i];
    if (memory != nullptr) memory->BeginStep(static_cast<int>(i));
    inputs.clear();
    for (int slot : step.inputs) inputs.push_back(at(slot));
    RETURN_IF_ERROR(RunStep(step, inputs,
                            absl::MakeSpan(slots).subspan(step.first_output, step.node->num_outputs()),
                            /*all_outputs=*/true, run));
    for (int slot : step.release) slots[slot] = Value();
  }
  std::vector<Value> results;
  results.reserve(plan.fetches.size());
  for (int slot : plan.fetches) results.push_back(*at(slot));
  return results;
}

// The same with an arena, as soon as a run with feeds of these shapes has shown what it must hold.
absl::StatusOr<std::vector<Value>> RunInArena(const GraphPlan& plan, std::vector<Value> feeds,
                                              RunState& run) {
  const bool unobserved = run.observer == nullptr;
  const std::shared_ptr<RunMemory> memory = plan.memory.Begin(feeds, unobserved, *run.pool);
  if (memory == nullptr) {
    RunState pooled = run;
    pooled.pool = &run.pool->root();
    return RunSteps(plan, std::move(feeds), nullptr, pooled);
  }
  RunState in_arena = run;
  in_arena.pool = memory.get();
  std::vector<int64_t> shapes = MemoryLayouts::FeedShapes(feeds);
  const uint64_t feed_bytes = MemoryLayouts::FeedBytes(feeds);
  absl::StatusOr<std::vector<Value>> results = RunSteps(plan, std::move(feeds), memory.get(), in_arena);
  if (results.ok() && unobserved) plan.memory.End(std::move(shapes), feed_bytes, *memory);
  return results;
}

}  // namespace

void AddMemory(const GraphPlan& plan, PlanMemory* sum) {
  sum->weight_bytes += plan.weight_bytes;
  const std::shared_ptr<const MemoryLayout> layout = plan.memory.Largest();
  if (layout == nullptr) return;
  sum->largest_live_bytes += layout->largest_live_bytes;
  sum->arena_bytes += layout->arena_bytes;
}

absl::Status InNode(const NodeInfo& node, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("node '", node.name(), "' (", node.op(), "): ", status.message()));
}

absl::Status Dereference(Value* value) {
  if (!IsRefType(value->dtype())) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::shared_ptr<Variable> variable, ObjectOf<Variable>(*value));
  ASSIGN_OR_RETURN(*value, variable->Read());
  return absl::OkStatus();
}

namespace {

// The kernel's result, or why its loops ended early.
absl::Status Compute(const Kernel& kernel, KernelContext& context, const RunState& run) {
  if (run.deadline == absl::InfiniteFuture() && run.cancelled == nullptr) return kernel.Compute(context);
  const auto expired = [&run] { return !run.CheckLimits().ok(); };
  LoopLimit limit(expired);
  RETURN_IF_ERROR(kernel.Compute(context));
  if (!limit.stopped()) return absl::OkStatus();
  const absl::Status status = run.CheckLimits();
  return status.ok() ? absl::CancelledError("the run was cancelled") : status;
}

}  // namespace

absl::Status RunStep(const PlanStep& step, absl::Span<Value* const> inputs, absl::Span<Value> outputs,
                     bool all_outputs, RunState& run) {
  const NodeInfo& node = *step.node;
  RETURN_IF_ERROR(run.CheckLimits());
  // References whose variable's value is wanted.
  absl::InlinedVector<Value, 2> read;
  absl::InlinedVector<Value*, 8> with_read;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!IsRefType(inputs[i]->dtype())) continue;
    // A fused step has more inputs than its node.
    const int index = static_cast<int>(i);
    if (index < node.num_inputs() && IsRefType(node.input_type(index))) continue;
    if (with_read.empty()) {
      with_read.assign(inputs.begin(), inputs.end());
      read.reserve(inputs.size());
    }
    read.push_back(*inputs[i]);
    if (absl::Status status = Dereference(&read.back()); !status.ok()) return InNode(node, status);
    with_read[i] = &read.back();
  }
  KernelContext context(node, run, with_read.empty() ? inputs : absl::MakeConstSpan(with_read),
                        step.last_uses, outputs);
  const absl::Time begin = run.observer == nullptr ? absl::Time() : absl::Now();
  if (absl::Status status = Compute(*step.kernel, context, run); !status.ok()) return InNode(node, status);
  if (run.observer != nullptr) run.observer->OnStep(node, outputs, begin, absl::Now());
  if (run.pool->limit() != MemoryPool::kNoLimit) {
    const absl::Status status = ChargeStrings(inputs, outputs, *run.pool);
    if (!status.ok()) return InNode(node, status);
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (outputs[i].dtype() == node.output_type(i)) continue;
    if (!all_outputs && !outputs[i].has_value()) continue;
    return InNode(node, absl::InternalError(absl::StrCat("output ", i, " is ", ValueText(outputs[i]),
                                                         " instead of ", DataTypeName(node.output_type(i)))));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Value>> RunGraphPlan(const GraphPlan& plan, std::vector<Value> feeds,
                                                RunState& run) {
  if (feeds.size() != plan.feeds.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(feeds.size(), " values for ", plan.feeds.size(), " feeds"));
  }
  for (size_t i = 0; i < feeds.size(); ++i) RETURN_IF_ERROR(CheckFeed(plan.feeds[i], feeds[i]));
  absl::StatusOr<std::vector<Value>> results =
      plan.dataflow == nullptr ? RunInArena(plan, std::move(feeds), run)
                               : RunDataflow(*plan.dataflow, plan.fetch_names, std::move(feeds), run);
  if (!results.ok()) return results;
  for (size_t i = 0; i < results->size(); ++i) {
    const absl::Status status = Dereference(&(*results)[i]);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("fetch '", plan.fetch_names[i], "': ", status.message()));
    }
  }
  return results;
}

}  // namespace cryograph
