#include "transforms/freeze_advice.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/control_flow.h"

namespace cryograph {
namespace {

// The bool placeholder that `predicate` is, or is the negation of. *value is turned round for each negation.
Node PlaceholderOf(Graph& graph, Output predicate, bool* value) {
  // Chains are short; what is longer leads elsewhere.
  for (int step = 0; step < 100; ++step) {
    const Node node = graph.node(predicate.node);
    if (absl::StartsWith(node.op(), "Placeholder")) {
      return node.attr("dtype", DT_INVALID) == DT_BOOL ? node : Node();
    }
    if (node.op() == "LogicalNot") *value = !*value;
    if ((node.op() != "LogicalNot" && node.op() != "Identity" && !IsSwitch(node.op()) &&
         !IsEnter(node.op())) ||
        node.num_inputs() == 0) {
      return Node();
    }
    predicate = node.input(0);
  }
  return Node();
}

}  // namespace

std::string PlaceholderThatAvoids(Graph& graph, Node node) {
  std::vector<char> seen(graph.id_limit(), 0);
  std::vector<NodeId> queue = {node.id()};
  seen[static_cast<size_t>(node.id())] = 1;
  for (size_t i = 0; i < queue.size(); ++i) {
    const Node current = graph.node(queue[i]);
    // A Merge ends the branch: what is behind it does not decide whether the node runs.
    if (!graph.alive(current.id()) || IsMerge(current.op())) continue;
    for (const InputEdge& edge : current.inputs()) {
      const Node source = graph.node(edge.node);
      if ((source.op() == "Switch" || source.op() == "RefSwitch") && source.num_inputs() == 2) {
        bool value = edge.index == 0;
        const Node placeholder = PlaceholderOf(graph, source.input(1), &value);
        if (placeholder) return absl::StrCat(placeholder.name(), value ? "=true" : "=false");
      }
      char& mark = seen[static_cast<size_t>(edge.node)];
      if (mark == 0) queue.push_back(edge.node);
      mark = 1;
    }
    for (const ControlEdge& edge : current.control_inputs()) {
      char& mark = seen[static_cast<size_t>(edge.node)];
      if (mark == 0) queue.push_back(edge.node);
      mark = 1;
    }
  }
  return "";
}

}  // namespace cryograph
