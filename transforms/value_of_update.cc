#include "transforms/value_of_update.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

void KeepInputs(Graph& graph, Node node, int count) {
  while (node.num_inputs() > count) graph.RemoveInput(node, node.num_inputs() - 1);
}

void Become(Graph& graph, Node node, absl::string_view op) {
  std::vector<std::string> gone;
  for (absl::string_view key : node.attr_keys()) {
    if (key != "_class") gone.emplace_back(key);
  }
  for (const std::string& key : gone) graph.RemoveAttr(node, key);
  graph.SetOp(node, op);
  graph.SetDevice(node, "");
}

}  // namespace

bool HasValueForm(Node node) {
  const absl::string_view op = node.op();
  if (op == "Assign" || op == "AssignAdd" || op == "AssignSub") return node.num_inputs() == 2;
  return node.num_inputs() == 3 && (op == "ScatterUpdate" || op == "ScatterAdd" || op == "ScatterSub" ||
                                    op == "ScatterNdUpdate" || op == "ScatterNdAdd" || op == "ScatterNdSub");
}

absl::Status GiveValueOfUpdate(Graph& graph, Node node, DataType dtype, bool pure,
                               ConstantMaker add_constant) {
  const std::string op(node.op());
  if (!pure || !HasValueForm(node)) {
    KeepInputs(graph, node, 1);
    Become(graph, node, "Identity");
  } else if (op == "Assign") {
    graph.SetInput(node, 0, node.input(1));
    KeepInputs(graph, node, 1);
    Become(graph, node, "Identity");
  } else if (op == "AssignAdd" || op == "AssignSub") {
    Become(graph, node, op == "AssignAdd" ? "Add" : "Sub");
  } else {
    const DataType indices = node.attr("Tindices", DT_INT32);
    absl::string_view kind = op;
    const bool nd = absl::ConsumePrefix(&kind, "ScatterNd");
    if (!nd) {
      absl::ConsumePrefix(&kind, "Scatter");
      // Row numbers become coordinates of length 1.
      const Node dim = add_constant(node, "dim", Tensor::Of<int32_t>(DT_INT32, {}, {-1}));
      const Output inputs[] = {node.input(1), dim.out()};
      ASSIGN_OR_RETURN(const Node expand,
                       graph.AddNode(graph.UniqueName(absl::StrCat(node.name(), "/coordinates")),
                                     "ExpandDims", inputs, node));
      graph.SetAttr(expand, "T", AttrType(indices));
      graph.SetAttr(expand, "Tdim", AttrType(DT_INT32));
      graph.SetInput(node, 1, expand.out());
    }
    Become(graph, node, absl::StrCat("TensorScatter", kind));
    graph.SetAttr(node, "Tindices", AttrType(indices));
  }
  graph.SetAttr(node, "T", AttrType(dtype));
  return absl::OkStatus();
}

}  // namespace cryograph
