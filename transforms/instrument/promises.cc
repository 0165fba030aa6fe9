#include "transforms/instrument/promises.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "transforms/signatures.h"

namespace cryograph {
absl::Status Promises::Start(Model& model, PassContext& context) {
  promises_.clear();
  for (const TensorName& input : context.inputs()) promises_.push_back({input.node, "input"});
  for (const TensorName& output : context.outputs()) promises_.push_back({output.node, "output"});
  for (const std::string& name : context.keep()) promises_.push_back({name, ""});
  for (const ContainerReference& signature : Signatures(model)) {
    for (const absl::string_view node : signature.nodes) promises_.push_back({std::string(node), ""});
  }
  return Look(model, context);
}

absl::Status Promises::After(const PassRun& run) {
  return run.report.status.ok() ? Look(run.model, run.context) : absl::OkStatus();
}

absl::Status Promises::Look(Model& model, PassContext& context) {
  Graph& graph = model.graph();
  for (Promise& promise : promises_) {
    // Mostly the same node bears the name still.
    if (graph.alive(promise.node) && graph.node(promise.node).name() == promise.name) continue;
    const bool was_there = promise.node != kNoNode;
    const Node node = graph.Find(promise.name);
    promise.node = node ? node.id() : kNoNode;
    if (node) {
      graph.Pin(node);
    } else if (was_there && !promise.role.empty()) {
      const std::string message = absl::StrCat(promise.role, " '", promise.name, "' of the graph is gone");
      if (!context.compat()) return absl::InternalError(message);
      context.Warn(message);
    }
  }
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
