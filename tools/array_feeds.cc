#include "tools/array_feeds.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "checkpoint/array_files.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

// The name of array `key`; of the only one if `key` is empty.
absl::StatusOr<std::string> FindArray(const CheckpointReader& arrays, const std::string& path,
                                      const std::string& key) {
  if (!key.empty() && arrays.Find(key) != nullptr) return key;
  std::vector<absl::string_view> names;
  for (const CheckpointEntry& entry : arrays.entries()) names.push_back(entry.name);
  if (!key.empty()) {
    return absl::NotFoundError(
        absl::StrCat(path, ": it has no array '", key, "'", DidYouMean(NearestNames(key, names))));
  }
  if (names.size() == 1) return std::string(names[0]);
  return absl::InvalidArgumentError(absl::StrCat(path, ": it holds ", names.size(), " arrays; write ", path,
                                                 "[KEY], where KEY is one of ", absl::StrJoin(names, ", ")));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenArrayFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  if (absl::StartsWith(file->bytes(), "\x93NUMPY")) return OpenNpyFile(path);
  if (absl::StartsWith(file->bytes(), "PK")) return OpenNpz(file);
  if (absl::StartsWith(file->bytes(), "\x80")) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": it is a Python pickle, and reading one is running a program\n"
                     "try: numpy.save() or numpy.savez() in Python"));
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": it is no .npy and no .npz file"));
}

absl::StatusOr<Value> FeedFromArrayFile(const std::string& path, MemoryPool& pool) {
  std::string name = path, key;
  const size_t bracket = path.find(".npz[");
  if (absl::EndsWith(path, "]") && bracket != std::string::npos) {
    const size_t begin = bracket + 5;
    name = path.substr(0, begin - 1);
    key = path.substr(begin, path.size() - begin - 1);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointReader> arrays, OpenArrayFile(name));
  ASSIGN_OR_RETURN(const std::string array, FindArray(*arrays, name, key));
  ASSIGN_OR_RETURN(const Tensor tensor, arrays->Read(array));
  return Value::FromTensor(tensor, pool);
}

}  // namespace cryograph
