// What the nodes of a model give in a run.
#ifndef CRYOGRAPH_TOOLS_SEEN_TENSORS_H_
#define CRYOGRAPH_TOOLS_SEEN_TENSORS_H_

#include <string>
#include <vector>

#include "graph/model.h"
#include "tools/output_check.h"
#include "tools/reduce_cuts.h"

namespace cryograph {

// Runs `outputs` on the first of the inputs that ComputeReference() makes of `inputs` and `flags`, and keeps
// the shape of each tensor on the way and, of small ones, the value. A run that fails gives what came before;
// a model that cannot be run at all, nothing. Of a node in a loop the first turn counts.
SeenTensors WatchRun(Model& model, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs, const OutputCheckFlags& flags);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SEEN_TENSORS_H_
