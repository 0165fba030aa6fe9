// The shape that a graph asks of a tensor that is fed.
#ifndef CRYOGRAPH_TOOLS_PLACEHOLDER_SHAPE_H_
#define CRYOGRAPH_TOOLS_PLACEHOLDER_SHAPE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "graph/attr.h"
#include "graph/graph.h"

namespace cryograph {

// Placeholder, PlaceholderV2, PlaceholderWithDefault.
bool IsPlaceholderOp(absl::string_view op);

// What the attributes "shape" or "_output_shapes" of the node say of its output 0; unknown rank where they
// say nothing. `producer` is that of the graph: before version 24 a placeholder's scalar shape stands for
// none.
PartialShape DeclaredShape(Node node, int32_t producer);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_PLACEHOLDER_SHAPE_H_
