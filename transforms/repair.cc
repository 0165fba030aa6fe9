#include "transforms/repair.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/function_parts.h"

namespace cryograph {
namespace {

// What TensorFlow 1.15, whose freezing forgets the version, would have written.
constexpr int kUsualProducer = 134;

// Placeholders that lowering of functional control flow leaves behind.
absl::Status RemoveUnusedPlaceholders(Graph& graph, RepairLog& log) {
  for (Node node : graph.nodes()) {
    if (node.op() != "Placeholder" || node.pinned() || !node.uses().empty()) continue;
    if (!absl::StrContains(node.name(), "unused_control_flow_input")) continue;
    log.Add("placeholder", node, "removed", "nothing reads it, and it would have to be fed");
    RETURN_IF_ERROR(graph.Erase(node));
  }
  return absl::OkStatus();
}

void RepairVersions(Model& model, int wanted, RepairLog& log) {
  if (model.versions().producer != 0 || wanted == RepairOptions::kKeepProducer) return;
  std::string oldest;
  int producer = wanted;
  if (wanted == RepairOptions::kBestProducer) {
    producer = kUsualProducer;
    for (Node node : model.graph().nodes()) {
      const OpSchema* const schema = FindOp(node.op());
      if (schema == nullptr || schema->deprecated == 0 || schema->deprecated > producer) continue;
      producer = schema->deprecated - 1;
      oldest = std::string(node.op());
    }
  }
  if (producer <= 0) return;
  Versions versions = model.versions();
  versions.producer = producer;
  model.set_versions(versions);
  log.Add(
      "version", Node(), absl::StrCat("producer version 0 became ", producer),
      oldest.empty()
          ? "the version was lost, and TensorFlow would read the graph by the rules of its beginnings"
          : absl::StrCat("the version was lost; ", oldest, " is refused from version ", producer + 1, " on"));
}

}  // namespace

const std::vector<RepairKind>& RepairKinds() {
  static const auto& kinds = *new std::vector<RepairKind>{
      {"reference",
       "An op that takes a reference (RefSwitch, RefMerge, IsVariableInitialized …) reads a constant."},
      {"resource", "An op that takes a resource (ReadVariableOp, ResourceGather …) reads a constant."},
      {"call", "A call, If, Case or While hands a constant to a function that takes a resource."},
      {"update",
       "An op that changes a variable (AssignSub, ScatterAdd, AssignVariableOp …) reads a constant."},
      {"frame",
       "A node of a loop reads a tensor from outside, such as the axis of a gather, that does not enter it."},
      {"colocation", "A _class names a node that is gone."},
      {"output_shapes", "_output_shapes contradicts the node that has it."},
      {"attribute", "An attribute that --target does not know says what is the default."},
      {"placeholder", "A placeholder unused_control_flow_input that nothing reads."},
      {"version", "The graph's producer version is 0."},
  };
  return kinds;
}

absl::StatusOr<std::vector<Repair>> RepairModel(Model& model, const RepairOptions& options) {
  std::vector<Repair> repairs;
  RepairLog log(&repairs);
  Graph& graph = model.graph();
  bool calls = false;
  RETURN_IF_ERROR(RepairVariableUses(graph, OpRegistry(model), options, log));
  RETURN_IF_ERROR(RepairCalls(model, log, &calls));
  const OpRegistry registry(model);
  if (calls) RETURN_IF_ERROR(RepairVariableUses(graph, registry, options, log));
  RETURN_IF_ERROR(RepairFrames(graph, log));
  RepairAttributes(graph, registry, options, log);
  RETURN_IF_ERROR(RemoveUnusedPlaceholders(graph, log));
  for (Function& function : model.functions()) {
    ASSIGN_OR_RETURN(Graph* const body, function.body());
    log.set_function(std::string(function.name()));
    ASSIGN_OR_RETURN(const FunctionParts parts, ReadFunctionParts(function));
    BodyFacts facts;
    for (const auto& output : parts.returns)
      facts.returned.emplace(output.second.substr(0, output.second.find(':')));
    for (const ArgSchema& input : parts.signature.inputs) facts.arguments.emplace(input.name, input.type);
    RETURN_IF_ERROR(RepairVariableUses(*body, registry, options, log, &facts));
    RETURN_IF_ERROR(RepairFrames(*body, log));
    if (options.target) RepairAttributes(*body, registry, options, log);
  }
  log.set_function("");
  RepairVersions(model, options.producer, log);
  return repairs;
}

}  // namespace cryograph
