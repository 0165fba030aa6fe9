// Signs that a graph was saved as it is trained, which freezing cannot tell from what is wanted.
#ifndef CRYOGRAPH_TRANSFORMS_TRAINING_LEFTOVERS_H_
#define CRYOGRAPH_TRANSFORMS_TRAINING_LEFTOVERS_H_

#include <string>
#include <vector>

#include "graph/model.h"

namespace cryograph {

struct TrainingLeftover {
  std::string kind;  // "mode_placeholder", "dropout", "random", "batch_norm", "summary", "queue", "gradient".
  std::vector<std::string> nodes;  // In graph order; of a function's body "function/node".
};

// Of the main graph and of the functions of the library, kinds in the order above; none that has no node:
// bool placeholders, which may choose the mode; random ops, those in a scope that is called dropout apart;
// batch norms that compute the statistics of their batch; ops that write summaries, use queues or compute
// gradients.
std::vector<TrainingLeftover> FindTrainingLeftovers(Model& model);

// A line for each, ending with its number in the catalogue (CG133, CG134, CG135). A batch norm is no sign
// where a placeholder may choose the mode.
std::vector<std::string> TrainingNotes(const std::vector<TrainingLeftover>& leftovers);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_TRAINING_LEFTOVERS_H_
