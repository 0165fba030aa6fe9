#include "tools/array_feeds.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/tensor.h"
#include "tools/npy_files.h"

namespace cryograph {
namespace {

absl::Status InFile(absl::string_view path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

// The bytes of array `key`; of the only one if `key` is empty.
absl::StatusOr<absl::string_view> FindArray(absl::string_view file, absl::string_view path,
                                            absl::string_view key) {
  ASSIGN_OR_RETURN(const auto arrays, ListNpz(file));
  std::vector<absl::string_view> names;
  for (const auto& [name, bytes] : arrays) {
    if (name == key) return bytes;
    names.push_back(name);
  }
  if (!key.empty()) {
    return absl::NotFoundError(
        absl::StrCat("it has no array '", key, "'", DidYouMean(NearestNames(key, names))));
  }
  if (arrays.size() == 1) return arrays[0].second;
  return absl::InvalidArgumentError(absl::StrCat("it holds ", arrays.size(), " arrays; write ", path,
                                                 "[KEY], where KEY is one of ", absl::StrJoin(names, ", ")));
}

}  // namespace

absl::StatusOr<Value> FeedFromArrayFile(const std::string& path, MemoryPool& pool) {
  std::string name = path, key;
  const size_t bracket = path.rfind('[');
  if (absl::EndsWith(path, "]") && bracket != std::string::npos) {
    name = path.substr(0, bracket);
    key = path.substr(bracket + 1, path.size() - bracket - 2);
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(name));
  absl::StatusOr<absl::string_view> bytes = file->bytes();
  if (!absl::EndsWith(name, ".npy")) bytes = FindArray(file->bytes(), name, key);
  if (!bytes.ok()) return InFile(name, bytes.status());
  const absl::StatusOr<Tensor> tensor = ParseNpy(*bytes, file);
  if (!tensor.ok()) return InFile(path, tensor.status());
  return Value::FromTensor(*tensor, pool);
}

}  // namespace cryograph
