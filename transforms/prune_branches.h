// Removes branches that a constant predicate never takes.
#ifndef CRYOGRAPH_TRANSFORMS_PRUNE_BRANCHES_H_
#define CRYOGRAPH_TRANSFORMS_PRUNE_BRANCHES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"

namespace cryograph {

struct PruneOptions {
  // Nodes whose constants are not constant, because they are fed.
  std::vector<std::string> inputs;
  // Tensors that are asked for ("y", "cond/Switch:1"): they stay even in a branch that is never taken.
  std::vector<std::string> outputs;
};

struct PruneReport {
  int switches = 0;    // Switch nodes whose way was known.
  int merges = 0;      // Merge nodes that lost an input.
  int functional = 0;  // If and Case nodes that became calls.
  int removed = 0;     // Nodes that never ran, and what only served to choose.
  // Outputs asked for that never have a value: "y".
  std::vector<std::string> dead_outputs;
  // Nodes that stay though they never run, and why.
  std::vector<std::pair<std::string, std::string>> kept;
};

// Switch, Merge and their kind in the main graph; If, StatelessIf and Case in it and in the bodies of
// functions. Predicates follow from constants by logic, comparisons and casts. A graph without constant
// predicates is not touched. Library functions that lose their last call stay.
absl::StatusOr<PruneReport> PruneBranches(Model& model, const PruneOptions& options);

// If, StatelessIf, Case and StatelessCase with a constant predicate become calls of the branch taken; the
// number of them. Part of PruneBranches.
absl::StatusOr<int> CallTakenBranches(Graph& graph, const std::function<bool(Node)>& is_fed);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_PRUNE_BRANCHES_H_
