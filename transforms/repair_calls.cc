// Functions that are handed a constant and still take a resource.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/op_schema.h"
#include "transforms/freeze_functions.h"
#include "transforms/function_table.h"
#include "transforms/repair.h"

namespace cryograph {
namespace {

// The inputs of a call, by slot, that are plain tensors where it says resource.
std::map<int, FrozenArgument> PlainInputs(Graph &graph, const OpRegistry &registry, Node call) {
  std::map<int, FrozenArgument> plain;
  const absl::StatusOr<std::vector<DataType>> wanted = registry.InputTypes(call);
  if (!wanted.ok()) return plain;
  for (int slot = 0; slot < call.num_inputs() && slot < static_cast<int>(wanted->size()); ++slot) {
    if ((*wanted)[static_cast<size_t>(slot)] != DT_RESOURCE) continue;
    const absl::StatusOr<DataType> type = registry.OutputType(graph, call.input(slot));
    if (!type.ok() || *type == DT_RESOURCE || *type == DT_VARIANT || *type == DT_INVALID || IsRefType(*type))
      continue;
    FrozenArgument argument;
    argument.dtype = *type;
    argument.shape.unknown_rank = true;
    plain.emplace(slot, argument);
  }
  return plain;
}

}  // namespace

absl::Status RepairCalls(Model &model, RepairLog &log, bool *repaired) {
  *repaired = false;
  std::vector<FrozenCall> calls;
  {
    const FunctionTable functions(model);
    for (Node node : model.graph().nodes()) {
      FrozenCall call;
      call.node = node;
      call.kind = functions.Kind(node);
      if (call.kind == CallKind::kNone) continue;
      call.inputs = PlainInputs(model.graph(), functions.registry(), node);
      if (!call.inputs.empty()) calls.push_back(std::move(call));
    }
  }
  if (calls.empty()) return absl::OkStatus();
  // On a copy, since what cannot be done is found out on the way.
  Model trial = model.Clone();
  for (FrozenCall &call : calls) call.node = trial.graph().node(call.node.id());
  int dropped = 0;
  if (!FreezeFunctions(trial, calls, std::vector<char>(trial.graph().id_limit(), 1), &dropped).ok()) {
    return absl::OkStatus();
  }
  model = std::move(trial);
  for (const FrozenCall &call : calls) {
    const Node node = model.graph().node(call.node.id());
    for (const auto &[slot, argument] : call.inputs) {
      log.Add("call", node,
              absl::StrCat("its functions take input ", slot, " as ", DataTypeName(argument.dtype)),
              absl::StrCat("they took a resource, and '", node.input_node(slot).name(), "' is a plain ",
                           DataTypeName(argument.dtype)));
    }
  }
  *repaired = true;
  return absl::OkStatus();
}

}  // namespace cryograph
