// Makes a SavedModel of what TensorFlow 1 saves: a MetaGraph and a checkpoint.
#ifndef CRYOGRAPH_TOOLS_SAVED_MODEL_OF_CHECKPOINT_H_
#define CRYOGRAPH_TOOLS_SAVED_MODEL_OF_CHECKPOINT_H_

#include <string>

#include "absl/status/status.h"
#include "graph/model.h"

namespace cryograph {

// Writes the new SavedModel `directory`: the MetaGraph `model`, with a saver if it has none, tagged "serve"
// if it has no tags, and all tensors of `checkpoint` (any version; what TensorFile opens) as its variables.
// Prints notes. NotFound if the saver restores keys that the checkpoint lacks; the errors of reading and
// writing.
absl::Status WriteSavedModelOfCheckpoint(Model& model, const std::string& checkpoint,
                                         const std::string& directory);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SAVED_MODEL_OF_CHECKPOINT_H_
