// Replaces If, While and Case by the control flow of TensorFlow 1.
#include "transforms/function_inliner.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class LowerControlFlow final : public Pass {
 public:
  LowerControlFlow()
      : Pass("lower_control_flow",
             "Replaces If, While and Case, whose branches and bodies are functions, by Switch, Merge, Enter, "
             "Exit, "
             "NextIteration and LoopCond.") {}

  std::string doc() const override {
    return R"(`If`, `StatelessIf`, `While`, `StatelessWhile`, `Case` and `StatelessCase` of the main graph go, and those inside of them.
The result is what TensorFlow before 1.13, and most other programs that read graphs, can load. A node of a branch
or body is called `<if>/then/<node>`, `<if>/else/<node>`, `<case>/branch<i>/<node>`, `<while>/cond/<node>` or
`<while>/body/<node>`. Calls inside of bodies stay calls (`inline_functions`).

A branch is dead unless it is taken, its constants included. Where TensorFlow's own lowering makes `_SwitchN` of a `Case`,
which importers refuse, here it is a row of `Switch`. Loop variables that no iteration changes enter the loop as constants
of the frame. No placeholders for unused control inputs are left behind. A predicate that is no bool goes
through `ToBool`. A `While` without loop variables stays, with a remark.

Errors are those of `inline_functions`.)";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    InlineOptions options;
    options.calls = false;
    options.control_flow = true;
    options.max_nodes = *max_nodes_;
    ASSIGN_OR_RETURN(const InlineReport report, InlineFunctions(context.model(), options));
    for (const std::string& line : report.skipped) context.Remark(line);
    if (report.control_flow > 0) context.Count("lowered", report.control_flow);
    return absl::OkStatus();
  }

 private:
  Param<int64_t> max_nodes_{this, "max_nodes", 1000000,
                            "Most nodes to add: functions that call each other grow without measure.",
                            AtLeast(0)};
};
CRYOGRAPH_REGISTER_PASS(LowerControlFlow);

}  // namespace
}  // namespace cryograph
