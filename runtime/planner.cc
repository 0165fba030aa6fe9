#include "runtime/planner.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "runtime/dataflow_planner.h"
#include "runtime/fold.h"
#include "runtime/needed_nodes.h"
#include "runtime/static_checks.h"

namespace cryograph {
namespace {

// Plans a graph without control flow of its own: a list of steps.
class StraightPlanner {
 public:
  StraightPlanner(const PlannerRequest& request, NeededNodes& needed, RunState& run)
      : request_(request), needed_(needed), run_(run) {}

  absl::StatusOr<std::unique_ptr<GraphPlan>> Make() {
    for (size_t i = 0; i < request_.feeds.size(); ++i) {
      slots_.emplace(request_.feeds[i], static_cast<int>(i));
      plan_->feeds.push_back(needed_.DescribeFeed(i));
    }
    plan_->num_slots = static_cast<int>(request_.feeds.size());
    CountUses();
    for (NeededNode& node : needed_.nodes()) RETURN_IF_ERROR(AddNode(node));
    RETURN_IF_ERROR(PrepareSteps());
    for (Output output : request_.fetches) {
      const auto found = slots_.find(output);
      if (found == slots_.end()) return NoOutput(output);
      plan_->fetches.push_back(found->second);
      plan_->fetch_names.push_back(needed_.TensorName(output));
    }
    DropUnusedConstants();
    FindLastUses();
    return std::move(plan_);
  }

 private:
  absl::Status NoOutput(Output output) const {
    return absl::InvalidArgumentError(absl::StrCat("there is no tensor '", needed_.TensorName(output), "'"));
  }

  const Value* ConstantOf(int slot) const { return slot < 0 ? &plan_->constants[~slot] : nullptr; }

  void AddConstant(Output output, Value value) {
    if (!slots_.emplace(output, ~static_cast<int>(plan_->constants.size())).second) return;  // Fed.
    plan_->constants.push_back(std::move(value));
  }

  absl::Status AddNode(NeededNode& needed) {
    const Node node = needed.node;
    if (node.op() == "Const") {
      absl::StatusOr<Value> value = ConstantValue(needed, request_.owner, run_);
      if (!value.ok()) return InNode(node, value.status());
      plan_->weight_bytes += value->num_bytes();
      AddConstant(node.out(0), *std::move(value));
      return absl::OkStatus();
    }
    PlanStep step;
    step.node = std::move(needed.info);
    step.kernel = std::move(needed.kernel);
    std::vector<const Value*> constants;
    for (Output input : needed.inputs) {
      const auto found = slots_.find(input);
      if (found == slots_.end()) return InNode(node, NoOutput(input));
      step.inputs.push_back(found->second);
      constants.push_back(ConstantOf(found->second));
    }
    const int num_outputs = step.node->num_outputs();
    if (request_.fold_constants && AllConstant(constants)) {
      if (!OnlyForwards(node.op())) RETURN_IF_ERROR(AlignInputs(step));
      RETURN_IF_ERROR(Prepare(step));
      std::vector<Value> folded = FoldStep(step, constants, run_);
      if (!folded.empty()) {
        for (int i = 0; i < num_outputs; ++i) AddConstant(node.out(i), std::move(folded[i]));
        for (size_t i = 0; i < step.inputs.size(); ++i) {
          if (--uses_[needed.inputs[i]] == 0) Drop(&plan_->constants[~step.inputs[i]]);
        }
        return absl::OkStatus();
      }
    }
    // Kernels that are asked whether they fuse may look at the elements of these.
    for (int slot : step.inputs) {
      if (const Value* constant = ConstantOf(slot); constant != nullptr && constant->rank() <= 1)
        RETURN_IF_ERROR(Align(&plan_->constants[~slot], run_));
    }
    if (request_.fuse && Fuse(needed, step, constants)) return absl::OkStatus();
    if (request_.fuse) FuseProducers(needed, step);
    AddOutputs(node, num_outputs, step);
    plan_->steps.push_back(std::move(step));
    return absl::OkStatus();
  }

  void CountUses() {
    for (const NeededNode& needed : needed_.nodes()) {
      for (Output input : needed.inputs) ++uses_[input];
    }
    for (Output output : request_.fetches) ++uses_[output];
  }

