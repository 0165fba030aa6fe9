// The state file of a checkpoint directory, usually "checkpoint": which checkpoint is the latest, and which
// others are kept.
#ifndef CRYOGRAPH_CHECKPOINT_STATE_FILE_H_
#define CRYOGRAPH_CHECKPOINT_STATE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cryograph {

// CheckpointState. Paths are prefixes (V2), files or patterns (V1); a relative one is relative to the
// directory of the state file.
struct CheckpointState {
  std::string latest;                   // model_checkpoint_path
  std::vector<std::string> all;         // all_model_checkpoint_paths, the oldest first
  std::vector<double> timestamps;       // all_model_checkpoint_timestamps: seconds since 1970, as `all`
  double last_preserved_timestamp = 0;  // 0: not told
};

// `path` is what messages call the file. InvalidArgument (CG112): it is no such text, or names no latest
// checkpoint.
absl::StatusOr<CheckpointState> ParseCheckpointState(absl::string_view text, const std::string& path);

// As TensorFlow writes it.
std::string CheckpointStateText(const CheckpointState& state);

// NotFound if there is no file; InvalidArgument (CG112) as above, and for a file of more than 16 MiB.
absl::StatusOr<CheckpointState> ReadCheckpointState(const std::string& path);
// Replaces the file in one step.
absl::Status WriteCheckpointState(const std::string& path, const CheckpointState& state);

// The latest checkpoint of a directory, as a path that can be opened. Nothing where TensorFlow's
// latest_checkpoint has nothing: there is no state file, it cannot be read (a note says so), or what it names
// does not exist. A name that went stale because the directory moved is looked for beside the state file, and
// a note says so. InvalidArgument, as in TensorFlow: the state names no checkpoint.
absl::StatusOr<absl::optional<std::string>> LatestCheckpoint(const std::string& directory,
                                                             std::vector<std::string>* notes = nullptr,
                                                             const std::string& state_file = "checkpoint");

// True if PREFIX.index is there, or `prefix` is or matches a file.
bool CheckpointExists(const std::string& prefix);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_STATE_FILE_H_
