// What a model needs besides its graph to be run: values for its variables, contents for its tables.
#ifndef CRYOGRAPH_TOOLS_MODEL_STATE_H_
#define CRYOGRAPH_TOOLS_MODEL_STATE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "checkpoint/checkpoint.h"
#include "graph/model.h"
#include "graph/model_assets.h"
#include "runtime/executor.h"
#include "tools/variable_values.h"

namespace cryograph {

struct ModelStateOptions {
  std::string checkpoint;  // Of the variables; empty: a SavedModel's own, or none.
  // Nodes that run once before all else. A SavedModel's own initialization runs first.
  std::vector<std::string> init_nodes;
  RunOptions init_limits;
};

// Immutable, so any number of sessions can be brought to the same state.
class ModelState {
 public:
  // Finds where the state of `model` is; Model::path says where a SavedModel's assets are. Errors of
  // Checkpoint::Open. *notes is given a line for each guess.
  static absl::StatusOr<ModelState> Find(Model& model, ModelStateOptions options,
                                         std::vector<std::string>* notes);

  // The same state for what became of the model. Variables keep their values under the names by which a
  // session knows them. Init nodes and asset tensors that are gone need none. Where no init node is left,
  // nodes that fill tables run as far as they can.
  absl::StatusOr<ModelState> For(Model& changed) const;

  // Gives a session of the model its state. Errors: values that do not fit their variables, and those of the
  // initialization.
  absl::Status Restore(Executor& executor) const;

  // Null if there is none.
  const Checkpoint* checkpoint() const { return checkpoint_.get(); }
  const std::vector<VariableValue>& variables() const { return variables_; }

 private:
  ModelStateOptions options_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::vector<VariableValue> variables_;
  std::string own_init_node_;                    // Empty if there is none.
  std::vector<std::string> table_initializers_;  // Where there is no init node.
  std::vector<ModelAsset> assets_;
  std::string folder_;  // Of the SavedModel.
};

// Nodes of the main graph that fill a table, in file order.
std::vector<std::string> TableInitializers(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_MODEL_STATE_H_
