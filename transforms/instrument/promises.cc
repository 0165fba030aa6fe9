#include "transforms/instrument/promises.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "transforms/signatures.h"

namespace cryograph {
namespace {

void PinIfThere(Graph& graph, absl::string_view name) {
  if (const Node node = graph.Find(name); node && !node.pinned()) graph.Pin(node);
}

}  // namespace

absl::Status Promises::Start(Model& model, PassContext& context) {
  present_.clear();
  signature_nodes_.clear();
  for (const ContainerReference& signature : Signatures(model)) {
    for (const absl::string_view node : signature.nodes) signature_nodes_.emplace_back(node);
  }
  return Look(model, context, true);
}

absl::Status Promises::After(const PassRun& run) {
  return run.report.status.ok() ? Look(run.model, run.context, false) : absl::OkStatus();
}

absl::Status Promises::Look(Model& model, PassContext& context, bool starting) {
  Graph& graph = model.graph();
  for (const std::string& name : signature_nodes_) PinIfThere(graph, name);
  for (const std::string& name : context.keep()) PinIfThere(graph, name);
  const auto look = [&](absl::string_view role, const TensorName& tensor) -> absl::Status {
    if (graph.Find(tensor.node)) {
      PinIfThere(graph, tensor.node);
      present_.insert(tensor.node);
      return absl::OkStatus();
    }
    if (starting || present_.erase(tensor.node) == 0) return absl::OkStatus();
    const std::string message = absl::StrCat(role, " '", tensor.node, "' of the graph is gone");
    if (!context.compat()) return absl::InternalError(message);
    context.Warn(message);
    return absl::OkStatus();
  };
  for (const TensorName& input : context.inputs()) RETURN_IF_ERROR(look("input", input));
  for (const TensorName& output : context.outputs()) RETURN_IF_ERROR(look("output", output));
  return absl::OkStatus();
}

absl::Status Promises::Finish(Model& model, PassContext& context) {
  Graph& graph = model.graph();
  std::vector<absl::string_view> names;
  const auto missing = [&](absl::string_view role, const TensorName& tensor) {
    if (graph.Find(tensor.node)) return;
    if (names.empty()) {
      for (Node node : graph.nodes()) names.push_back(node.name());
    }
    context.run_report().warnings.push_back(absl::StrCat("the graph has no node '", tensor.node,
                                                         "', which is listed as an ", role,
                                                         DidYouMean(NearestNames(tensor.node, names, 3))));
  };
  for (const TensorName& input : context.inputs()) missing("input", input);
  for (const TensorName& output : context.outputs()) missing("output", output);
  if (const std::vector<std::string> dropped = DropDanglingReferences(model); !dropped.empty()) {
    context.run_report().warnings.push_back(
        absl::StrCat("removed with nodes that they name: ", absl::StrJoin(dropped, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace cryograph
