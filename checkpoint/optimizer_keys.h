// Tells the keys of optimizers from those of models.
#ifndef CRYOGRAPH_CHECKPOINT_OPTIMIZER_KEYS_H_
#define CRYOGRAPH_CHECKPOINT_OPTIMIZER_KEYS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "checkpoint/reader.h"

namespace cryograph {

// For each entry whether an optimizer keeps it:
//   TensorFlow 1   VARIABLE/SLOT or VARIABLE/SLOT_1 …, SLOT one of those of its optimizers (Adam, Momentum,
//                  RMSProp, Adagrad …), if VARIABLE is there, or is itself named so in the scope of an
//                  optimizer; beta1_power, beta2_power, also with a number or in a scope;
//   Keras in TF1   Adam/iter, training/Adam/VARIABLE/m and their like;
//   TensorFlow 2   what the object graph leads to from the root through an optimizer only: an object that has
//                  slots, that is called optimizer, or that is like Keras 3's. Of keys that no graph knows
//                  those with the part .OPTIMIZER_SLOT or optimizer. The model's own variables may be stored
//                  under optimizer/_trainable_variables: they are the model's.
// global_step and moving averages belong to the model.
std::vector<bool> FindOptimizerKeys(const std::vector<CheckpointEntry>& entries,
                                    absl::string_view object_graph);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_OPTIMIZER_KEYS_H_
