#include "checkpoint/tensor_file.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/array_files.h"
#include "checkpoint/directory.h"

namespace cryograph {
namespace {

bool LooksLikeSafetensors(absl::string_view bytes, absl::string_view path) {
  if (absl::EndsWith(path, ".safetensors")) return true;
  if (bytes.size() < 10) return false;
  const uint64_t header = LoadFixed64(bytes.data());
  return header >= 2 && header <= bytes.size() - 8 && bytes[8] == '{' && bytes[9] == '"';
}

}  // namespace

absl::StatusOr<TensorFile> TensorFile::Open(const std::string& path, std::vector<std::string>* notes) {
  TensorFile result;
  result.name_ = path;
  if (IsRegularFile(path)) {
    ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
    const absl::string_view bytes = file->bytes();
    if (absl::StartsWith(bytes, "PK\x03\x04") || absl::StartsWith(bytes, "PK\x05\x06")) {
      result.kind_ = "npz";
      ASSIGN_OR_RETURN(result.arrays_, OpenNpz(std::move(file)));
      return result;
    }
    if (absl::StartsWith(bytes, "\x93NUMPY")) {
      result.kind_ = "npy";
      ASSIGN_OR_RETURN(result.arrays_, OpenNpyFile(path));
      return result;
    }
    if (LooksLikeSafetensors(bytes, path)) {
      result.kind_ = "safetensors";
      ASSIGN_OR_RETURN(result.arrays_, OpenSafetensors(std::move(file)));
      return result;
    }
  }
  absl::StatusOr<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(path, notes);
  if (!checkpoint.ok() && IsDirectory(path)) {
    absl::StatusOr<std::unique_ptr<CheckpointReader>> folder = OpenNpyFolder(path);
    if (!folder.ok() && !absl::IsNotFound(folder.status())) return folder.status();
    if (folder.ok() && !(*folder)->entries().empty()) {
      result.kind_ = "npy folder";
      result.arrays_ = *std::move(folder);
      return result;
    }
  }
  RETURN_IF_ERROR(checkpoint.status());
  result.checkpoint_ = *std::move(checkpoint);
  result.name_ = result.checkpoint_->prefix();
  result.kind_ = result.checkpoint_->version() == 1 ? "V1 checkpoint" : "V2 checkpoint";
  return result;
}

std::vector<std::string> TensorFile::Files() const {
  std::set<std::string> files;
  for (const CheckpointEntry& entry : reader().entries()) {
    for (const StoredPart& part : reader().Parts(entry.name)) {
      if (!part.file.empty()) files.insert(part.file);
    }
  }
  std::vector<std::string> result;
  if (checkpoint_ != nullptr && checkpoint_->version() == 2) result.push_back(absl::StrCat(name_, ".index"));
  result.insert(result.end(), files.begin(), files.end());
  return result;
}

std::string TensorFile::ObjectGraph() const {
  if (checkpoint_ == nullptr) return "";
  absl::StatusOr<std::string> graph = checkpoint_->ObjectGraph();
  return graph.ok() ? *std::move(graph) : "";
}

}  // namespace cryograph
