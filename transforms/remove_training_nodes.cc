// Takes out what only training needs: CheckNumerics, StopGradient and plain Identity nodes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/frames.h"
#include "transforms/pass.h"
#include "transforms/splice_nodes.h"

namespace cryograph {
namespace {

class RemoveTrainingNodes final : public Pass {
 public:
  RemoveTrainingNodes()
      : Pass("remove_training_nodes",
             "Removes CheckNumerics, StopGradient and Identity nodes, as TensorFlow's function of that name "
             "does.",
             Semantics::kExact) {}

  std::string doc() const override {
    return "`CheckNumerics` goes wherever it is; those who read its value read what it checks, and those who "
           "waited for it no\n"
           "longer do. An `Identity` or `StopGradient` goes if it waits for nothing and nothing waits for "
           "it. "
           "Inputs, outputs and\n"
           "names to keep stay. TensorFlow's function breaks graphs where this pass does not:\n"
           "\n"
           "* Who reads the value of a CheckNumerics loses an operand there.\n"
           "* `x:0` is not understood as `x`.\n"
           "* Nodes that were colocated with a removed one no longer load (1.15); here the wish goes to what "
           "it "
           "read.\n"
           "* Functions and versions are lost.\n"
           "\n"
           "A node also stays if its removal would make something run in another branch or iteration, if it "
           "holds the value of a\n"
           "variable from before an assignment, or if it brings a tensor to another device.";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    FreeWaiting(graph, context);
    std::vector<char> selected(graph.id_limit(), 0);
    for (Node node : graph.nodes()) selected[static_cast<uint32_t>(node.id())] = Goes(node, context) ? 1 : 0;
    SpliceOptions options;
    options.selected = [&](Node node) {
      const uint32_t id = static_cast<uint32_t>(node.id());
      return id < selected.size() && selected[id] != 0;
    };
    return SpliceNodes(graph, context, options);
  }

 private:
  static bool IsCheck(Node node) { return node.op() == "CheckNumerics" && node.num_inputs() == 1; }

  // What waits for a CheckNumerics no longer does, unless that is what holds it in its branch or iteration.
  // What the check waited for is waited for all the same.
  static void FreeWaiting(Graph& graph, PassContext& context) {
    const FrameInfo frames = FrameInfo::Analyze(graph);
    for (Node node : graph.nodes()) {
      for (int i = static_cast<int>(node.control_inputs().size()) - 1; i >= 0; --i) {
        const Node check = graph.node(node.control_inputs()[static_cast<size_t>(i)].node);
        if (!IsCheck(check) || check.pinned()) continue;
        const std::vector<int> guarding = frames.GuardingControls(node);
        if (std::find(guarding.begin(), guarding.end(), i) != guarding.end()) continue;
        std::vector<NodeId> before;
        for (const ControlEdge& edge : check.control_inputs()) before.push_back(edge.node);
        graph.RemoveControlInput(node, i);
        for (const NodeId id : before) graph.AddControlInput(node, graph.node(id));
        context.Count("control edges removed");
      }
    }
  }

  static bool Goes(Node node, PassContext& context) {
    if (IsCheck(node)) return true;
    if (node.op() != "Identity" && node.op() != "StopGradient") return false;
    if (node.num_inputs() != 1 || !node.control_inputs().empty() || node.HasControlReaders()) return false;
    const absl::string_view device = node.device(), before = node.input_node(0).device();
    if (!device.empty() && !before.empty() && device != before) {
      context.Skip(node, "it brings a tensor to another device");
      return false;
    }
    return true;
  }
};
CRYOGRAPH_REGISTER_PASS(RemoveTrainingNodes);

}  // namespace
}  // namespace cryograph
