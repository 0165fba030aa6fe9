// Thaws a frozen graph: its large constants become variables again, with values in a checkpoint, so that
// TensorFlow can train what was only to be served.
#ifndef CRYOGRAPH_CHECKPOINT_THAW_H_
#define CRYOGRAPH_CHECKPOINT_THAW_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"

namespace cryograph {

struct ThawOptions {
  // A constant of fewer bytes stays.
  uint64_t min_bytes = 1024;
  // Floating-point and complex constants become variables; others (indices, tables) only if this is set, and
  // then not trainable. Strings never do.
  bool all_types = false;
  // Resource variables (VarHandleOp) instead of those of TensorFlow 1 (VariableV2).
  bool resource = false;
  // If set, says for each name of a constant whether it may become a variable.
  std::function<bool(absl::string_view)> select;
};

struct ThawedVariable {
  std::string name;  // Of the node and the key in the checkpoint.
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  bool trainable = false;
};

struct ThawReport {
  std::vector<ThawedVariable> variables;
  uint64_t bytes = 0;  // Of their values.
  // Constants of at least min_bytes that stayed, and why: "w: it stands inside a loop".
  std::vector<std::string> kept;
};

// Makes constants of the main graph variables of the same names and writes their values, streamed, to the V2
// checkpoint `prefix`. Each gets an initializer (zeros: the values are in the checkpoint) and a node that
// reads it: the Identity or ReadVariableOp that stood there before freezing if it is still there. The
// MetaGraph says what TensorFlow must know: the saver, and the variables in `variables` and
// `trainable_variables`; signatures and the rest stay as they are. A node named `init` runs all initializers.
//
// FailedPrecondition if no constant is selected, or if the graph has variables already. The errors of
// BundleWriter.
absl::StatusOr<ThawReport> Thaw(Model& model, const std::string& prefix, const ThawOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_THAW_H_
