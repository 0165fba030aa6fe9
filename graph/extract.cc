#include "graph/extract.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "graph/element_name.h"

namespace cryograph {
namespace {

absl::Status MissingInput(Node node, absl::string_view relation, absl::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(),
                                                 "), which the outputs need, ", relation, " '", name,
                                                 "', but the graph has no node of that name"));
}

}  // namespace

absl::StatusOr<ExtractResult> ExtractSubGraph(Model& model, absl::Span<const std::string> outputs,
                                              const ExtractOptions& options) {
  Graph& graph = model.graph();
  std::vector<bool> kept(graph.id_limit(), false);
  std::vector<NodeId> pending;
  const auto visit = [&](NodeId id) {
    if (kept[static_cast<size_t>(id)]) return;
    kept[static_cast<size_t>(id)] = true;
    pending.push_back(id);
  };
  for (const std::string& output : outputs) {
    ASSIGN_OR_RETURN(const ElementName name, ParseElementName(output));
    const Node node = graph.Find(name.node);
    if (!node) return NoSuchNode(graph, name.node);
    visit(node.id());
  }
  while (!pending.empty()) {
    const Node node = graph.node(pending.back());
    pending.pop_back();
    for (const InputEdge& edge : node.inputs()) {
      if (graph.node(edge.node).is_missing())
        return MissingInput(node, "reads", graph.node(edge.node).name());
      visit(edge.node);
    }
    for (const ControlEdge& edge : node.control_inputs()) {
      if (graph.node(edge.node).is_missing())
        return MissingInput(node, "waits for", graph.node(edge.node).name());
      visit(edge.node);
    }
    const AttrView colocations = options.drop_colocation ? AttrView() : node.attr("_class");
    if (colocations.kind() != AttrView::kList) continue;
    for (absl::string_view entry : colocations.list_s()) {
      if (!absl::ConsumePrefix(&entry, "loc:@")) continue;
      const Node other = graph.Find(entry);
      if (!other) return MissingInput(node, "wants to be placed with", entry);
      visit(other.id());
    }
  }
  std::vector<NodeId> dead;
  for (Node node : graph.nodes()) {
    if (!kept[static_cast<size_t>(node.id())]) dead.push_back(node.id());
  }
  RETURN_IF_ERROR(graph.Erase(dead));
  ExtractResult result;
  result.kept = graph.num_nodes();
  result.removed = static_cast<int>(dead.size());
  result.dropped_colocations = graph.FixColocations();
  if (options.prune_functions) result.pruned_functions = model.PruneFunctions();
  return result;
}

}  // namespace cryograph
