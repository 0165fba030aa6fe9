// What freezing will do to a graph, found out before anything is changed.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_PLAN_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"
#include "transforms/freeze_ops.h"
#include "transforms/freeze_variables.h"
#include "transforms/function_table.h"

namespace cryograph {

// "<what> (CG117)", and the lines "why: …" and "try: …" below it.
absl::Status FreezeError(absl::StatusCode code, absl::string_view id, absl::string_view what,
                         const std::vector<std::string>& lines = {});

struct FreezePlan {
  // What a node's output hands on, if that is a variable's reference or resource. Index into `carried`, or
  // -1.
  struct Carried {
    Node variable;  // One of those that may come this way (a Merge has several).
    DataType dtype = DT_INVALID;
    bool resource = false;
    bool frozen = false;  // False: it stays a variable, because of allow and deny.
  };
  std::vector<Carried> carried;
  std::vector<int32_t> carries;  // By node id.

  std::vector<Node> outputs;
  std::vector<char>
      keep;  // By node id: what stays. Input edges from `dropped` nodes are control edges, and go.
  std::vector<char> dropped;  // By node id: update ops, and what only serves them.
  std::vector<Node> frozen;   // Variables to freeze, in graph order.
  // A node that only control edges from dropped nodes held in its loop or branch waits for these instead.
  struct Anchor {
    Output from;
    bool control = false;  // A control edge from the node will do; else it is about that very output.
  };
  absl::flat_hash_map<NodeId, std::vector<Anchor>> anchors;
  std::vector<Node> updates;  // Update ops whose value is needed, in graph order.
  std::vector<Node> calls;    // Nodes that run functions and are handed a frozen variable, in graph order.

  std::vector<FreezeOp> classes;  // By op id of the graph.
  std::vector<CallKind> kinds;    // The same.

  const Carried* Of(Output output) const;
  // Ops that came in since count as none.
  CallKind Kind(Node node) const {
    const size_t op = static_cast<size_t>(node.op_id());
    return op < kinds.size() ? kinds[op] : CallKind::kNone;
  }
  FreezeOp Class(Node node) const { return classes[static_cast<size_t>(node.op_id())]; }
  // The frozen variable that `node` is about to change, or null.
  const Carried* UpdatedBy(Node node) const;
  bool Keeps(NodeId id) const { return keep[static_cast<uint32_t>(id)] != 0; }
};

// By node id: what `from` needs. Control edges and colocations count unless `data_only`. Dropped nodes are
// not entered; those marked in `stop` (may be null) are, but what they need is not.
std::vector<char> NodesNeeded(Graph& graph, const FreezePlan& plan, const FreezeOptions& options,
                              const std::vector<Node>& from, bool data_only = false,
                              const std::vector<char>* stop = nullptr);

// The node of "out", "out:0" or "^out"; the null handle if there is none.
Node FindTensor(Graph& graph, absl::string_view name);

// "'a', 'b' and 3 more".
std::string NameList(const std::vector<std::string>& names, size_t limit);

// Splits _VarHandlesOp and _ReadVariablesOp into the ops they stand for: an edit that changes no meaning.
// Nothing else is edited. Fills the report's left, notes, inputs, nodes_total, nodes_kept, dropped_updates.
absl::StatusOr<FreezePlan> PlanFreezing(Model& model, const FreezeOptions& options, FreezeReport& report);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_PLAN_H_
