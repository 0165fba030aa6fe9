#include "transforms/swap_weights.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "checkpoint/restore_map.h"
#include "transforms/freeze_values.h"

namespace cryograph {
namespace {

constexpr size_t kShown = 20;

struct Weight {
  Node node;
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
};

// The constants, with type and shape; those that are not understood are left out.
std::vector<Weight> ConstantsOf(Graph& graph) {
  std::vector<Weight> weights;
  for (Node node : graph.nodes()) {
    if (node.op() != "Const") continue;
    const AttrView value = node.attr("value");
    if (value.kind() != AttrView::kTensor) continue;
    if (value.tensor_source() != nullptr) {
      weights.push_back({node, value.tensor_source()->dtype(), value.tensor_source()->dims()});
      continue;
    }
    const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(value.tensor_bytes());
    if (header.ok() && !header->unknown_rank) weights.push_back({node, header->dtype, header->dims});
  }
  return weights;
}

// A graph that has a variable where the other has a constant: what keys are looked for with.
absl::StatusOr<std::vector<Node>> VariablesLike(const std::vector<Weight>& weights, Model& model) {
  std::vector<Node> variables;
  for (const Weight& weight : weights) {
    ASSIGN_OR_RETURN(const Node variable, model.graph().AddNode(weight.node.name(), "VariableV2", {}));
    PartialShape shape;
    shape.dims = weight.dims;
    model.graph().SetAttr(variable, "dtype", AttrType(weight.dtype));
    model.graph().SetAttr(variable, "shape", AttrShape(shape));
    variables.push_back(variable);
  }
  return variables;
}

bool IsFloating(DataType dtype) {
  return dtype == DT_FLOAT || dtype == DT_DOUBLE || dtype == DT_HALF || dtype == DT_BFLOAT16;
}

absl::Status Mismatch(const std::vector<std::string>& lines, bool types) {
  std::string message = absl::StrCat(lines.size(), lines.size() == 1 ? " constant has" : " constants have",
                                     types ? " another type or shape than the checkpoint's value (CG119)"
                                           : " another shape than the checkpoint's value (CG118)");
  for (size_t i = 0; i < lines.size() && i < kShown; ++i) absl::StrAppend(&message, "\nwhy: ", lines[i]);
  if (lines.size() > kShown) absl::StrAppend(&message, "\nwhy: and ", lines.size() - kShown, " more");
  absl::StrAppend(&message,
                  "\ntry: the checkpoint of a model with the same layers; freeze it anew otherwise");
  return absl::FailedPreconditionError(message);
}

absl::Status NothingFits(const std::vector<Weight>& weights, const Checkpoint& checkpoint) {
  std::vector<std::string> names, keys;
  for (const Weight& weight : weights) {
    if (names.size() < 3 && IsFloating(weight.dtype)) names.emplace_back(weight.node.name());
  }
  for (const CheckpointEntry& entry : checkpoint.entries()) {
    if (keys.size() < 3) keys.push_back(entry.name);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("0 of ", weights.size(), " constants have a key in ", checkpoint.prefix(),
                   " (CG116)\nwhy: constants are called ", absl::StrJoin(names, ", "),
                   " …\nwhy: keys are called ", absl::StrJoin(keys, ", "),
                   " …\ntry: --variable_map=CONSTANT=KEY, or --variable_map='scope/*=other/*'"));
}

}  // namespace

absl::StatusOr<SwapReport> SwapWeights(Model& model, const Checkpoint& checkpoint,
                                       const KeyOptions& options) {
  SwapReport report;
  const std::vector<Weight> weights = ConstantsOf(model.graph());
  Model variables;
  ASSIGN_OR_RETURN(const std::vector<Node> nodes, VariablesLike(weights, variables));
  const RestoreMap no_restore_ops;
  VariableKeys keys(variables, no_restore_ops, checkpoint, options);
  const std::vector<KeyChoice> choices = keys.Choose(nodes, &report.notes);

  std::vector<std::pair<Node, std::shared_ptr<const TensorSource>>> values;
  std::vector<std::string> mismatches;
  bool types = false;
  absl::flat_hash_set<std::string> used;
  for (size_t i = 0; i < weights.size(); ++i) {
    const Weight& weight = weights[i];
    const RestoredValue& choice = choices[i].value;
    if (choice.key.empty() || checkpoint.Find(choice.key) == nullptr) {
      if (IsFloating(weight.dtype) && !weight.dims.empty() && weight.dims != std::vector<int64_t>{1}) {
        report.kept.emplace_back(weight.node.name());
      }
      continue;
    }
    ASSIGN_OR_RETURN(std::shared_ptr<const TensorSource> value,
                     checkpoint.Source(choice.key, choice.slice_spec));
    used.insert(choice.key);
    if (value->dtype() != weight.dtype || value->dims() != weight.dims) {
      types = types || value->dtype() != weight.dtype;
      mismatches.push_back(absl::StrCat("'", weight.node.name(), "' is ", DataTypeName(weight.dtype), " ",
                                        ShapeText(weight.dims), ", and '", choice.key, "' ",
                                        DataTypeName(value->dtype()), " ", ShapeText(value->dims())));
      continue;
    }
    SwappedWeight swapped{std::string(weight.node.name()),
                          choice.key,
                          choice.slice_spec,
                          choices[i].how,
                          value->dtype(),
                          value->dims(),
                          ValueBytes(*value)};
    report.bytes += swapped.bytes;
    report.swapped.push_back(std::move(swapped));
    values.emplace_back(weight.node, std::move(value));
  }
  if (!mismatches.empty()) return Mismatch(mismatches, types);
  if (values.empty()) return NothingFits(weights, checkpoint);
  for (auto& [node, value] : values) model.graph().SetAttr(node, "value", std::move(value));
  for (const CheckpointEntry& entry : checkpoint.entries()) {
    if (!used.contains(entry.name)) report.unused_keys.push_back(entry.name);
  }
  return report;
}

}  // namespace cryograph
