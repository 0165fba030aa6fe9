// Keeps the checkpoints of a training run as tf.train.Saver and tf.train.CheckpointManager do: names them,
// lists them in the state file, deletes the oldest.
#ifndef CRYOGRAPH_CHECKPOINT_HISTORY_H_
#define CRYOGRAPH_CHECKPOINT_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/state_file.h"

namespace cryograph {

// "model-7"; padded "model-00000007".
std::string CheckpointName(absl::string_view save_path, int64_t global_step, bool pad_step_number = false);

// "model-7.meta" of "model-7", and of the shard pattern "model-7-?????-of-00002".
std::string MetaGraphName(absl::string_view prefix, absl::string_view suffix = "meta");

// Removes the files of a checkpoint of either version, and its MetaGraph. What makes it one goes first, so
// that a part of it is never taken for a checkpoint. OK if there is none.
absl::Status RemoveCheckpoint(const std::string& prefix);

// Call order: Open, then Record after each save. Not thread safe.
class CheckpointHistory {
 public:
  struct Options {
    int max_to_keep = 5;  // 0: nothing is deleted, and the state file lists the newest alone.
    // One checkpoint of every such period is not deleted, but leaves the list as the others do. 0: none.
    double keep_every_n_hours = 0;
    std::string state_file = "checkpoint";
    // Write paths below the directory relative to it, and the times of the saves, as CheckpointManager does.
    bool relative_paths = true;
    bool timestamps = false;
  };

  // Goes on with what the state file of the directory lists, if there is one; entries whose files are gone
  // are dropped. `now` is in seconds since 1970. InvalidArgument: the state file's name has a '/'.
  static absl::StatusOr<CheckpointHistory> Open(const std::string& directory, const Options& options,
                                                double now);

  // The checkpoint `prefix` was written at `now`: the state file names it as the latest, then those that are
  // too many are removed. Returns what was removed. InvalidArgument if the prefix has the state file's name.
  absl::StatusOr<std::vector<std::string>> Record(const std::string& prefix, double now);

  // The oldest first.
  const std::vector<std::string>& checkpoints() const { return paths_; }

 private:
  CheckpointHistory(std::string directory, const Options& options)
      : directory_(std::move(directory)), options_(options) {}
  std::string Written(const std::string& path) const;

  std::string directory_;
  Options options_;
  std::vector<std::string> paths_;
  std::vector<double> times_;  // Of paths_.
  double last_preserved_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_HISTORY_H_
