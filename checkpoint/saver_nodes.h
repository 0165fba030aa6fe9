// The nodes by which TensorFlow saves and restores the variables of a graph, and the collections that name
// them.
#ifndef CRYOGRAPH_CHECKPOINT_SAVER_NODES_H_
#define CRYOGRAPH_CHECKPOINT_SAVER_NODES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "graph/proto/meta_graph.pb.h"

namespace cryograph {

// A variable that a saver is to know.
struct VariableNodes {
  Node node;  // VariableV2, or VarHandleOp if is_resource.
  DataType dtype = DT_INVALID;
  std::string key;     // In checkpoints.
  Node snapshot;       // What readers of the value read; needed for resources: their ReadVariableOp.
  Node initializer;    // Assigns the initial value; null: the saver's own assignment stands for it.
  Node initial_value;  // May be null.
  bool is_resource = false;
  bool trainable = false;
};

struct SaverNodes {
  tensorflow::SaverDef saver;
  // The elements of the collection `variables`, one for each variable: by it TensorFlow knows what there is
  // to initialize, to train, or to lift out of the graph.
  std::vector<std::string> variable_defs;
};

// Adds the nodes of tf.train.Saver, as AddSaver does: V2, one shard.
absl::StatusOr<SaverNodes> AddSaverNodes(Graph& graph, absl::Span<const VariableNodes> variables);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SAVER_NODES_H_
