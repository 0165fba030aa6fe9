// Gives a MetaGraph without saver the one that TensorFlow would make for it.
#ifndef CRYOGRAPH_CHECKPOINT_SAVER_OF_MODEL_H_
#define CRYOGRAPH_CHECKPOINT_SAVER_OF_MODEL_H_

#include "absl/status/statusor.h"
#include "graph/model.h"

namespace cryograph {

// True if the MetaGraph names a saver.
bool HasSaver(const Model& model);

// Adds what tf.train.Saver() adds, over the variables of the collection `variables`, the parts of a
// partitioned one under one key; without that collection, over all variables of the main graph. Keys are
// names of nodes. The MetaGraph's SaverDef names the result, which replaces none: FailedPrecondition if there
// is one. Returns the number of variables. InvalidArgument: there is none, or the collection names one that
// the graph lacks.
absl::StatusOr<int> AddSaverOfModel(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SAVER_OF_MODEL_H_
