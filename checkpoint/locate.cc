#include "checkpoint/locate.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/directory.h"
#include "checkpoint/state_file.h"
#include "checkpoint/table_reader.h"
#include "graph/sniff.h"

namespace cryograph {
namespace {

constexpr size_t kMaxStateBytes = 16 << 20;
constexpr size_t kMaxListed = 8;

class Locator {
 public:
  explicit Locator(std::vector<std::string>* notes) : notes_(notes) {}

  absl::StatusOr<CheckpointPlace> Locate(const std::string& path);

 private:
  void Note(std::string note) {
    if (notes_ != nullptr) notes_->push_back(std::move(note));
  }

  // Names that say it themselves: the prefix of a V2 checkpoint, the file or pattern of a V1 checkpoint.
  // *found is false if there is none of that name.
  absl::StatusOr<CheckpointPlace> ByName(const std::string& path, bool* found);
  absl::StatusOr<CheckpointPlace> Shards(const std::string& pattern, const std::vector<std::string>& files);
  absl::StatusOr<CheckpointPlace> ByStem(const std::string& path, absl::string_view stem, bool* found);
  absl::StatusOr<CheckpointPlace> InDirectory(const std::string& path);
  absl::StatusOr<CheckpointPlace> FromState(const std::string& path, absl::string_view text);
  absl::StatusOr<CheckpointPlace> FromFile(const std::string& path);
  absl::Status NoCheckpoint(const std::string& path, absl::string_view why_first = "") const;

