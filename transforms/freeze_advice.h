// What a user can do about an op that a frozen graph cannot hold.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_ADVICE_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_ADVICE_H_

#include <string>

#include "graph/graph.h"

namespace cryograph {

// "is_training=false": the placeholder, and its value, with which `node` never runs, since the branch of a
// Switch that it stands in is not taken. Empty if there is none.
std::string PlaceholderThatAvoids(Graph& graph, Node node);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_ADVICE_H_
