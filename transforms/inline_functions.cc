// Replaces calls of functions by the bodies of what they call.
#include "transforms/function_inliner.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class InlineFunctionsPass final : public Pass {
 public:
  InlineFunctionsPass()
      : Pass("inline_functions", "Replaces calls of functions by the bodies of what they call.") {}

  std::string doc() const override {
    return R"(Calls are nodes whose op is a function of the library, `PartitionedCall` and `StatefulPartitionedCall`, at any depth.
The nodes of a body are called `<call>/<node>`; of the body's nodes those come along that an output needs or that have an
effect. Where a call is an input or output of the graph, an `Identity` or `IdentityN` takes over its name and outputs.
`If`, `While` and `Case` stay as they are (`lower_control_flow`), and so do `SymbolicGradient` and functions that an
attribute names without a call.

Control inputs of a call hold back all that its body does; what waited for the call waits for its outputs and effects; and
effects happen whenever an output is used, as in the call. In a loop or a branch of TensorFlow 1 nodes of the body that
read nothing get a control input that keeps them there. Attributes that the body asks the caller for are filled in, from
the signature's defaults where the call says nothing.

A function that is missing, calls itself, or takes another number of inputs than it is given is an error that names it and
the node. Functions stay in the library: `strip_unused_nodes` removes those that nothing leads to any more.)";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    InlineOptions options;
    options.noinline = *noinline_;
    options.max_nodes = *max_nodes_;
    ASSIGN_OR_RETURN(const InlineReport report, InlineFunctions(context.model(), options));
    for (const std::string& line : report.skipped) context.Remark(line);
    if (report.calls > 0) context.Count("calls inlined", report.calls);
    return absl::OkStatus();
  }

 private:
  Param<bool> noinline_{this, "noinline", false, "Inline functions that are marked `_noinline`, too."};
  Param<int64_t> max_nodes_{this, "max_nodes", 1000000,
                            "Most nodes to add: functions that call each other grow without measure.",
                            AtLeast(0)};
};
CRYOGRAPH_REGISTER_PASS(InlineFunctionsPass);

}  // namespace
}  // namespace cryograph
