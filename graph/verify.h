// The verifier: says of a model, without running it, what TensorFlow would refuse, and names every place.
//
// Readers accept whatever they can represent; this is where it is judged. Nothing is changed, nothing is
// executed, and an op that nobody knows is only warned of: what follows from its definition is then not
// checked.
#ifndef CRYOGRAPH_GRAPH_VERIFY_H_
#define CRYOGRAPH_GRAPH_VERIFY_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "graph/finding.h"
#include "graph/model.h"
#include "graph/op_schema.h"

namespace cryograph {

struct VerifyOptions {
  // Judge as this release does. Without one a node is good if 1.15 or 2.21 (or, for an op that neither has,
  // its last definition) takes it, and the graph's versions are held against 2.21.
  absl::optional<Release> target;
  // Ops and attributes, types of edges, tensors.
  bool ops = true;
  // Shapes: what cannot go together, and _output_shapes that say something else. Of the main graph, if `ops`.
  bool shapes = true;
  // Bodies of the function library, and calls of functions.
  bool functions = true;
  // Signatures and saver of a MetaGraph.
  bool container = true;
  // Of one kind at most so many are listed; a last one of the kind gives the number of the rest.
  size_t most_of_a_kind = 1000;
};

// Every defect found, the main graph's first, in the order of nodes, then the functions'. Linear in the
// model's size.
std::vector<Finding> Verify(Model& model, const VerifyOptions& options = {});

// What a Graph by itself must fulfil so that it can be written and read again: names, duplicates, ops,
// inputs, and (unless `cycles` is false) no cycle but loops. Cheap: for between passes. InvalidArgument with
// the first defect.
absl::Status VerifyStructure(Model& model, bool cycles = true);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_VERIFY_H_
