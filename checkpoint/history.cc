#include "checkpoint/history.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "checkpoint/directory.h"

namespace cryograph {
namespace {

constexpr double kSecondsPerHour = 3600;

absl::Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, ": cannot be removed: ", strerror(errno)));
}

}  // namespace

std::string CheckpointName(absl::string_view save_path, int64_t global_step, bool pad_step_number) {
  return pad_step_number ? absl::StrFormat("%s-%08d", save_path, global_step)
                         : absl::StrCat(save_path, "-", global_step);
}

std::string MetaGraphName(absl::string_view prefix, absl::string_view suffix) {
  int num_shards;
  StripShardSuffix(&prefix, &num_shards);
  return absl::StrCat(prefix, ".", suffix);
}

absl::Status RemoveCheckpoint(const std::string& prefix) {
  std::vector<std::string> files;
  const std::string index = absl::StrCat(prefix, ".index");
  absl::string_view stem = prefix;
  int num_shards;
  if (IsRegularFile(index)) {
    files = MatchingFiles(EscapePattern(prefix) + ".data-*-of-*");
    RETURN_IF_ERROR(RemoveFile(index));
  } else if (absl::StrContains(prefix, '?') && StripShardSuffix(&stem, &num_shards)) {
    files = MatchingFiles(ShardPattern(EscapePattern(stem), num_shards));
  } else {
    files = {prefix};
  }
  for (const std::string& path : files) RETURN_IF_ERROR(RemoveFile(path));
  return RemoveFile(MetaGraphName(prefix));
}

absl::StatusOr<CheckpointHistory> CheckpointHistory::Open(const std::string& directory,
                                                          const Options& options, double now) {
  if (absl::StrContains(options.state_file, '/')) {
    return absl::InvalidArgumentError(
        absl::StrCat("'latest_filename' must not contain path components: '", options.state_file, "'"));
  }
  CheckpointHistory history(directory, options);
  history.last_preserved_ = now;
  const absl::StatusOr<CheckpointState> state = ReadCheckpointState(JoinPath(directory, options.state_file));
  // One that cannot be read counts as none, as in TensorFlow; the next save replaces it.
  if (!state.ok()) return history;
  if (state->last_preserved_timestamp != 0) history.last_preserved_ = state->last_preserved_timestamp;
  for (size_t i = 0; i < state->all.size(); ++i) {
    std::string path = JoinPath(directory, state->all[i]);
    if (!CheckpointExists(path)) path = JoinPath(directory, BaseName(path));
    if (!CheckpointExists(path)) continue;
    history.paths_.push_back(std::move(path));
    history.times_.push_back(i < state->timestamps.size() ? state->timestamps[i] : now);
  }
  return history;
}

std::string CheckpointHistory::Written(const std::string& path) const {
  absl::string_view relative = path;
  if (options_.relative_paths && absl::ConsumePrefix(&relative, absl::StrCat(directory_, "/"))) {
    return std::string(relative);
  }
  return path;
}

absl::StatusOr<std::vector<std::string>> CheckpointHistory::Record(const std::string& prefix, double now) {
  const std::string state_path = JoinPath(directory_, options_.state_file);
  if (prefix == state_path) {
    return absl::InvalidArgumentError(absl::StrCat("'latest_filename' collides with 'save_path': '",
                                                   options_.state_file, "' and '", prefix,
                                                   "'; give the checkpoint another name"));
  }
  if (const auto found = std::find(paths_.begin(), paths_.end(), prefix); found != paths_.end()) {
    times_.erase(times_.begin() + (found - paths_.begin()));
    paths_.erase(found);
  }
  paths_.push_back(prefix);
  times_.push_back(now);
  const size_t keep = options_.max_to_keep <= 0 ? paths_.size() : static_cast<size_t>(options_.max_to_keep);
  std::vector<std::string> dropped;
  while (paths_.size() > keep) {
    const bool preserve = options_.keep_every_n_hours > 0 &&
                          times_[0] - options_.keep_every_n_hours * kSecondsPerHour >= last_preserved_;
    if (preserve) {
      last_preserved_ = times_[0];
    } else {
      dropped.push_back(paths_[0]);
    }
    paths_.erase(paths_.begin());
    times_.erase(times_.begin());
  }
  CheckpointState state;
  state.latest = Written(prefix);
  for (size_t i = options_.max_to_keep <= 0 ? paths_.size() - 1 : 0; i < paths_.size(); ++i) {
    state.all.push_back(Written(paths_[i]));
    if (options_.timestamps) state.timestamps.push_back(times_[i]);
  }
  if (options_.timestamps) state.last_preserved_timestamp = last_preserved_;
  RETURN_IF_ERROR(WriteCheckpointState(state_path, state));
  for (const std::string& path : dropped) RETURN_IF_ERROR(RemoveCheckpoint(path));
  return dropped;
}

}  // namespace cryograph
