#include "checkpoint/saver_nodes.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/saver_graph.h"
#include "graph/meta_graph.h"
#include "graph/proto/variable.pb.h"

namespace cryograph {
namespace {

// The node that assigns a restored value to `variable`; null if there is none.
Node AssignmentOf(Node variable) {
  for (const Use& use : variable.uses()) {
    const Node user = variable.graph().node(use.user);
    if (use.slot == 0 && (user.op() == "Assign" || user.op() == "AssignVariableOp")) return user;
  }
  return Node();
}

std::string VariableDefOf(const VariableNodes& variable) {
  const Node initializer = variable.initializer ? variable.initializer : AssignmentOf(variable.node);
  tensorflow::VariableDef def;
  def.set_variable_name(absl::StrCat(variable.node.name(), ":0"));
  if (initializer) def.set_initializer_name(std::string(initializer.name()));
  def.set_snapshot_name(
      absl::StrCat(variable.snapshot ? variable.snapshot.name() : variable.node.name(), ":0"));
  if (variable.initial_value) def.set_initial_value_name(absl::StrCat(variable.initial_value.name(), ":0"));
  def.set_is_resource(variable.is_resource);
  def.set_trainable(variable.trainable);
  return DeterministicBytes(def);
}

}  // namespace

absl::StatusOr<SaverNodes> AddSaverNodes(Graph& graph, absl::Span<const VariableNodes> variables) {
  std::vector<SaverVariable> saved;
  for (const VariableNodes& variable : variables) {
    SaverVariable each;
    each.key = variable.key;
    each.variable = variable.node;
    each.dtype = variable.dtype;
    if (variable.is_resource) each.value = variable.snapshot.out();
    saved.push_back(each);
  }
  ASSIGN_OR_RETURN(const std::string saver, AddSaver(graph, saved));
  SaverNodes result;
  if (!result.saver.ParseFromString(saver))
    return absl::InternalError("the saver that was made is no message");
  for (const VariableNodes& variable : variables) result.variable_defs.push_back(VariableDefOf(variable));
  return result;
}

}  // namespace cryograph
