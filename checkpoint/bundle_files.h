// The files of a V2 checkpoint that is being written, and how they get their names: at every moment there is
// a whole checkpoint, the old one or the new one, whenever the process dies.
#ifndef CRYOGRAPH_CHECKPOINT_BUNDLE_FILES_H_
#define CRYOGRAPH_CHECKPOINT_BUNDLE_FILES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "checkpoint/messages.h"

namespace cryograph {

// PREFIX.data-SSSSS-of-NNNNN.
std::string BundleDataPath(absl::string_view prefix, int shard, int num_shards);

// Writes an index table: the header, then `entries` by key. What BundleEntry::shard says is raised by
// `first_shard`, except in entries of partitioned tensors, whose shard means nothing.
absl::Status WriteBundleIndex(const std::map<std::string, BundleEntry>& entries, int num_shards,
                              int first_shard, bool big_endian, ByteSink& sink);

// Where no checkpoint of this prefix is, the data files get their names first and the index last. Where one
// is, its index and data cannot be replaced in one step, and between two steps one would not fit the other.
// So the data files come under numbers that the old index does not know (2-of-4 and 3-of-4 for two files),
// with an index that counts so many; that replaces the old one in one step. Then the data files get their
// proper names as well, the proper index comes over the other, and the other names go away.
class BundleFiles {
 public:
  BundleFiles(std::string prefix, int num_shards, bool big_endian = false)
      : prefix_(std::move(prefix)), num_shards_(num_shards), big_endian_(big_endian) {}

  // The data file, created when it is first asked for. The errors of FileSink.
  absl::StatusOr<FileSink*> Data(int shard);

  // The data file is the file `path`, which gets another name beside its own at Commit(): nothing is copied.
  // Instead of Data() for this shard.
  void Adopt(int shard, std::string path) { adopted_[shard] = std::move(path); }

  // Writes the index and gives all files their names. Data files of an old checkpoint of this prefix that the
  // new index does not count are removed.
  absl::Status Commit(const std::map<std::string, BundleEntry>& entries);

  // Paths of all files, sorted.
  std::vector<std::string> Paths() const;

 private:
  void ChooseNumbers();
  absl::Status LinkAdopted() const;
  absl::Status CommitIndex(const std::map<std::string, BundleEntry>& entries, int num_shards,
                           int first_shard) const;
  absl::Status GiveProperNames() const;
  void RemoveOthers() const;
  std::string ProperPath(int shard) const { return BundleDataPath(prefix_, shard, num_shards_); }
  std::string FirstPath(int shard) const {
    return BundleDataPath(prefix_, first_shard_ + shard, first_num_shards_);
  }

  const std::string prefix_;
  const int num_shards_;
  const bool big_endian_;
  // What the data files are called first: of so many, from this number on. 0: not chosen yet.
  int first_num_shards_ = 0;
  int first_shard_ = 0;
  std::map<int, std::unique_ptr<FileSink>> data_;
  std::map<int, std::string> adopted_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_BUNDLE_FILES_H_