  // Makes `needed` part of the step that computes its input, if that kernel can: see Kernel::FuseReader().
  // The step moves to where `needed` would be, since it now needs the other inputs of it, too.
  bool Fuse(const NeededNode& needed, const PlanStep& reader,
            absl::Span<const Value* const> reader_constants) {
    const Node node = needed.node;
    if (!needed.control_inputs.empty() || reader.node->num_outputs() == 0) return false;
    for (int k = 1; k < reader.node->num_outputs(); ++k) {
      if (uses_.contains(node.out(k))) return false;
    }
    for (size_t i = 0; i < reader.inputs.size(); ++i) {
      const int slot = reader.inputs[i];
      if (slot < first_output_slot() || uses_[needed.inputs[i]] != 1) continue;
      PlanStep& step = plan_->steps[step_of_output_[slot - first_output_slot()]];
      if (step.first_output != slot || step.node->num_outputs() != 1) continue;
      std::vector<const Value*> constants;
      for (int input : step.inputs) constants.push_back(ConstantOf(input));
      if (!step.kernel->FuseReader(*reader.node, static_cast<int>(i), constants, reader_constants)) continue;
      for (size_t k = 0; k < reader.inputs.size(); ++k) {
        if (k != i && reader_constants[k] == nullptr) step.inputs.push_back(reader.inputs[k]);
      }
      AddOutputs(node, 1, step);
      PlanStep moved = std::move(step);
      plan_->steps.push_back(std::move(moved));
      return true;
    }
    return false;
  }

  // Drops steps that compute an input of `step` alone, as far as its kernel does their work: see
  // Kernel::FuseProducer().
  void FuseProducers(const NeededNode& needed, PlanStep& step) {
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int slot = step.inputs[i];
      if (slot < first_output_slot() || uses_[needed.inputs[i]] != 1) continue;
      PlanStep& producer = plan_->steps[step_of_output_[slot - first_output_slot()]];
      if (producer.kernel == nullptr || producer.node->num_outputs() != 1 || producer.inputs.empty())
        continue;
      if (!request_.graph->node(needed.inputs[i].node).control_inputs().empty()) continue;
      std::vector<const Value*> constants;
      for (int input : producer.inputs) constants.push_back(ConstantOf(input));
      if (!step.kernel->FuseProducer(static_cast<int>(i), *producer.node, constants)) continue;
      step.inputs[i] = producer.inputs[0];
      producer.kernel = nullptr;
    }
  }

  int first_output_slot() const { return static_cast<int>(request_.feeds.size()); }

  // Slots for the outputs of a step that is about to become the last one.
  void AddOutputs(Node node, int count, PlanStep& step) {
    step.first_output = plan_->num_slots;
    for (int i = 0; i < count; ++i) slots_.emplace(node.out(i), step.first_output + i);  // Unless fed.
    plan_->num_slots += count;
    step_of_output_.resize(plan_->num_slots - first_output_slot(), static_cast<int>(plan_->steps.size()));
  }

  absl::Status AlignInputs(const PlanStep& step) {
    for (int slot : step.inputs) {
      if (slot < 0) RETURN_IF_ERROR(Align(&plan_->constants[~slot], run_));
    }
    return absl::OkStatus();
  }

  // Drops the steps that moved, and has the others prepare. Each constant goes as soon as all who read it
  // have packed it; those with the largest constants come first, since for a moment there is also what they
  // pack from.
  absl::Status PrepareSteps() {
    auto& steps = plan_->steps;
    steps.erase(std::remove_if(steps.begin(), steps.end(),
                               [](const PlanStep& step) { return step.kernel == nullptr; }),
                steps.end());
    std::vector<int> readers = CountConstantReaders();
    for (size_t i = 0; i < readers.size(); ++i) {
      if (readers[i] == 0) plan_->constants[i] = Value();  // Others may share its elements.
    }
    size_t failed = steps.size();
    absl::Status failure;
    for (size_t i : LargestConstantsFirst()) {
      PlanStep& step = steps[i];
      absl::Status status;
      if (!step.prepared && !step.kernel->PreparesUnaligned()) status = AlignInputs(step);
      if (status.ok() && !step.prepared) status = Prepare(step);
      if (!status.ok() && i < failed) {
        failed = i;
        failure = status;
      }
      for (size_t k = 0; k < step.inputs.size() && k < 64; ++k) {
        if ((step.released >> k & 1) == 0) continue;
        const int constant = ~step.inputs[k];
        if (--readers[constant] == 0) Drop(&plan_->constants[constant]);
      }
    }
    RETURN_IF_ERROR(failure);
    for (Value& constant : plan_->constants) RETURN_IF_ERROR(Align(&constant, run_));
    return absl::OkStatus();
  }

