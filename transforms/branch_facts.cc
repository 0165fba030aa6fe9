#include "transforms/branch_facts.h"

#include <algorithm>

#include "graph/control_flow.h"

namespace cryograph {
namespace {

size_t Index(NodeId id) { return static_cast<size_t>(id); }

}  // namespace

int32_t BranchFor(absl::string_view op, const ScalarValue& predicate, int64_t num_outputs) {
  if (op != "_SwitchN") return predicate.truth() ? 1 : 0;
  const bool inside = predicate.integer >= 0 && predicate.integer < num_outputs;
  return static_cast<int32_t>(inside ? predicate.integer : num_outputs - 1);
}

BranchFacts BranchFacts::Analyze(Graph& graph, const absl::flat_hash_set<NodeId>& fed) {
  BranchFacts facts(graph);
  facts.Run(fed);
  return facts;
}

// Nodes are looked at again whenever what they read became known; each can change a few times only.
void BranchFacts::Run(const absl::flat_hash_set<NodeId>& fed) {
  const size_t size = graph_->id_limit();
  never_runs_.assign(size, 0);
  fed_.assign(size, 0);
  queued_.assign(size, 0);
  dead_inputs_.assign(size, 0);
  for (NodeId id : fed) fed_[Index(id)] = 1;
  std::vector<NodeId> work;
  for (Node node : graph_->nodes()) {
    if (node.op() != "Const") continue;
    work.push_back(node.id());
    queued_[Index(node.id())] = 1;
  }
  for (size_t i = 0; i < work.size(); ++i) {
    queued_[Index(work[i])] = 0;
    const Node node = graph_->node(work[i]);
    if (Visit(node)) Tell(node, &work);
  }
}

// Counts the edges from `node` that are newly known to bring nothing, and has all readers looked at.
void BranchFacts::Tell(Node node, std::vector<NodeId>* work) {
  const bool dead = NeverRuns(node.id());
  const int32_t branch = TakenBranch(node.id());
  const bool branch_told = told_branch_.contains(node.id()), back = IsNextIteration(node.op());
  for (const Use& use : node.uses()) {
    const Node user = graph_->node(use.user);
    const bool merge = IsMerge(user.op());
    if (use.slot == kControl) {
      // A Merge and a ControlTrigger run whatever became of what they wait for.
      if (dead && !merge && user.op() != "ControlTrigger") ++dead_inputs_[Index(use.user)];
    } else {
      const bool other_branch = branch >= 0 && user.input(use.slot).index != branch;
      const bool known_before = other_branch && branch_told;
      if ((dead || other_branch) && !known_before && !(merge && back)) ++dead_inputs_[Index(use.user)];
    }
    if (queued_[Index(use.user)] != 0) continue;
    queued_[Index(use.user)] = 1;
    work->push_back(use.user);
  }
  if (branch >= 0) told_branch_.insert(node.id());
}

// As many edges must be dead for the node to be.
int32_t BranchFacts::Entries(Node node) {
  if (!IsMerge(node.op())) return 1;
  const auto [found, is_new] = entries_.emplace(node.id(), 0);
  if (is_new) {
    for (const InputEdge& edge : node.inputs()) {
      found->second += IsNextIteration(graph_->node(edge.node).op()) ? 0 : 1;
    }
  }
  return found->second;
}

// True if something new is known of the node.
bool BranchFacts::Visit(Node node) {
  const size_t id = Index(node.id());
  if (never_runs_[id] != 0 || !graph_->alive(node.id())) return false;
  if (dead_inputs_[id] > 0 && !IsReceive(node.op()) && dead_inputs_[id] >= Entries(node)) {
    never_runs_[id] = 1;
    values_.erase(node.id());
    return true;
  }
  if (fed_[id] != 0) return false;
  bool changed = false;
  if (IsSwitch(node.op()) && node.num_inputs() == 2) {
    if (const std::optional<ScalarValue> predicate = Value(node.input(1))) {
      const int32_t branch = BranchFor(node.op(), *predicate, node.attr("num_outs", int64_t{1}));
      changed = taken_.emplace(node.id(), branch).second;
    }
  }
  if (const std::optional<ScalarValue> value = Evaluate(node)) {
    changed = values_.emplace(node.id(), *value).second || changed;
  }
  return changed;
}

std::optional<ScalarValue> BranchFacts::Evaluate(Node node) const {
  if (node.op() == "Switch" || node.op() == "_SwitchN") {
    return node.num_inputs() == 2 ? Value(node.input(0)) : std::nullopt;
  }
  if (node.op() == "Merge") {
    if (dead_inputs_[Index(node.id())] + 1 != node.num_inputs()) return std::nullopt;
    for (const InputEdge& edge : node.inputs()) {
      if (!NeverAlive(edge)) return Value(edge);
    }
    return std::nullopt;
  }
  if (node.op() == "Const") return ScalarOfConst(node);
  if (node.num_inputs() < 1 || node.num_inputs() > 2) return std::nullopt;
  std::vector<std::optional<ScalarValue>> inputs;
  for (const InputEdge& edge : node.inputs()) inputs.push_back(Value(edge));
  return EvaluateScalar(node, inputs);
}

std::optional<ScalarValue> BranchFacts::Value(Output output) const {
  const auto found = values_.find(output.node);
  if (found == values_.end()) return std::nullopt;
  const int32_t branch = TakenBranch(output.node);
  // Whichever way a Switch goes, it is this value that comes out.
  if (branch < 0 && IsSwitch(graph_->node(output.node).op())) return found->second;
  return output.index == std::max(branch, 0) ? std::make_optional(found->second) : std::nullopt;
}

bool BranchFacts::NeverAlive(Output output) const {
  if (NeverRuns(output.node)) return true;
  const int32_t branch = TakenBranch(output.node);
  return branch >= 0 && output.index != branch;
}

int32_t BranchFacts::TakenBranch(NodeId node) const {
  const auto found = taken_.find(node);
  return found == taken_.end() ? -1 : found->second;
}

}  // namespace cryograph
