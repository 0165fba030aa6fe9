// Puts Print nodes behind nodes, so that a run of the graph tells what they computed.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/control_flow.h"
#include "graph/op_schema.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class InsertLogging final : public Pass {
 public:
  InsertLogging() : Pass("insert_logging", "Inserts Print nodes that log what other nodes compute.") {}

  std::string doc() const override {
    return "Every node that is read, whose type is among `op` and whose name begins with one of `prefix`, "
           "gets a Print\n"
           "`NAME__print__`. It shows all outputs that are read, and the readers of the first of them read "
           "the Print; a node\n"
           "that is only waited for is waited for by way of its Print. Outputs of the graph that nothing in "
           "it reads are not\n"
           "logged unless `outputs=true`: then an Identity takes over the output's name, and reads the "
           "Print.\n"
           "\n"
           "Where transform_graph goes wrong:\n"
           "\n"
           "* Nodes without outputs, nodes of unknown ops, references, resources and control flow (Switch, "
           "Merge, Enter, Exit,\n"
           "  NextIteration, LoopCond) are left alone, with a remark: a graph with a Print there is invalid, "
           "or never prints.\n"
           "* If some outputs are not read, the types listed are those of the outputs shown, and if output 0 "
           "is not read the\n"
           "  readers of the first that is read it through the Print, which otherwise would never run.\n"
           "* The name of the Print is made unique.";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    const OpRegistry registry(context.model());
    std::vector<Node> nodes;
    for (Node node : graph.nodes()) nodes.push_back(node);
    for (size_t i = 0; i < nodes.size(); ++i) {
      const Node node = nodes[i];
      const Node next = i + 1 < nodes.size() ? nodes[i + 1] : Node();
      if (!IsSelected(node)) continue;
      const bool log_output = *outputs_ && IsOutput(node, context);
      if (node.uses().empty() && !log_output) continue;
      RETURN_IF_ERROR(Log(graph, context, registry, node, next, log_output));
    }
    return absl::OkStatus();
  }

 private:
  bool IsSelected(Node node) const {
    const auto begins = [&](const std::string& prefix) { return absl::StartsWith(node.name(), prefix); };
    return (op_->empty() || std::find(op_->begin(), op_->end(), node.op()) != op_->end()) &&
           (prefix_->empty() || std::any_of(prefix_->begin(), prefix_->end(), begins));
  }

  static bool IsOutput(Node node, const PassContext& context) {
    return std::any_of(context.outputs().begin(), context.outputs().end(),
                       [&](const TensorName& output) { return output.node == node.name(); });
  }

  absl::Status Log(Graph& graph, PassContext& context, const OpRegistry& registry, Node node, Node next,
                   bool log_output) {
    // Output numbers that are read; a control reader stands for output 0.
    std::set<int32_t> data, shown;
    for (const Use& use : node.uses()) {
      if (use.slot != kControl) data.insert(graph.node(use.user).input(use.slot).index);
      shown.insert(use.slot == kControl ? 0 : graph.node(use.user).input(use.slot).index);
    }
    if (log_output) shown.insert(0);
    if (IsControlFlow(node.op()))
      return Skip(context, node, "it is control flow, which must meet its readers directly");
    const absl::StatusOr<std::vector<DataType>> types = registry.OutputTypes(node);
    if (!types.ok()) return Skip(context, node, "the types of its outputs are not known");
    if (types->empty()) return Skip(context, node, "it has no outputs");
    for (int32_t index : shown) {
      if (static_cast<size_t>(index) >= types->size()) {
        return Skip(context, node, "a node reads an output that it does not have");
      }
      const DataType type = (*types)[static_cast<size_t>(index)];
      if (IsRefType(type) || type == DT_RESOURCE) {
        return Skip(context, node, "its output is a reference or resource, not a value");
      }
    }
    // What passes through the Print: output 0, as in the original, or where nobody reads that the first that
    // is read.
    const int32_t passed = context.compat() || log_output || data.empty() ? 0 : *data.begin();
    if (log_output && !OutputsCanMove(node, context)) {
      context.Skip(node, "an output of it other than :0 is an output of the graph");
      log_output = false;
      if (node.uses().empty()) return absl::OkStatus();
    }

    const std::string name(node.name());
    if (log_output) RETURN_IF_ERROR(graph.Rename(node, graph.UniqueName(absl::StrCat(name, "/value"))));
    std::vector<Output> inputs = {node.out(passed)};
    std::vector<DataType> listed;
    for (int32_t index : shown) {
      inputs.push_back(node.out(index));
      listed.push_back((*types)[static_cast<size_t>(index)]);
    }
    const std::string print_name = graph.UniqueName(absl::StrCat(name, "__print__"));
    const std::vector<Use> uses(node.uses().begin(), node.uses().end());
    ASSIGN_OR_RETURN(const Node print, graph.AddNode(print_name, "Print", inputs, next));
    graph.SetAttr(print, "T", AttrType((*types)[static_cast<size_t>(passed)]));
    graph.SetAttr(print, "U", AttrTypeList(listed));
    graph.SetAttr(print, "message",
                  AttrString(absl::StrCat(*show_op_ ? absl::StrCat(";", node.op(), ";") : "",
                                          *show_name_ ? absl::StrCat(";", print_name, ";") : "", *message_)));
    graph.SetAttr(print, "first_n", AttrInt(*first_n_));
    graph.SetAttr(print, "summarize", AttrInt(*summarize_));
    for (const Use& use : uses) {
      const Node user = graph.node(use.user);
      if (use.slot != kControl && user.input(use.slot).index == passed)
        graph.SetInput(user, use.slot, print.out());
    }
    // A Print that nothing reads would never run.
    if (data.empty() && !log_output && !context.compat()) WaitForPrint(graph, node, print);
    if (log_output) {
      ASSIGN_OR_RETURN(const Node output, graph.AddNode(name, "Identity", {print.out()}, next));
      graph.SetAttr(output, "T", AttrType((*types)[0]));
      graph.Pin(output);
    }
    context.Count("inserted");
    return absl::OkStatus();
  }

  // An Identity can only stand for output 0.
  static bool OutputsCanMove(Node node, const PassContext& context) {
    return std::none_of(context.outputs().begin(), context.outputs().end(), [&](const TensorName& output) {
      return output.node == node.name() && (output.port != 0 || output.control);
    });
  }

  static void WaitForPrint(Graph& graph, Node node, Node print) {
    for (;;) {
      // Few of the uses are not control edges: those of the Print.
      const absl::Span<const Use> uses = node.uses();
      size_t last = uses.size();
      while (last > 0 && uses[last - 1].slot != kControl) --last;
      if (last == 0) return;
      graph.RedirectControlInput(graph.node(uses[last - 1].user), uses[last - 1].index, print);
    }
  }

  static absl::Status Skip(PassContext& context, Node node, absl::string_view why) {
    context.Skip(node, why);
    return absl::OkStatus();
  }

  Param<std::vector<std::string>> op_{this, "op", {}, "Op types to log, written out; without one, all."};
  Param<std::vector<std::string>> prefix_{
      this, "prefix", {}, "Beginnings of the names to log; without one, all."};
  Param<bool> show_op_{this, "show_op", false, "Begin the message with the node's type."};
  Param<bool> show_name_{this, "show_name", false, "Begin the message with the Print's name."};
  Param<std::string> message_{this, "message", "", "What stands in front of the values."};
  Param<int64_t> first_n_{this, "first_n", -1, "Log this often only; -1: always.",
                          InRange(-2147483648LL, 2147483647LL)};
  Param<int64_t> summarize_{this, "summarize", 1024, "So many values of each tensor.",
                            InRange(-2147483648LL, 2147483647LL)};
  Param<bool> outputs_{this, "outputs", false, "Also log the graph's outputs."};
};
CRYOGRAPH_REGISTER_PASS(InsertLogging);

}  // namespace
}  // namespace cryograph
