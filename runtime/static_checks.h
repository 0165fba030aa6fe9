// What TensorFlow refuses when it imports a graph, by the shapes that it can tell then, though every run of
// it would be right.
#ifndef CRYOGRAPH_RUNTIME_STATIC_CHECKS_H_
#define CRYOGRAPH_RUNTIME_STATIC_CHECKS_H_

#include <vector>

#include "absl/status/status.h"
#include "graph/op_schema.h"
#include "runtime/needed_nodes.h"

namespace cryograph {

// InvalidArgument for the first node that is refused. Shapes are inferred only if there is a node to check.
absl::Status CheckStaticShapes(Graph& graph, int32_t graph_version, const OpRegistry& ops,
                               const std::vector<NeededNode>& nodes);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_STATIC_CHECKS_H_
