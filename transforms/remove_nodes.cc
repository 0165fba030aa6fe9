// Splices nodes of certain op types out: their readers read what they read.
#include <cstdint>
#include <limits>
#include <vector>

#include "transforms/pass.h"
#include "transforms/splice_nodes.h"

namespace cryograph {
namespace {

class RemoveNodes final : public Pass {
 public:
  RemoveNodes()
      : Pass("remove_nodes",
             "Removes nodes of certain op types; their readers read their first input instead.",
             Semantics::kNotKept) {}

  std::string doc() const override {
    return "A node goes if its type matches and it has from one to `max_inputs` data inputs; those behind "
           "the first are\n"
           "forgotten, and go if nobody else reads them. Inputs and outputs of the graph stay. Where "
           "transform_graph goes wrong, the node stays, with a remark:\n"
           "\n"
           "* It has control readers and reads a Switch, Merge, Enter, Exit or NextIteration: the readers "
           "would no longer be\n"
           "  bound to a branch or an iteration (transform_graph makes both branches of a conditional run).\n"
           "* It stands between NextIteration and Merge, which must meet directly.\n"
           "* It waits for something by a control input and is read by a Merge, or a further output of it is "
           "read.\n"
           "* Its output has another type than its input (`force=true` removes it all the same).\n"
           "* It reads a reference variable that is assigned to on the way to the outputs: it may hold the "
           "value from before.\n"
           "\n"
           "Control inputs of a removed node move to its readers; transform_graph forgets them. The other "
           "nodes stay where\n"
           "they are in the file. `--compat` does as transform_graph does, but for the order of nodes.";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    OpFilter filter(*op_, false);
    SpliceOptions options;
    options.selected = [&](Node node) { return filter.Matches(node); };
    options.max_inputs = *max_inputs_;
    options.force = *force_ || context.compat();
    return SpliceNodes(graph, context, options);
  }

 private:
  Param<std::vector<Regex>> op_{this, "op", kRequired, "Op types to remove."};
  Param<int64_t> max_inputs_{
      this, "max_inputs", 1, "Most data inputs that such a node may have.",
      InRange(std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max())};
  Param<bool> force_{this, "force", false,
                     "Also nodes whose output has another type than their first input."};
};
CRYOGRAPH_REGISTER_PASS(RemoveNodes);

}  // namespace
}  // namespace cryograph
