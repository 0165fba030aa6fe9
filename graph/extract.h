// Cuts out of a graph what some nodes need, as tf.graph_util.extract_sub_graph does.
#ifndef CRYOGRAPH_GRAPH_EXTRACT_H_
#define CRYOGRAPH_GRAPH_EXTRACT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/model.h"

namespace cryograph {

struct ExtractOptions {
  // Being placed with a node (_class: "loc:@node") is no reason to keep that node: where it goes, the wish
  // goes. By default, as in TensorFlow, it is kept with all that it needs.
  bool drop_colocation = false;
  // Functions that nothing leads to any more go. By default, as in TensorFlow, the library stays whole.
  bool prune_functions = false;
};

struct ExtractResult {
  int kept = 0, removed = 0;
  int dropped_colocations = 0;
  int pruned_functions = 0;
};

// Keeps `outputs` ("node" or "node:port") and what they read, data and control, directly or not; in the order
// of the file. NotFound for an output that the graph does not have, with near names; InvalidArgument for a
// node that is needed and reads, or wants to be placed with, one that does not exist. The model is then as it
// was.
absl::StatusOr<ExtractResult> ExtractSubGraph(Model& model, absl::Span<const std::string> outputs,
                                              const ExtractOptions& options = {});

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_EXTRACT_H_
