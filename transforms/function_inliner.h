// Functions in the main graph: calls replaced by the bodies of what they call, functional control flow by
// that of TensorFlow 1.
#ifndef CRYOGRAPH_TRANSFORMS_FUNCTION_INLINER_H_
#define CRYOGRAPH_TRANSFORMS_FUNCTION_INLINER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/model.h"
#include "transforms/function_table.h"

namespace cryograph {

struct InlineOptions {
  bool calls = true;          // Function ops, PartitionedCall, StatefulPartitionedCall.
  bool noinline = true;       // Also of functions that are marked _noinline.
  bool control_flow = false;  // If, Case, While and their stateless forms.
  // Most nodes that may be added in all.
  int64_t max_nodes = 1000000;
  // The nodes to look at, by id in the main graph, with all that comes out of them; empty: all.
  std::vector<char> only;
};

struct InlineReport {
  int calls = 0;                     // Replaced.
  int control_flow = 0;              // Replaced.
  std::vector<std::string> skipped;  // "node 'x' (While): has no loop variables …"
};

// Replaces the calls of `model`'s main graph, and what comes out of them. Nodes of a body are called
// "<call>/<node>". Where a pinned node goes, an Identity or IdentityN takes its name, so that its outputs
// keep theirs. Body nodes that neither an output nor an effect needs are left out. Functions stay in the
// library.
//
// Control inputs of a call hold back all that it ran; what waited for the call waits for its outputs and
// effects; effects happen whenever an output is used. SymbolicGradient stays as it is.
//
// InvalidArgument, naming node and function: a function that is missing, calls itself, or does not fit its
// call. ResourceExhausted: more than max_nodes. The graph is then half done: work on a Clone().
absl::StatusOr<InlineReport> InlineFunctions(Model& model, const InlineOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FUNCTION_INLINER_H_