  // How many steps and fetches read each constant.
  std::vector<int> CountConstantReaders() const {
    std::vector<int> readers(plan_->constants.size(), 0);
    for (const PlanStep& step : plan_->steps) {
      for (int slot : step.inputs) {
        if (slot < 0) ++readers[~slot];
      }
    }
    for (Output output : request_.fetches) {
      const auto found = slots_.find(output);
      if (found != slots_.end() && found->second < 0) ++readers[~found->second];
    }
    return readers;
  }

  // Numbers of the steps.
  std::vector<size_t> LargestConstantsFirst() const {
    std::vector<uint64_t> bytes(plan_->steps.size(), 0);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (int slot : plan_->steps[i].inputs) {
        if (slot < 0) bytes[i] += plan_->constants[~slot].num_bytes();
      }
    }
    std::vector<size_t> order(bytes.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return bytes[a] > bytes[b]; });
    return order;
  }

  absl::Status Prepare(PlanStep& step) {
    std::vector<const Value*> constants;
    for (int slot : step.inputs) constants.push_back(ConstantOf(slot));
    const absl::Status status = PrepareStep(&step, constants, run_);
    step.prepared = true;
    return status.ok() ? status : InNode(*step.node, status);
  }

  // Those that only folded or packed steps have read need no memory.
  void DropUnusedConstants() {
    std::vector<bool> used(plan_->constants.size(), false);
    const auto mark = [&](int slot) {
      if (slot < 0) used[~slot] = true;
    };
    for (const PlanStep& step : plan_->steps) {
      for (size_t i = 0; i < step.inputs.size(); ++i) {
        if (i >= 64 || (step.released >> i & 1) == 0) mark(step.inputs[i]);
      }
    }
    for (int slot : plan_->fetches) mark(slot);
    for (size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) plan_->constants[i] = Value();
    }
  }

  // Which step is the last to read each slot.
  void FindLastUses() {
    std::vector<int> last_reader(plan_->num_slots, -1);
    for (size_t i = 0; i < plan_->steps.size(); ++i) {
      const PlanStep& step = plan_->steps[i];
      for (int slot : step.inputs) {
        if (slot >= 0) last_reader[slot] = static_cast<int>(i);
      }
      // An output that nobody reads goes at once.
      for (int k = 0; k < step.node->num_outputs(); ++k)
        last_reader[step.first_output + k] = static_cast<int>(i);
    }
    for (int slot : plan_->fetches) {
      if (slot >= 0) last_reader[slot] = -1;
    }
    for (int slot = 0; slot < plan_->num_slots; ++slot) {
      if (last_reader[slot] >= 0) plan_->steps[last_reader[slot]].release.push_back(slot);
    }
    for (size_t i = 0; i < plan_->steps.size(); ++i) {
      PlanStep& step = plan_->steps[i];
      for (size_t k = 0; k < step.inputs.size() && k < 64; ++k) {
        const int slot = step.inputs[k];
        if (slot < 0 || last_reader[slot] != static_cast<int>(i)) continue;
        if (std::count(step.inputs.begin(), step.inputs.end(), slot) == 1) step.last_uses |= uint64_t{1} << k;
      }
    }
  }

  const PlannerRequest& request_;
  NeededNodes& needed_;
  RunState& run_;
  std::unique_ptr<GraphPlan> plan_ = std::make_unique<GraphPlan>();
  absl::flat_hash_map<Output, int> slots_;
  absl::flat_hash_map<Output, int> uses_;  // How often an output is wanted: by inputs, and fetches.
  std::vector<int> step_of_output_;        // Which step writes an output slot.
};

}  // namespace

absl::StatusOr<std::unique_ptr<GraphPlan>> MakeGraphPlan(const PlannerRequest& request, const OpRegistry& ops,
                                                         FunctionSource& functions, RunState& run,
                                                         MissingKernels* missing) {
  NeededNodes needed(request, ops);
  RETURN_IF_ERROR(needed.Find());
  const size_t missing_before = missing->size();
  RETURN_IF_ERROR(needed.FindKernels(functions, missing));
  if (missing->size() > missing_before) return nullptr;
  RETURN_IF_ERROR(needed.CheckTypes());
  if (!request.graph->is_function()) {
    RETURN_IF_ERROR(CheckStaticShapes(*request.graph, request.graph_version, ops, needed.nodes()));
  }
  if (needed.has_control_flow()) return MakeDataflowPlan(request, needed, run);
  return StraightPlanner(request, needed, run).Make();
}

}  // namespace cryograph