  std::vector<std::string>* const notes_;
};

bool HasIndex(const std::string& prefix) { return IsRegularFile(absl::StrCat(prefix, ".index")); }

bool IsTableFile(const std::string& path) {
  const absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(path);
  return file.ok() && LooksLikeTable((*file)->bytes());
}

absl::Status Locator::NoCheckpoint(const std::string& path, absl::string_view why_first) const {
  const bool is_directory = IsDirectory(path);
  const std::string directory = is_directory ? path : DirectoryOf(path);
  const std::vector<std::string> names = CheckpointsIn(directory);
  std::string why;
  std::string attempt =
      "look where the training program saved: a checkpoint goes by the prefix that the program printed";
  if (!IsDirectory(directory)) {
    why = absl::StrCat("there is no directory '", directory, "'");
  } else if (names.empty()) {
    why = absl::StrCat("the directory '", directory, "' holds no checkpoint");
  } else {
    const size_t listed = std::min(names.size(), kMaxListed);
    why = absl::StrCat(
        "the directory '", directory, "' holds, newest first: ",
        absl::StrJoin(names.begin(), names.begin() + static_cast<ptrdiff_t>(listed), ", "),
        names.size() > listed ? absl::StrCat(" and ", names.size() - listed, " more") : std::string());
    attempt = absl::StrCat("use '", JoinPath(directory, names[0]), "'");
  }
  const std::vector<std::string> data =
      is_directory ? std::vector<std::string>() : MatchingFiles(EscapePattern(path) + ".data-*-of-*");
  if (!data.empty()) {
    why = absl::StrCat("'", path, ".index' is missing, though '", BaseName(data[0]), "' is there");
    attempt = "put all files of the checkpoint into one directory; the index cannot be made anew";
  }
  return absl::NotFoundError(absl::StrCat(
      is_directory ? absl::StrCat("'", path, "' holds no checkpoint")
                   : absl::StrCat("no checkpoint is named '", path, "': neither '", path, ".index' nor '",
                                  path, "' is there"),
      " (CG110)", why_first.empty() ? "" : "\nwhy: ", why_first, "\nwhy: ", why, "\ntry: ", attempt));
}

absl::StatusOr<CheckpointPlace> Locator::Shards(const std::string& pattern,
                                                const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    absl::string_view stem = file;
    int num_shards;
    if (!StripShardSuffix(&stem, &num_shards) || static_cast<size_t>(num_shards) == files.size()) continue;
    return absl::DataLossError(absl::StrCat(
        pattern, ": ", files.size(), files.size() == 1 ? " file is" : " files are",
        " there, but by its name '", BaseName(file), "' is one of ", num_shards,
        " (CG113)\nwhy: a shard is missing, or files of several checkpoints match",
        "\ntry: put all shards of one checkpoint into one directory, or use a narrower pattern"));
  }
  return CheckpointPlace{1, pattern, files};
}

absl::StatusOr<CheckpointPlace> Locator::ByName(const std::string& path, bool* found) {
  *found = true;
  if (HasIndex(path)) return CheckpointPlace{2, path, {}};
  if (IsRegularFile(path)) {
    absl::string_view stem = path;
    int num_shards;
    if (IsTableFile(path)) {
      if (!StripShardSuffix(&stem, &num_shards)) return CheckpointPlace{1, path, {path}};
      const std::string pattern = ShardPattern(stem, num_shards);
      Note(absl::StrCat("'", path, "' is one shard of a V1 checkpoint: using '", pattern, "' (CG111)"));
      return Shards(pattern, MatchingFiles(ShardPattern(EscapePattern(stem), num_shards)));
    }
  } else if (!IsDirectory(path)) {
    std::vector<std::string> files = MatchingFiles(path);
    if (!files.empty() && IsTableFile(files[0])) return Shards(path, files);
    files = MatchingFiles(ShardPattern(EscapePattern(path), 0));
    if (!files.empty() && IsTableFile(files[0])) return Shards(ShardPattern(path, 0), files);
  }
  *found = false;
  return CheckpointPlace();
}

absl::StatusOr<CheckpointPlace> Locator::ByStem(const std::string& path, absl::string_view stem,
                                                bool* found) {
  ASSIGN_OR_RETURN(CheckpointPlace place, ByName(std::string(stem), found));
  if (*found)
    Note(absl::StrCat("'", path, "' is a file of a checkpoint: using prefix '", place.prefix, "' (CG111)"));
  return place;
}

absl::StatusOr<CheckpointPlace> Locator::FromState(const std::string& path, absl::string_view text) {
  ASSIGN_OR_RETURN(const CheckpointState state, ParseCheckpointState(text, path));
  const std::string& latest = state.latest;
  const std::string directory = DirectoryOf(path);
  bool found;
  const std::string named = JoinPath(directory, latest);
  ASSIGN_OR_RETURN(CheckpointPlace place, ByName(named, &found));
  if (found) {
    Note(absl::StrCat("'", path, "' names the latest checkpoint: using '", place.prefix, "' (CG112)"));
    return place;
  }
  // An absolute path, or one into another directory, goes stale when the directory moves.
  const std::string beside = JoinPath(directory, BaseName(latest));
  if (beside != named) {
    ASSIGN_OR_RETURN(place, ByName(beside, &found));
    if (found) {
      Note(absl::StrCat("'", path, "' names '", latest, "', which does not exist: using '", place.prefix,
                        "' beside it (CG112)"));
      return place;
    }
  }
  return NoCheckpoint(named, absl::StrCat("the state file '", path, "' names it"));
}

absl::StatusOr<CheckpointPlace> Locator::InDirectory(const std::string& path) {
  for (const char* name : {"saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"}) {
    if (!IsRegularFile(JoinPath(path, name))) continue;
    const std::string prefix = JoinPath(path, "variables/variables");
    if (HasIndex(prefix)) return CheckpointPlace{2, prefix, {}};
    return absl::NotFoundError(
        absl::StrCat("the SavedModel '", path, "' has no checkpoint: '", prefix,
                     ".index' is missing (CG128)\nwhy: it was exported without variables, or copied "
                     "without its directory 'variables'\ntry: copy the whole directory again"));
  }
  const std::string state = JoinPath(path, "checkpoint");
  if (IsRegularFile(state)) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(state));
    if (!LooksLikeTable(file->bytes()) && file->bytes().size() <= kMaxStateBytes)
      return FromState(state, file->bytes());
  }
  for (const char* name : {"variables/variables", "variables"}) {
    const std::string prefix = JoinPath(path, name);
    if (!HasIndex(prefix)) continue;
    Note(absl::StrCat("'", path, "' is a directory: using '", prefix, "' (CG112)"));
    return CheckpointPlace{2, prefix, {}};
  }
  const std::vector<std::string> names = CheckpointsIn(path);
  if (names.empty()) return NoCheckpoint(path);
  bool found;
  ASSIGN_OR_RETURN(CheckpointPlace place, ByName(JoinPath(path, names[0]), &found));
  if (!found) return NoCheckpoint(path);
  Note(absl::StrCat("'", path, "' is a directory without a state file: using its newest checkpoint '",
                    place.prefix, "' (CG112)"));
  return place;
}

