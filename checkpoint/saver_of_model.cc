#include "checkpoint/saver_of_model.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/saver_graph.h"
#include "checkpoint/variable_keys.h"
#include "graph/meta_graph.h"
#include "graph/proto/variable.pb.h"

namespace cryograph {
namespace {

constexpr char kVariables[] = "variables";

// "4 2 0,2:0,2".
std::string SliceSpecOf(const tensorflow::SaveSliceInfoDef& info) {
  std::string spec;
  for (const int64_t dim : info.full_shape()) absl::StrAppend(&spec, dim, " ");
  for (int i = 0; i < info.full_shape_size(); ++i)
    absl::StrAppend(&spec, i == 0 ? "" : ":", info.var_offset(i), ",", info.var_shape(i));
  return spec;
}

SaverVariable VariableAt(Node node) {
  SaverVariable variable;
  variable.key = std::string(node.name());
  variable.variable = node;
  variable.dtype = node.attr("dtype", DT_INVALID);
  return variable;
}

absl::StatusOr<SaverVariable> VariableOf(const Model& model, Graph& graph, const std::string& bytes) {
  tensorflow::VariableDef def;
  if (!def.ParseFromString(bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat(model.path, ": an element of the collection '", kVariables, "' is no VariableDef"));
  }
  const Node node = graph.Find(NodeOfTensor(def.variable_name()));
  if (!node || !IsVariableOp(node.op())) {
    return absl::InvalidArgumentError(absl::StrCat(model.path, ": the collection '", kVariables, "' lists '",
                                                   def.variable_name(),
                                                   "', but the graph has no such variable"));
  }
  SaverVariable variable = VariableAt(node);
  const Node snapshot = graph.Find(NodeOfTensor(def.snapshot_name()));
  if (def.is_resource() && snapshot && snapshot.op() == "ReadVariableOp") variable.value = snapshot.out();
  if (def.has_save_slice_info_def()) {
    const tensorflow::SaveSliceInfoDef& info = def.save_slice_info_def();
    if (info.var_offset_size() != info.full_shape_size() || info.var_shape_size() != info.full_shape_size()) {
      return absl::InvalidArgumentError(absl::StrCat(model.path, ": the slice of variable '",
                                                     def.variable_name(), "' has not the rank of the whole"));
    }
    variable.key = info.full_name();
    variable.slice_spec = SliceSpecOf(info);
  }
  return variable;
}

}  // namespace

bool HasSaver(const Model& model) {
  const absl::StatusOr<tensorflow::MetaGraphDef> meta_graph = MetaGraphOf(model);
  return meta_graph.ok() && !meta_graph->saver_def().restore_op_name().empty();
}

absl::StatusOr<int> AddSaverOfModel(Model& model) {
  ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  if (HasSaver(model)) {
    return absl::FailedPreconditionError(absl::StrCat(model.path, ": the MetaGraph has a saver, '",
                                                      meta_graph.saver_def().restore_op_name(), "'"));
  }
  std::vector<SaverVariable> variables;
  const auto collection = meta_graph.collection_def().find(kVariables);
  if (collection != meta_graph.collection_def().end()) {
    for (const std::string& bytes : collection->second.bytes_list().value()) {
      ASSIGN_OR_RETURN(SaverVariable variable, VariableOf(model, model.graph(), bytes));
      variables.push_back(std::move(variable));
    }
  } else {
    for (const Node node : model.graph().nodes()) {
      if (IsVariableOp(node.op())) variables.push_back(VariableAt(node));
    }
  }
  const int count = static_cast<int>(variables.size());
  const absl::StatusOr<std::string> saver = AddSaver(model.graph(), std::move(variables));
  if (!saver.ok())
    return absl::Status(saver.status().code(), absl::StrCat(model.path, ": ", saver.status().message()));
  if (!meta_graph.mutable_saver_def()->ParseFromString(*saver))
    return absl::InternalError("the saver that was made is no message");
  SetMetaGraph(std::move(meta_graph), &model);
  return count;
}

}  // namespace cryograph
