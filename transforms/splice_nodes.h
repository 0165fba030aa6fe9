// Takes nodes out of a graph so that their readers read what they read: the common part of passes that remove
// Identity and its like.
#ifndef CRYOGRAPH_TRANSFORMS_SPLICE_NODES_H_
#define CRYOGRAPH_TRANSFORMS_SPLICE_NODES_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "graph/graph.h"
#include "transforms/pass.h"

namespace cryograph {

struct SpliceOptions {
  // Which nodes are to go. May be asked again, in between removals.
  std::function<bool(Node)> selected;
  int64_t max_inputs =
      1;               // Most data inputs that such a node may have; those behind the first are forgotten.
  bool force = false;  // Also nodes whose output has another type than their first input.
};

// Removes the selected nodes that have from one to `max_inputs` data inputs. Stay, with a remark (Skip):
// those that are pinned, that have a further output which is read, or whose removal would change in which
// branch or iteration something runs, or which value of a variable it sees. What a removed node waited for
// its readers wait for. Counts "removed" and "further inputs removed". Linear but for the readers of what is
// removed.
absl::Status SpliceNodes(Graph& graph, PassContext& context, const SpliceOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_SPLICE_NODES_H_
