#include "checkpoint/state_file.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/directory.h"
#include "graph/text.h"

namespace cryograph {
namespace {

constexpr size_t kMaxStateBytes = 16 << 20;

absl::Status Invalid(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": the state file of a checkpoint directory ", why,
                   " (CG112)\ntry: name the prefix of the checkpoint instead of its directory"));
}

double DoubleOf(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// The shortest decimal that reads back as the same number, with a point.
std::string DoubleText(double value) {
  std::string text;
  for (int digits = 15; digits <= 17; ++digits) {
    text = absl::StrFormat("%.*g", digits, value);
    if (std::strtod(text.c_str(), nullptr) == value) break;
  }
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

void AppendPath(absl::string_view field, absl::string_view path, std::string* text) {
  absl::StrAppend(text, field, ": \"", absl::CEscape(path), "\"\n");
}

}  // namespace

absl::StatusOr<CheckpointState> ParseCheckpointState(absl::string_view text, const std::string& path) {
  const absl::StatusOr<std::string> message = MessageFromText(MessageKind::kCheckpointState, text, path);
  if (!message.ok()) {
    return Invalid(path, absl::StrCat("cannot be read: ", message.status().message()));
  }
  CheckpointState state;
  WireReader reader(*message);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == 1 && field.type == WireType::kBytes) state.latest = std::string(field.bytes);
    if (field.number == 2 && field.type == WireType::kBytes) state.all.emplace_back(field.bytes);
    if (field.number == 3 && field.type == WireType::kFixed64) {
      state.timestamps.push_back(DoubleOf(field.varint));
    }
    if (field.number == 3 && field.type == WireType::kBytes) {
      for (size_t at = 0; at + 8 <= field.bytes.size(); at += 8) {
        state.timestamps.push_back(DoubleOf(LoadFixed64(field.bytes.data() + at)));
      }
    }
    if (field.number == 4 && field.type == WireType::kFixed64) {
      state.last_preserved_timestamp = DoubleOf(field.varint);
    }
  }
  if (state.latest.empty()) return Invalid(path, "names no model_checkpoint_path");
  return state;
}

std::string CheckpointStateText(const CheckpointState& state) {
  std::string text;
  AppendPath("model_checkpoint_path", state.latest, &text);
  for (const std::string& path : state.all) AppendPath("all_model_checkpoint_paths", path, &text);
  for (const double seconds : state.timestamps) {
    absl::StrAppend(&text, "all_model_checkpoint_timestamps: ", DoubleText(seconds), "\n");
  }
  if (state.last_preserved_timestamp != 0) {
    absl::StrAppend(&text, "last_preserved_timestamp: ", DoubleText(state.last_preserved_timestamp), "\n");
  }
  return text;
}

absl::StatusOr<CheckpointState> ReadCheckpointState(const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  if (file->bytes().size() > kMaxStateBytes) {
    return Invalid(path, absl::StrCat("has ", file->bytes().size(), " bytes, too many for one"));
  }
  return ParseCheckpointState(file->bytes(), path);
}

absl::Status WriteCheckpointState(const std::string& path, const CheckpointState& state) {
  return WriteFile(path, CheckpointStateText(state));
}

bool CheckpointExists(const std::string& prefix) {
  return IsRegularFile(absl::StrCat(prefix, ".index")) || IsRegularFile(prefix) ||
         !MatchingFiles(prefix).empty();
}

absl::StatusOr<absl::optional<std::string>> LatestCheckpoint(const std::string& directory,
                                                             std::vector<std::string>* notes,
                                                             const std::string& state_file) {
  const absl::optional<std::string> nothing;
  const std::string path = JoinPath(directory, state_file);
  const auto note = [notes](std::string text) {
    if (notes != nullptr) notes->push_back(std::move(text));
  };
  if (!IsRegularFile(path)) return nothing;
  absl::StatusOr<CheckpointState> state = ReadCheckpointState(path);
  if (!state.ok()) {
    if (absl::StrContains(state.status().message(), "names no model_checkpoint_path")) {
      return absl::InvalidArgumentError(
          absl::StrCat("Invalid checkpoint state loaded from ", directory, ": ", state.status().message()));
    }
    note(std::string(state.status().message()));
    return nothing;
  }
  const std::string named = JoinPath(directory, state->latest);
  if (CheckpointExists(named)) return absl::make_optional(named);
  const std::string beside = JoinPath(directory, BaseName(state->latest));
  if (beside != named && CheckpointExists(beside)) {
    note(absl::StrCat("'", path, "' names '", state->latest, "', which does not exist: using '", beside,
                      "' beside it (CG112)"));
    return absl::make_optional(beside);
  }
  note(absl::StrCat("'", path, "' names '", state->latest, "', which does not exist (CG112)"));
  return nothing;
}

}  // namespace cryograph
