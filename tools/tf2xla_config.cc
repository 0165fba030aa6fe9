#include "tools/tf2xla_config.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "graph/control_flow.h"
#include "graph/dtype.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

// Whether something in the graph may change the variable: whatever is handed its handle and is not known to
// only read it.
bool IsChanged(Graph& graph, Node variable) {
  std::vector<char> seen(graph.id_limit(), 0);
  std::vector<Node> pending = {variable};
  while (!pending.empty()) {
    const Node node = pending.back();
    pending.pop_back();
    for (const Use& use : node.uses()) {
      if (use.slot == kControl || seen[static_cast<uint32_t>(use.user)] != 0) continue;
      seen[static_cast<uint32_t>(use.user)] = 1;
      const Node user = graph.node(use.user);
      const absl::string_view op = user.op();
      if (op == "Identity" || IsControlFlow(op)) {
        pending.push_back(user);
      } else if (op != "ReadVariableOp" && op != "ResourceGather" && op != "ResourceGatherNd" &&
                 op != "VariableShape" && op != "VarIsInitializedOp") {
        return true;
      }
    }
  }
  return false;
}

// A name that C++ can have.
std::string Identifier(absl::string_view prefix, std::string key) {
  std::replace(key.begin(), key.end(), '/', '_');
  return absl::StrCat(prefix, key);
}

std::string ShapeLines(const PartialShape& shape) {
  std::string text = "  shape {\n";
  for (const int64_t dim : shape.dims) {
    absl::StrAppend(&text, "    dim {\n", dim == 0 ? "" : absl::StrCat("      size: ", dim, "\n"), "    }\n");
  }
  if (shape.unknown_rank) text += "    unknown_rank: true\n";
  return text + "  }\n";
}

PartialShape ShapeOf(const tensorflow::TensorInfo& info) {
  PartialShape shape;
  shape.unknown_rank = info.tensor_shape().unknown_rank();
  for (const auto& dim : info.tensor_shape().dim()) shape.dims.push_back(dim.size());
  return shape;
}

std::string TypeLine(int dtype) {
  return absl::StrCat("  type: DT_", absl::AsciiStrToUpper(DataTypeName(static_cast<DataType>(dtype))), "\n");
}

std::string IdLines(absl::string_view tensor) {
  const size_t colon = tensor.find(':');
  const std::string port = colon == absl::string_view::npos ? "0" : std::string(tensor.substr(colon + 1));
  return absl::StrCat("  id {\n    node_name: ", cli::JsonString(tensor.substr(0, colon)), "\n",
                      port == "0" ? "" : absl::StrCat("    output_index: ", port, "\n"), "  }\n");
}

}  // namespace

std::string Tf2XlaConfig(Graph& graph, const SortedTensors& inputs, const SortedTensors& outputs,
                         const std::vector<Node>& variables) {
  std::string text;
  for (const auto& [key, info] : inputs) {
    absl::StrAppend(&text, "feed {\n", IdLines(info.name()), ShapeLines(ShapeOf(info)),
                    "  name: ", cli::JsonString(Identifier("feed_", key)), "\n", TypeLine(info.dtype()),
                    "}\n");
  }
  for (const auto& [key, info] : outputs) {
    absl::StrAppend(&text, "fetch {\n", IdLines(info.name()),
                    "  name: ", cli::JsonString(Identifier("fetch_", key)), "\n", ShapeLines(ShapeOf(info)),
                    TypeLine(info.dtype()), "}\n");
  }
  for (const Node variable : variables) {
    const std::string name(variable.name());
    absl::StrAppend(&text, "variable {\n  node_name: ", cli::JsonString(name),
                    "\n  name: ", cli::JsonString(Identifier("param_", name)), "\n",
                    ShapeLines(variable.attr("shape").shape()), TypeLine(variable.attr("dtype", DT_INVALID)),
                    IsChanged(graph, variable) ? "" : "  readonly: true\n", "}\n");
  }
  return text;
}

}  // namespace cryograph
