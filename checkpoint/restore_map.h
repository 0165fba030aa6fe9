// Which variable of a graph holds which tensor of a checkpoint, read from the restore ops that the graph
// itself has. Never a matter of names: a Saver may have renamed every key. Rules: docs of TensorFlow's Saver;
// SavedModels of TF2 keep the same ops in a function.
#ifndef CRYOGRAPH_CHECKPOINT_RESTORE_MAP_H_
#define CRYOGRAPH_CHECKPOINT_RESTORE_MAP_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/checkpoint.h"
#include "graph/model.h"

namespace cryograph {

// What the graph assigns to a variable when it restores.
struct RestoredValue {
  std::string key;
  std::string slice_spec;         // "4 2 0,2:-"; empty: the whole tensor.
  bool reshaped = false;          // A Reshape stands between: same elements, the variable's shape.
  DataType cast_to = DT_INVALID;  // A Cast stands between.
};

class RestoreMap {
 public:
  RestoreMap() = default;

  // `saver` is a serialized SaverDef whose restore op is looked into; empty: the model's own SaverDef if it
  // has one, else every restore op of the main graph (of two that restore one variable, the set which
  // restores more variables with keys that `checkpoint` has is taken, with a line in *notes). `checkpoint`
  // and `notes` may be null. InvalidArgument for a SaverDef given that names a node the graph lacks; for the
  // model's own that is a note.
  static absl::StatusOr<RestoreMap> Find(Model& model, absl::string_view saver, const Checkpoint* checkpoint,
                                         std::vector<std::string>* notes);

  // `variable` is a node of the main graph. Null if no restore op assigns to it.
  const RestoredValue* Of(NodeId variable) const;
  // The pairs, in the order in which they were found.
  const std::vector<std::pair<NodeId, RestoredValue>>& pairs() const { return pairs_; }

  // "restore op 'save/restore_all'", for reports.
  const std::string& origin() const { return origin_; }

 private:
  void Add(NodeId variable, RestoredValue value);

  std::vector<std::pair<NodeId, RestoredValue>> pairs_;
  absl::flat_hash_map<NodeId, size_t> index_;
  std::string origin_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_RESTORE_MAP_H_
