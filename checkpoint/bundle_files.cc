#include "checkpoint/bundle_files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "checkpoint/directory.h"
#include "checkpoint/message_bytes.h"
#include "checkpoint/table_writer.h"

namespace cryograph {

std::string BundleDataPath(absl::string_view prefix, int shard, int num_shards) {
  return absl::StrFormat("%s.data-%05d-of-%05d", prefix, shard, num_shards);
}

absl::Status WriteBundleIndex(const std::map<std::string, BundleEntry>& entries, int num_shards,
                              int first_shard, bool big_endian, ByteSink& sink) {
  TableWriter table(&sink);
  RETURN_IF_ERROR(table.Add("", BundleHeaderBytes(num_shards, big_endian)));
  for (const auto& [key, entry] : entries) {
    BundleEntry numbered = entry;
    if (entry.slices.empty()) numbered.shard += first_shard;
    RETURN_IF_ERROR(table.Add(key, BundleEntryBytes(numbered)));
  }
  return table.Finish();
}

// Gives the file `from` the name `to`, too, over what may be there, in one step.
static absl::Status LinkOver(const std::string& from, const std::string& to) {
  const std::string beside = absl::StrCat(to, ".tmp-", getpid());
  unlink(beside.c_str());
  if (link(from.c_str(), beside.c_str()) == 0 && rename(beside.c_str(), to.c_str()) == 0)
    return absl::OkStatus();
  const int error = errno;
  unlink(beside.c_str());
  return absl::UnavailableError(
      absl::StrCat(to, ": cannot be given to the file ", from, " as its name: ", strerror(error)));
}

// Data files of a prefix, of whatever number.
static std::vector<std::string> DataFiles(const std::string& prefix) {
  return MatchingFiles(EscapePattern(prefix) + ".data-*-of-*");
}

void BundleFiles::ChooseNumbers() {
  first_num_shards_ = num_shards_;
  if (!IsRegularFile(absl::StrCat(prefix_, ".index"))) return;
  first_shard_ = num_shards_;
  first_num_shards_ = 2 * num_shards_;
  for (const std::string& path : DataFiles(prefix_)) {
    absl::string_view stem = path;
    int counted;
    if (StripShardSuffix(&stem, &counted)) first_num_shards_ = std::max(first_num_shards_, counted + 1);
  }
}

absl::StatusOr<FileSink*> BundleFiles::Data(int shard) {
  if (first_num_shards_ == 0) ChooseNumbers();
  std::unique_ptr<FileSink>& sink = data_[shard];
  if (sink == nullptr) {
    ASSIGN_OR_RETURN(sink, FileSink::Create(FirstPath(shard)));
  }
  return sink.get();
}

absl::Status BundleFiles::CommitIndex(const std::map<std::string, BundleEntry>& entries, int num_shards,
                                      int first_shard) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> index, FileSink::Create(absl::StrCat(prefix_, ".index")));
  RETURN_IF_ERROR(WriteBundleIndex(entries, num_shards, first_shard, big_endian_, *index));
  return index->Commit();
}

absl::Status BundleFiles::GiveProperNames() const {
  for (int shard = 0; shard < num_shards_; ++shard) {
    RETURN_IF_ERROR(LinkOver(FirstPath(shard), ProperPath(shard)));
  }
  return absl::OkStatus();
}

absl::Status BundleFiles::LinkAdopted() const {
  for (const auto& [shard, path] : adopted_) {
    if (absl::Status linked = LinkOver(path, FirstPath(shard)); !linked.ok()) {
      for (const auto& [done, unused] : adopted_) {
        if (done < shard) unlink(FirstPath(done).c_str());
      }
      return linked;
    }
  }
  return absl::OkStatus();
}

void BundleFiles::RemoveOthers() const {
  for (const std::string& path : DataFiles(prefix_)) {
    absl::string_view stem = path;
    int counted;
    if (StripShardSuffix(&stem, &counted) && stem == absl::StrCat(prefix_, ".data") &&
        counted != num_shards_) {
      unlink(path.c_str());
    }
  }
}

absl::Status BundleFiles::Commit(const std::map<std::string, BundleEntry>& entries) {
  if (first_num_shards_ == 0) ChooseNumbers();
  for (int shard = 0; shard < num_shards_; ++shard) {
    if (adopted_.count(shard) == 0) RETURN_IF_ERROR(Data(shard).status());
  }
  RETURN_IF_ERROR(LinkAdopted());
  for (const auto& [shard, sink] : data_) RETURN_IF_ERROR(sink->Commit());
  const bool replaces = first_shard_ != 0;
  if (!replaces) return CommitIndex(entries, num_shards_, 0);
  RETURN_IF_ERROR(CommitIndex(entries, first_num_shards_, first_shard_));
  RETURN_IF_ERROR(GiveProperNames());
  RETURN_IF_ERROR(CommitIndex(entries, num_shards_, 0));
  RemoveOthers();
  return absl::OkStatus();
}

std::vector<std::string> BundleFiles::Paths() const {
  std::vector<std::string> paths;
  for (int shard = 0; shard < num_shards_; ++shard) paths.push_back(ProperPath(shard));
  paths.push_back(absl::StrCat(prefix_, ".index"));
  return paths;
}

}  // namespace cryograph
