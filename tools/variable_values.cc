#include "tools/variable_values.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/restore_map.h"
#include "checkpoint/variable_keys.h"
#include "runtime/resource.h"
#include "runtime/variable_name.h"

namespace cryograph {

absl::StatusOr<std::vector<VariableValue>> FindVariableValues(Model& model, const Checkpoint& checkpoint,
                                                              std::vector<std::string>* notes) {
  std::vector<Node> variables;
  for (Node node : model.graph().nodes()) {
    if (IsVariableOp(node.op())) variables.push_back(node);
  }
  ASSIGN_OR_RETURN(const RestoreMap restore_map, RestoreMap::Find(model, "", &checkpoint, notes));
  const KeyOptions options;
  VariableKeys keys(model, restore_map, checkpoint, options);
  const std::vector<KeyChoice> choices = keys.Choose(variables, notes);
  std::vector<VariableValue> values;
  int without = 0;
  std::string first;
  for (size_t i = 0; i < variables.size(); ++i) {
    const Node variable = variables[i];
    const RestoredValue& chosen = choices[i].value;
    const CheckpointEntry* const entry = chosen.key.empty() ? nullptr : checkpoint.Find(chosen.key);
    if (entry == nullptr) {
      if (without++ == 0) first = std::string(variable.name());
      continue;
    }
    const VariableType type = TypeOfVariable(variable);
    VariableValue value;
    value.variable = std::string(variable.name());
    value.resource_name = VariableResourceName(variable.attr("container").s(),
                                               variable.attr("shared_name").s(), variable.name());
    value.key = chosen.key;
    value.slice_spec = chosen.slice_spec;
    value.shape = type.shape;
    value.dtype = type.dtype;
    values.push_back(std::move(value));
  }
  if (without > 0) {
    notes->push_back(without == 1
                         ? absl::StrCat("variable '", first, "' has no value in the checkpoint")
                         : absl::StrCat(without, " variables have no value in the checkpoint; the first is '",
                                        first, "'"));
  }
  return values;
}

absl::Status RestoreVariables(const std::vector<VariableValue>& values, const Checkpoint& checkpoint,
                              Executor& executor) {
  for (const VariableValue& each : values) {
    ASSIGN_OR_RETURN(Tensor tensor, checkpoint.Read(each.key, each.slice_spec));
    const auto in_variable = [&](const absl::Status& status) {
      return absl::Status(status.code(), absl::StrCat("variable '", each.variable, "', tensor '", each.key,
                                                      "' of the checkpoint: ", status.message()));
    };
    if (tensor.dtype != each.dtype) {
      return in_variable(absl::InvalidArgumentError(
          absl::StrCat("it is ", DataTypeName(tensor.dtype), ", not ", DataTypeName(each.dtype))));
    }
    absl::StatusOr<Value> value = Value::FromTensor(tensor, executor.pool());
    if (!value.ok()) return in_variable(value.status());
    if (!each.shape.unknown_rank && !ShapeAdmits(each.shape, tensor.dims)) {
      const absl::StatusOr<int64_t> count = NumElements(each.shape.dims);
      if (!count.ok() || *count != value->num_elements()) {
        return in_variable(absl::InvalidArgumentError(absl::StrCat("its shape ", ShapeText(tensor.dims),
                                                                   " is not that of the variable, ",
                                                                   PartialShapeText(each.shape))));
      }
      *value = value->Reshaped(each.shape.dims);
    }
    ASSIGN_OR_RETURN(const std::shared_ptr<Variable> variable,
                     executor.resources().FindOrMake<Variable>(each.resource_name, [&] {
                       return std::make_shared<Variable>(each.variable, each.dtype);
                     }));
    variable->Assign(*std::move(value));
  }
  return absl::OkStatus();
}

}  // namespace cryograph
