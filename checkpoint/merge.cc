#include "checkpoint/merge.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_files.h"
#include "checkpoint/bundle_index.h"
#include "checkpoint/damage.h"
#include "checkpoint/messages.h"
#include "checkpoint/summed_stream.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

constexpr size_t kChunkBytes = 4 << 20;

class Merger {
 public:
  absl::Status Add(const std::string& prefix) {
    ASSIGN_OR_RETURN(const BundleIndex index, ReadBundleIndex(prefix));
    if (first_.empty()) {
      first_ = prefix;
      big_endian_ = index.big_endian();
      versions_ = index.header.versions;
    } else if (big_endian_ != index.big_endian()) {
      return absl::InvalidArgumentError(absl::StrCat(prefix, " and ", first_, " have different byte orders"));
    } else if (versions_.producer != index.header.versions.producer ||
               versions_.min_consumer != index.header.versions.min_consumer) {
      return absl::InvalidArgumentError(
          absl::StrCat(prefix, " and ", first_, " have different format versions"));
    }
    std::map<int, int> numbers;  // Of its data files, in the merged checkpoint.
    for (const BundleRecord& record : index.records) {
      RETURN_IF_ERROR(AddRecord(prefix, index.header.num_shards, record, &numbers));
    }
    num_shards_ += index.header.num_shards;
    return absl::OkStatus();
  }

  absl::Status Write(const std::string& merged, absl::FunctionRef<void(uint64_t)> progress,
                     MergeInputs inputs) const {
    BundleFiles files(merged, num_shards_, big_endian_);
    for (size_t i = 0; i < data_.size(); ++i) {
      if (inputs == MergeInputs::kMove) {
        RETURN_IF_ERROR(CheckThere(data_[i]));
        files.Adopt(static_cast<int>(i), data_[i].path);
        continue;
      }
      ASSIGN_OR_RETURN(FileSink* const sink, files.Data(static_cast<int>(i)));
      RETURN_IF_ERROR(Copy(data_[i], progress, *sink));
    }
    return files.Commit(entries_);
  }

  // After Write() with kMove: takes the names of the inputs away. The index goes first, so that what is left
  // of a checkpoint does not look like one.
  absl::Status RemoveInputs(absl::Span<const std::string> prefixes) const {
    std::vector<std::string> paths;
    for (const std::string& prefix : prefixes) paths.push_back(absl::StrCat(prefix, ".index"));
    for (const DataFile& data : data_) paths.push_back(data.path);
    for (const std::string& path : paths) {
      if (unlink(path.c_str()) == 0 || errno == ENOENT) continue;
      return absl::PermissionDeniedError(
          absl::StrCat(path, ": cannot be removed: ", strerror(errno), "; the merged checkpoint is whole"));
    }
    return absl::OkStatus();
  }

 private:
  struct DataFile {
    std::string path;
    std::string key;  // The first that leads to it.
    int num_shards;
  };

  absl::Status AddRecord(const std::string& prefix, int num_shards, const BundleRecord& record,
                         std::map<int, int>* numbers) {
    BundleEntry entry = record.entry;
    const absl::StatusOr<int64_t> elements = StoredElements(entry.shape);
    const bool in_data = entry.slices.empty();
    if (!elements.ok() || (in_data && (entry.shard < 0 || entry.shard >= num_shards))) {
      return Damage(absl::DataLossError(absl::StrCat(
          prefix, ".index: tensor ", QuotedKey(record.key), ": ",
          elements.ok() ? absl::StrCat("its data file is number ", entry.shard, " of ", num_shards)
                        : std::string(elements.status().message()))));
    }
    if (entry.shard >= 0 && entry.shard < num_shards) {
      const auto [number, is_new] = numbers->try_emplace(entry.shard, static_cast<int>(data_.size()));
      if (is_new) data_.push_back({BundleDataPath(prefix, entry.shard, num_shards), record.key, num_shards});
      entry.shard = number->second;
    }
    const auto [place, is_new] = entries_.try_emplace(record.key, std::move(entry));
    if (is_new) {
      from_[record.key] = prefix;
      return absl::OkStatus();
    }
    BundleEntry& before = place->second;
    if (before.slices.empty() || record.entry.slices.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("Duplicate tensor keyed by ", QuotedKey(record.key),
                                                     " encountered, when merging ", prefix, ": it stands in ",
                                                     from_[record.key], ", too"));
    }
    if (before.dtype != record.entry.dtype || before.shape.dims != record.entry.shape.dims) {
      return absl::InvalidArgumentError(
          absl::StrCat("the slices of tensor ", QuotedKey(record.key), " are of ", DataTypeName(before.dtype),
                       ShapeText(before.shape.dims), " in ", from_[record.key], " and of ",
                       DataTypeName(record.entry.dtype), ShapeText(record.entry.shape.dims), " in ", prefix));
    }
    before.slices.insert(before.slices.end(), record.entry.slices.begin(), record.entry.slices.end());
    return absl::OkStatus();
  }

  static absl::Status CheckThere(const DataFile& data) {
    const absl::Status opened = MappedFile::Open(data.path).status();
    return opened.ok() ? opened : MissingShard(opened, data.key, data.num_shards);
  }

  static absl::Status Copy(const DataFile& data, absl::FunctionRef<void(uint64_t)> progress, ByteSink& sink) {
    const absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(data.path);
    if (!file.ok()) return MissingShard(file.status(), data.key, data.num_shards);
    const absl::string_view all = (*file)->bytes();
    for (size_t at = 0; at < all.size(); at += kChunkBytes) {
      const absl::string_view chunk = all.substr(at, kChunkBytes);
      // Not for the sum: the thread that sums up has the pages there when they are written, which takes half
      // the time.
      uint32_t crc;
      RETURN_IF_ERROR(StreamSummed(**file, chunk, chunk, sink, &crc));
      progress(chunk.size());
    }
    return absl::OkStatus();
  }

  std::string first_;  // The first input, with which the others must agree.
  bool big_endian_ = false;
  FormatVersions versions_;
  int num_shards_ = 0;
  std::vector<DataFile> data_;
  std::map<std::string, BundleEntry> entries_;
  std::map<std::string, std::string> from_;  // The input that each entry was first met in.
};

// Under whatever names.
bool IsSameCheckpoint(const std::string& a, const std::string& b) {
  struct stat of_a, of_b;
  if (stat(absl::StrCat(a, ".index").c_str(), &of_a) != 0) return a == b;
  return stat(absl::StrCat(b, ".index").c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

}  // namespace

absl::Status MergeBundles(absl::Span<const std::string> prefixes, const std::string& merged,
                          absl::FunctionRef<void(uint64_t)> progress, MergeInputs inputs) {
  if (prefixes.empty()) return absl::InvalidArgumentError("there is no checkpoint to merge");
  Merger merger;
  for (const std::string& prefix : prefixes) {
    if (inputs == MergeInputs::kMove && IsSameCheckpoint(prefix, merged)) {
      return absl::InvalidArgumentError(
          absl::StrCat(merged, ": it is to be merged and cannot be the merged checkpoint, too"));
    }
    RETURN_IF_ERROR(merger.Add(prefix));
  }
  RETURN_IF_ERROR(merger.Write(merged, progress, inputs));
  return inputs == MergeInputs::kMove ? merger.RemoveInputs(prefixes) : absl::OkStatus();
}

}  // namespace cryograph
