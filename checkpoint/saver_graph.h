// Builds into a graph the nodes by which TensorFlow saves its variables to a checkpoint and restores them:
// those that tf.train.Saver makes, with its names.
#ifndef CRYOGRAPH_CHECKPOINT_SAVER_GRAPH_H_
#define CRYOGRAPH_CHECKPOINT_SAVER_GRAPH_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/dtype.h"
#include "graph/graph.h"

namespace cryograph {

// A variable, or a part of a partitioned one, and the key under which checkpoints have it.
struct SaverVariable {
  std::string key;
  Node variable;  // VarHandleOp, or a variable of TensorFlow 1 (VariableV2, Variable).
  DataType dtype = DT_INVALID;
  std::string slice_spec;  // "4 2 0,2:0,2" for a part of a partitioned variable.
  // The tensor that is saved. Without one: the variable of TensorFlow 1 itself; of a resource its reader
  // NAME/Read/ReadVariableOp, which is added if there is none.
  Output value;
};

struct SaverGraphOptions {
  std::string scope = "save";      // Becomes "save_1" … if the graph has names in it.
  std::string filename = "model";  // What is saved to if nobody feeds the file name.
  int version = 2;                 // Of the checkpoints that the graph saves: 1 or 2.
  bool sharded = false;            // A data file for each device.
  int max_to_keep = 5;
  float keep_checkpoint_every_n_hours = 10000;
};

// Adds the nodes and returns the serialized SaverDef that names them. Variables are sorted by key; parts of
// one key keep their order. InvalidArgument, in the words of tf.train.Saver: no variable, two variables of
// one key, a key with slices and without; also a node that is no variable, a version other than 1 and 2.
absl::StatusOr<std::string> AddSaver(Graph& graph, std::vector<SaverVariable> variables,
                                     const SaverGraphOptions& options = {});

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SAVER_GRAPH_H_
