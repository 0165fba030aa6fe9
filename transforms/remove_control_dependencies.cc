// Drops control inputs, but for those that place a node inside a loop or a branch.
#include "absl/strings/str_cat.h"
#include "graph/frames.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class RemoveControlDependencies final : public Pass {
 public:
  RemoveControlDependencies()
      : Pass("remove_control_dependencies", "Removes the control inputs of every node.",
             Semantics::kNotKept) {}

  std::string doc() const override {
    return "Unsafe by design: what ran before a node because of a control input (an initialiser, an "
           "assertion) no longer\n"
           "does. The remarks list every edge. A control input that puts a node into a loop's frame or into "
           "a branch of a\n"
           "conditional stays, since without it the graph cannot be loaded or both branches run; "
           "transform_graph removes\n"
           "those, too, and so does `force=true` (or `--compat`).";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    const bool keep_guards = !*force_ && !context.compat();
    const FrameInfo frames = keep_guards ? FrameInfo::Analyze(graph) : FrameInfo();
    for (Node node : graph.nodes()) {
      if (node.control_inputs().empty()) continue;
      std::vector<int> guarding = keep_guards ? frames.GuardingControls(node) : std::vector<int>();
      // From the back, so that positions stay what they were; `guarding` ascends.
      for (int i = static_cast<int>(node.control_inputs().size()); i-- > 0;) {
        if (!guarding.empty() && guarding.back() == i) {
          guarding.pop_back();
          context.Skip(node, "a control input places it inside a loop or a branch");
          continue;
        }
        const Node source = graph.node(node.control_inputs()[static_cast<size_t>(i)].node);
        context.Remark(node, absl::StrCat("no longer waits for '", source.name(), "'"));
        graph.RemoveControlInput(node, i);
        context.Count("removed");
      }
    }
    return absl::OkStatus();
  }

 private:
  Param<bool> force_{this, "force", false, "Also those that place a node inside a loop or a branch."};
};
CRYOGRAPH_REGISTER_PASS(RemoveControlDependencies);

}  // namespace
}  // namespace cryograph
