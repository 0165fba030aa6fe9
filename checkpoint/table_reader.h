// Reads sorted string tables: the index of a V2 checkpoint, or a whole V1 checkpoint. The format is that of
// leveldb's tables: data blocks, a metaindex block, an index block, a footer.
#ifndef CRYOGRAPH_CHECKPOINT_TABLE_READER_H_
#define CRYOGRAPH_CHECKPOINT_TABLE_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/mapped_file.h"

namespace cryograph {

constexpr size_t kTableFooterBytes = 48;
constexpr uint64_t kTableMagic = 0xdb4775248b80fb57;

// True if the bytes end as a table does. Says nothing about the rest.
bool LooksLikeTable(absl::string_view bytes);

// Meant for hostile bytes: every length is checked against the file, every block against its checksum and the
// order of its keys before anything of it is shown. Thread safe.
class TableReader {
 public:
  // A value and what keeps it alive: the file, or the block that was decompressed.
  struct Value {
    absl::string_view bytes;
    std::shared_ptr<const void> owner;
    uint64_t offset = 0;  // In the file; of its block, if that was decompressed.
  };

  // Checks footer and index block. DataLoss naming the file, the offset and the defect.
  static absl::StatusOr<std::unique_ptr<TableReader>> Open(std::shared_ptr<const MappedFile> file);

  // Calls visit(key, value) for every entry in the order of keys; `key` lives during the call only. DataLoss
  // as above; the first error of `visit` ends the walk and is returned.
  using Visit = absl::FunctionRef<absl::Status(absl::string_view key, const Value& value)>;
  absl::Status ForEach(Visit visit) const;

  // The value of `key`, or nothing. Reads one block, and checks no other.
  absl::StatusOr<absl::optional<Value>> Find(absl::string_view key) const;

  // A value in a block whose checksum was not compared: the caller does so, over `summed`.
  struct Unchecked {
    Value value;
    absl::string_view summed;  // In the file.
    uint32_t crc = 0;
    absl::Status Compare(const TableReader& table, uint32_t actual) const;
  };
  // As Find. Nothing also where only Find can tell: the block is compressed, or looks damaged.
  absl::optional<Unchecked> FindUnchecked(absl::string_view key) const;

  const MappedFile& file() const { return *file_; }

 private:
  struct IndexEntry {
    std::string key;  // Not below any key of the block, below every key of the next.
    uint64_t offset;
    uint64_t size;
  };

  explicit TableReader(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}

  absl::Status Damaged(uint64_t offset, absl::string_view why) const;
  Unchecked RawBlock(uint64_t offset, uint64_t size) const;
  absl::StatusOr<Value> LoadBlock(uint64_t offset, uint64_t size) const;
  absl::Status VisitBlock(uint64_t offset, const Value& block, Visit visit) const;
  // The block that has `key` if any has: its number in blocks_, or their count.
  size_t BlockOf(absl::string_view key) const;
  absl::Status VisitDataBlock(size_t index, const Value& block, Visit visit) const;

  std::shared_ptr<const MappedFile> file_;
  std::vector<IndexEntry> blocks_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_TABLE_READER_H_
