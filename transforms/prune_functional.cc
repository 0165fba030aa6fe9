// If and Case with a constant predicate become calls.
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "transforms/prune_branches.h"
#include "transforms/scalar_values.h"

namespace cryograph {
namespace {

constexpr uint32_t kAttrValueFunc = 10;

// Values of nodes with one output, looked for from a predicate backwards; each node once.
class PredicateFinder {
 public:
  PredicateFinder(Graph& graph, const std::function<bool(Node)>& is_fed) : graph_(graph), is_fed_(is_fed) {}

  std::optional<ScalarValue> Find(NodeId wanted) {
    std::vector<NodeId> stack = {wanted};
    while (!stack.empty()) {
      const Node node = graph_.node(stack.back());
      const auto [found, is_new] = values_.emplace(node.id(), std::nullopt);
      if (is_new && CanBeKnown(node)) {
        // Looked at again when what it reads is known.
        for (const InputEdge& edge : node.inputs()) {
          if (!values_.contains(edge.node)) stack.push_back(edge.node);
        }
        if (stack.back() != node.id()) continue;
      }
      stack.pop_back();
      if (!CanBeKnown(node)) continue;
      std::optional<ScalarValue> value = ScalarOfConst(node);
      if (!value) {
        std::vector<std::optional<ScalarValue>> inputs;
        for (const InputEdge& edge : node.inputs()) inputs.push_back(values_[edge.node]);
        value = EvaluateScalar(node, inputs);
      }
      values_[node.id()] = value;
    }
    return values_[wanted];
  }

 private:
  bool CanBeKnown(Node node) const {
    if (!graph_.alive(node.id()) || is_fed_(node)) return false;
    return node.op() == "Const" || (node.num_inputs() >= 1 && node.num_inputs() <= 2);
  }

  Graph& graph_;
  const std::function<bool(Node)>& is_fed_;
  absl::flat_hash_map<NodeId, std::optional<ScalarValue>> values_;
};

// The serialized AttrValue of the function that is called; empty if the node has none.
std::string TakenFunction(Node node, const ScalarValue& predicate) {
  if (absl::EndsWith(node.op(), "If")) {
    const AttrView branch = node.attr(predicate.truth() ? "then_branch" : "else_branch");
    return branch.kind() == AttrView::kFunc ? std::string(branch.bytes()) : "";
  }
  const std::vector<absl::string_view> branches = node.attr("branches").list_func();
  if (branches.empty()) return "";
  const bool inside = predicate.integer >= 0 && static_cast<uint64_t>(predicate.integer) < branches.size();
  const size_t index = inside ? static_cast<size_t>(predicate.integer) : branches.size() - 1;
  std::string function;
  AppendBytesField(kAttrValueFunc, branches[index], &function);
  return function;
}

}  // namespace

absl::StatusOr<int> CallTakenBranches(Graph& graph, const std::function<bool(Node)>& is_fed) {
  PredicateFinder finder(graph, is_fed);
  int changed = 0;
  for (Node node : graph.nodes()) {
    const absl::string_view op = node.op();
    const bool stateless = op == "StatelessIf" || op == "StatelessCase";
    if ((!stateless && op != "If" && op != "Case") || node.num_inputs() < 1) continue;
    const std::optional<ScalarValue> predicate = finder.Find(node.input(0).node);
    if (!predicate) continue;
    std::string function = TakenFunction(node, *predicate);
    if (function.empty()) continue;
    graph.RemoveInput(node, 0);
    std::vector<std::string> gone;
    for (absl::string_view key : node.attr_keys()) {
      if (key != "Tin" && key != "Tout" && key != "_class" && key != "_output_shapes") gone.emplace_back(key);
    }
    for (const std::string& key : gone) graph.RemoveAttr(node, key);
    graph.SetOp(node, stateless ? "PartitionedCall" : "StatefulPartitionedCall");
    graph.SetAttr(node, "f", std::move(function));
    ++changed;
  }
  return changed;
}

}  // namespace cryograph
