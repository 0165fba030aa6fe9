// Which branches of TensorFlow 1.x control flow are never taken, found out from predicates that are constant.
#ifndef CRYOGRAPH_TRANSFORMS_BRANCH_FACTS_H_
#define CRYOGRAPH_TRANSFORMS_BRANCH_FACTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "graph/graph.h"
#include "transforms/scalar_values.h"

namespace cryograph {

// A snapshot of a main graph: edits after Analyze() are not seen. Constants that are fed (`fed`) count as
// unknown. Linear in the edges.
class BranchFacts {
 public:
  static BranchFacts Analyze(Graph& graph, const absl::flat_hash_set<NodeId>& fed);

  // The one value that the output has whenever it has any; nothing if that is not known.
  std::optional<ScalarValue> Value(Output output) const;
  // True if the node never runs: it stands in a branch that is not taken.
  bool NeverRuns(NodeId node) const { return never_runs_[static_cast<uint32_t>(node)] != 0; }
  // True if no value ever comes out here: the node never runs, or it is a Switch that goes the other way.
  bool NeverAlive(Output output) const;
  // For a Switch that runs and whose way is known: the output that is alive. Else -1.
  int32_t TakenBranch(NodeId node) const;
  // True if there is a Switch of a known way.
  bool any() const { return !taken_.empty(); }

 private:
  explicit BranchFacts(Graph& graph) : graph_(&graph) {}
  void Run(const absl::flat_hash_set<NodeId>& fed);
  bool Visit(Node node);
  int32_t Entries(Node node);
  std::optional<ScalarValue> Evaluate(Node node) const;
  void Tell(Node node, std::vector<NodeId>* work);

  Graph* graph_;
  std::vector<char> never_runs_, fed_, queued_;  // By node id, as dead_inputs_.
  // Edges that never bring anything. Of a Merge the data edges that do not come round a loop: what comes
  // round comes only if something came in.
  std::vector<int32_t> dead_inputs_;
  absl::flat_hash_map<NodeId, int32_t> entries_;     // Of a Merge: how many such edges it has.
  absl::flat_hash_map<NodeId, int32_t> taken_;       // Switches whose predicate is known.
  absl::flat_hash_set<NodeId> told_branch_;          // Of those, the ones whose readers know it.
  absl::flat_hash_map<NodeId, ScalarValue> values_;  // Of output 0, or of the branch taken.
};

// The output that a Switch or a _SwitchN with `num_outputs` outputs lets through for `predicate`.
int32_t BranchFor(absl::string_view op, const ScalarValue& predicate, int64_t num_outputs);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_BRANCH_FACTS_H_
