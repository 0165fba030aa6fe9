// Puts nodes behind what they read.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/topological_order.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class SortByExecutionOrder final : public Pass {
 public:
  SortByExecutionOrder()
      : Pass("sort_by_execution_order", "Sorts the nodes so that each stands behind those that it reads.") {}

  std::string doc() const override {
    return "`order=stable` (the default): of the nodes that could come next, the one that stands first in "
           "the file does; a\n"
           "sorted graph stays as it is. A Merge stands behind all its inputs but a NextIteration, which "
           "closes a loop.\n"
           "\n"
           "`order=gtt` (the default under `--compat`): the order of transform_graph. Sources go on a stack "
           "in file order;\n"
           "the node on top is next, and its readers go on the stack when their last input is there; a Merge "
           "waits for one.\n"
           "\n"
           "A cycle is an error that names its nodes, where transform_graph only counts them; so is a name "
           "that two nodes\n"
           "have, which transform_graph does not notice.";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    const bool gtt = *order_ == "gtt" || (context.compat() && !order_.given());
    return context.ForEachGraph(*functions_, [&](Graph& graph) -> absl::Status {
      RETURN_IF_ERROR(CheckReferences(graph, context.compat()));
      const TopologicalOrder order = gtt ? StackOrder(graph) : StableOrder(graph);
      if (!order.stuck.empty()) return CycleError(graph, order.stuck);
      std::vector<NodeId> before;
      for (Node node : graph.nodes()) before.push_back(node.id());
      if (before == order.order) return absl::OkStatus();
      graph.SetOrder(order.order);
      int64_t moved = 0;
      for (size_t i = 0; i < before.size(); ++i) moved += before[i] != order.order[i];
      context.Count("moved", moved);
      return absl::OkStatus();
    });
  }

 private:
  static absl::Status CheckReferences(Graph& graph, bool compat) {
    for (Node node : graph.nodes()) {
      if ((node.defects() & kDefectDuplicateName) != 0 && !compat) {
        return absl::InvalidArgumentError(
            absl::StrCat("two nodes are named '", node.name(), "', so what reads it has no definite place"));
      }
      for (int slot = 0; slot < node.num_inputs(); ++slot) {
        RETURN_IF_ERROR(CheckProducer(node, node.input_node(slot)));
      }
      for (const ControlEdge& control : node.control_inputs()) {
        RETURN_IF_ERROR(CheckProducer(node, graph.node(control.node)));
      }
    }
    return absl::OkStatus();
  }

  static absl::Status CheckProducer(Node node, Node producer) {
    if (!producer.is_missing()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(), ") reads '",
                                                   producer.name(),
                                                   "', but the graph has no node of that name"));
  }

  static absl::Status CycleError(Graph& graph, const std::vector<NodeId>& stuck) {
    const std::vector<std::vector<NodeId>> cycles = FindCycles(graph, stuck);
    // Only the stack order can be stuck without a cycle: at a Merge that has no data input.
    if (cycles.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("node '", graph.node(stuck.front()).name(), "' (", graph.node(stuck.front()).op(),
                       ") waits for a data input that it does not have; order=stable takes that"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat(cycles.front().size(), " nodes in a cycle: ", CycleText(graph, cycles.front()),
                     cycles.size() > 1 ? absl::StrCat(" (and ", cycles.size() - 1, " more cycles)") : ""));
  }

  Param<std::string> order_{this, "order", "stable", "Which of the possible orders.",
                            OneOf({"stable", "gtt"})};
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(SortByExecutionOrder);

}  // namespace
}  // namespace cryograph
