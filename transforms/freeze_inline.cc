#include "transforms/freeze_inline.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "transforms/freeze_plan.h"
#include "transforms/function_inliner.h"

namespace cryograph {
namespace {

constexpr uint32_t kObjectGraphDef = 7;  // Of MetaGraphDef: SavedModels of TensorFlow 2 have it.

uint32_t Index(NodeId id) { return static_cast<uint32_t>(id); }

// By id: what the outputs need, and what that is to be placed with if `colocations`.
std::vector<char> Needed(Graph& graph, const std::vector<Node>& outputs, bool colocations) {
  std::vector<char> needed(graph.id_limit(), 0);
  std::vector<NodeId> stack;
  const auto visit = [&](NodeId id) {
    if (!graph.alive(id) || needed[Index(id)] != 0) return;
    needed[Index(id)] = 1;
    stack.push_back(id);
  };
  for (Node node : outputs) visit(node.id());
  while (!stack.empty()) {
    const Node node = graph.node(stack.back());
    stack.pop_back();
    for (const InputEdge& edge : node.inputs()) visit(edge.node);
    for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
    const AttrView colocation = colocations ? node.attr("_class") : AttrView();
    if (colocation.kind() != AttrView::kList) continue;
    for (absl::string_view entry : colocation.list_s()) {
      if (!absl::ConsumePrefix(&entry, "loc:@")) continue;
      if (const Node other = graph.Find(entry)) visit(other.id());
    }
  }
  return needed;
}

// Whether `output` is a variable's resource, through nodes that only hand it on.
bool IsVariable(Graph& graph, Output output) {
  for (uint32_t step = 0; step <= graph.id_limit(); ++step) {
    const Node node = graph.node(output.node);
    switch (ClassifyForFreezing(node.op())) {
      case FreezeOp::kHandle:
        return true;
      case FreezeOp::kForward:
        if (node.num_inputs() == 0) return false;
        output = node.input(0);
        break;
      default:
        return node.op() == "_VarHandlesOp";
    }
  }
  return false;
}

}  // namespace

bool RunsFunctions(Model& model) {
  if (model.functions().empty()) return false;
  const FunctionTable functions(model);
  for (Node node : model.graph().nodes()) {
    if (functions.Kind(node) != CallKind::kNone) return true;
  }
  return false;
}

absl::Status InlineForFreezing(Model& model, const FreezeOptions& options, FreezeReport& report) {
  if (options.functions == FunctionForm::kKeep) return absl::OkStatus();
  Graph& graph = model.graph();
  std::vector<Node> outputs;
  for (absl::string_view name : options.outputs) {
    if (const Node node = FindTensor(graph, absl::StripAsciiWhitespace(name))) outputs.push_back(node);
  }
  InlineOptions inlining;
  inlining.max_nodes = options.max_inlined_nodes;
  inlining.only = Needed(graph, outputs, !options.drop_colocation);
  const FunctionTable functions(model);
  bool any = false, with_variable = !model.MetaField(kObjectGraphDef).empty();
  for (Node node : graph.nodes()) {
    if (inlining.only[Index(node.id())] == 0 || functions.Kind(node) == CallKind::kNone) continue;
    any = true;
    for (const InputEdge& edge : node.inputs()) with_variable = with_variable || IsVariable(graph, edge);
  }
  if (!any || (options.functions == FunctionForm::kAuto && !with_variable)) return absl::OkStatus();
  inlining.control_flow = options.functions != FunctionForm::kInline;
  for (Node node : outputs) graph.Pin(node);
  ASSIGN_OR_RETURN(const InlineReport inlined, InlineFunctions(model, inlining));
  report.inlined += inlined.calls;
  report.lowered += inlined.control_flow;
  report.notes.insert(report.notes.end(), inlined.skipped.begin(), inlined.skipped.end());
  graph.FixColocations();
  return absl::OkStatus();
}

}  // namespace cryograph