absl::StatusOr<CheckpointPlace> Locator::FromFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  const Sniffed sniffed = Sniff(file->bytes());
  switch (sniffed.kind) {
    case FileKind::kCheckpointState:
      if (sniffed.text && file->bytes().size() <= kMaxStateBytes) return FromState(path, file->bytes());
      break;
    case FileKind::kSavedModel:
    case FileKind::kChunkedSavedModel:
      if (absl::StartsWith(BaseName(path), "saved_model.")) {
        Note(absl::StrCat("'", path, "' is ", Describe(sniffed), ": using its directory (CG128)"));
        return InDirectory(DirectoryOf(path));
      }
      break;
    default:
      break;
  }
  absl::string_view stem = path;
  int num_shards;
  if (StripShardSuffix(&stem, &num_shards) && absl::ConsumeSuffix(&stem, ".data")) {
    return NoCheckpoint(std::string(stem),
                        absl::StrCat("'", path, "' holds the bytes of tensors, but not their names"));
  }
  const bool is_graph = sniffed.kind == FileKind::kGraphDef || sniffed.kind == FileKind::kMetaGraphDef;
  return absl::InvalidArgumentError(absl::StrCat(
      "'", path, "' is no checkpoint but ", Describe(sniffed),
      " (CG114)\nwhy: a checkpoint is a file PREFIX.index with files PREFIX.data-*, "
      "or a table (V1)\ntry: ",
      is_graph ? "name the checkpoint that belongs to this graph"
               : "save the weights with TensorFlow (tf.train.Saver, tf.train.Checkpoint or a SavedModel)"));
}

absl::StatusOr<CheckpointPlace> Locator::Locate(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("the name of the checkpoint is empty (CG110)");
  bool found;
  ASSIGN_OR_RETURN(CheckpointPlace place, ByName(path, &found));
  if (found && place.version == 2) return place;
  // A V2 index is a table, too, so this comes before tables are taken for V1 checkpoints.
  absl::string_view stem = path;
  int num_shards;
  bool found_stem = false;
  if (absl::ConsumeSuffix(&stem, ".index") || absl::ConsumeSuffix(&stem, ".meta")) {
    ASSIGN_OR_RETURN(CheckpointPlace by_stem, ByStem(path, stem, &found_stem));
    if (found_stem) return by_stem;
  } else if (StripShardSuffix(&stem, &num_shards) && absl::ConsumeSuffix(&stem, ".data") &&
             HasIndex(std::string(stem))) {
    return ByStem(path, stem, &found_stem);
  }
  if (found) return place;
  if (IsDirectory(path)) return InDirectory(path);
  if (IsRegularFile(path)) return FromFile(path);
  return NoCheckpoint(path);
}

}  // namespace

absl::StatusOr<CheckpointPlace> LocateCheckpoint(const std::string& path, std::vector<std::string>* notes) {
  return Locator(notes).Locate(path);
}

}  // namespace cryograph
