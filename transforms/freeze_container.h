// What a MetaGraph says around its graph, made to fit the frozen graph.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_CONTAINER_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_CONTAINER_H_

#include <string>
#include <vector>

#include "graph/model.h"

namespace cryograph {

// Removes from the model's meta_fields what is void once variables are constants and the rest of the graph is
// gone: saver_def, object_graph_def, collections of anything but nodes that are all still there and assets,
// inputs and outputs of signatures whose nodes are gone, signatures without an output, and assets that
// nothing reads. Tags, and what is not understood, stay. Returns a line for each signature of the user's that
// was changed or removed.
std::vector<std::string> FitContainerToGraph(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_CONTAINER_H_
