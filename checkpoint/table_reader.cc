#include "checkpoint/table_reader.h"

#include <snappy.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/crc32c.h"

namespace cryograph {
namespace {

constexpr size_t kMagicBytes = 8;
constexpr uint64_t kTrailerBytes = 5;  // Type and checksum behind each block.
constexpr char kRaw = 0;
constexpr char kSnappy = 1;

// No snappy stream grows more; a larger claim is a bomb.
constexpr uint64_t kMaxSnappyRatio = 22;
constexpr uint64_t kMaxSnappySlack = 64;
constexpr uint64_t kMaxBlockBytes = uint64_t{1} << 30;

bool ReadHandle(absl::string_view* bytes, uint64_t* offset, uint64_t* size) {
  return ReadVarint(bytes, offset) && ReadVarint(bytes, size);
}

}  // namespace

bool LooksLikeTable(absl::string_view bytes) {
  return bytes.size() >= kTableFooterBytes &&
         LoadFixed64(bytes.data() + bytes.size() - kMagicBytes) == kTableMagic;
}

absl::Status TableReader::Damaged(uint64_t offset, absl::string_view why) const {
  return absl::DataLossError(absl::StrCat(file_->path(), ": damaged at offset ", offset, ": ", why));
}

absl::StatusOr<std::unique_ptr<TableReader>> TableReader::Open(std::shared_ptr<const MappedFile> file) {
  auto reader = std::unique_ptr<TableReader>(new TableReader(std::move(file)));
  const absl::string_view bytes = reader->file_->bytes();
  if (bytes.size() < kTableFooterBytes) {
    return reader->Damaged(bytes.size(),
                           absl::StrCat("the file ends here, but a table has at least ", kTableFooterBytes,
                                        " bytes; it was cut, or is no table"));
  }
  if (!LooksLikeTable(bytes)) {
    return reader->Damaged(bytes.size() - kMagicBytes,
                           "the file does not end as a table does; it was cut, or is no table");
  }
  const uint64_t footer = bytes.size() - kTableFooterBytes;
  absl::string_view rest = bytes.substr(static_cast<size_t>(footer), kTableFooterBytes - kMagicBytes);
  uint64_t meta_offset, meta_size, offset, size;
  if (!ReadHandle(&rest, &meta_offset, &meta_size) || !ReadHandle(&rest, &offset, &size)) {
    return reader->Damaged(footer, "the footer cannot be read");
  }
  const auto outside = [footer](uint64_t begin, uint64_t length) {
    return begin > footer || length > footer - begin || footer - begin - length < kTrailerBytes;
  };
  if (outside(meta_offset, meta_size))
    return reader->Damaged(footer, "the metaindex block is outside the file");
  if (outside(offset, size)) return reader->Damaged(footer, "the index block is outside the file");
  ASSIGN_OR_RETURN(const Value index, reader->LoadBlock(offset, size));
  RETURN_IF_ERROR(
      reader->VisitBlock(offset, index, [&](absl::string_view key, const Value& value) -> absl::Status {
        IndexEntry entry;
        entry.key = std::string(key);
        absl::string_view handle = value.bytes;
        if (!ReadHandle(&handle, &entry.offset, &entry.size))
          return reader->Damaged(offset, "a block handle is cut");
        if (outside(entry.offset, entry.size)) {
          return reader->Damaged(offset, absl::StrCat("a block of ", entry.size, " bytes at offset ",
                                                      entry.offset, " is outside the file"));
        }
        reader->blocks_.push_back(std::move(entry));
        return absl::OkStatus();
      }));
  return reader;
}

absl::Status TableReader::Unchecked::Compare(const TableReader& table, uint32_t actual) const {
  if (actual == crc) return absl::OkStatus();
  return table.Damaged(
      static_cast<uint64_t>(summed.data() - table.file_->bytes().data()),
      absl::StrCat("the checksum of a block of ", summed.size() - 1, " bytes is ",
                   absl::Hex(actual, absl::kZeroPad8), " instead of ", absl::Hex(crc, absl::kZeroPad8)));
}

// Its value is the contents of the block. The type, which is summed, too, comes behind them.
TableReader::Unchecked TableReader::RawBlock(uint64_t offset, uint64_t size) const {
  const char* const begin = file_->bytes().data() + offset;
  Unchecked block;
  block.value = {absl::string_view(begin, static_cast<size_t>(size)), file_, offset};
  block.summed = absl::string_view(begin, static_cast<size_t>(size + 1));
  block.crc = UnmaskCrc(LoadFixed32(begin + size + 1));
  return block;
}

absl::StatusOr<TableReader::Value> TableReader::LoadBlock(uint64_t offset, uint64_t size) const {
  const Unchecked block = RawBlock(offset, size);
  RETURN_IF_ERROR(block.Compare(*this, Crc32c(block.summed)));
  const absl::string_view stored = block.value.bytes;
  const char type = block.summed.back();
  if (type == kRaw) return Value{stored, file_, offset};
  if (type != kSnappy) {
    return Damaged(offset + size,
                   absl::StrCat("a block has the unknown type ", static_cast<int>(type) & 0xff));
  }
  size_t length;
  if (!snappy::GetUncompressedLength(stored.data(), stored.size(), &length)) {
    return Damaged(offset, "a compressed block has no readable length");
  }
  if (length > kMaxSnappyRatio * size + kMaxSnappySlack || length > kMaxBlockBytes) {
    return Damaged(offset,
                   absl::StrCat("a compressed block of ", size, " bytes cannot hold ", length, " bytes"));
  }
  auto plain = std::make_shared<std::string>(length, '\0');
  if (!snappy::RawUncompress(stored.data(), stored.size(), &(*plain)[0])) {
    return Damaged(offset, "a compressed block cannot be decompressed");
  }
  const absl::string_view contents = *plain;
  return Value{contents, std::move(plain), offset};
}

absl::Status TableReader::VisitBlock(uint64_t offset, const Value& block, Visit visit) const {
  absl::string_view rest = block.bytes;
  if (rest.size() < sizeof(uint32_t)) return Damaged(offset, "a block is too short for its restarts");
  const uint64_t count = LoadFixed32(rest.data() + rest.size() - sizeof(uint32_t));
  rest.remove_suffix(sizeof(uint32_t));
  if (count == 0 || count > rest.size() / sizeof(uint32_t)) {
    return Damaged(
        offset, absl::StrCat("a block of ", block.bytes.size(), " bytes cannot have ", count, " restarts"));
  }
  const char* const restarts = rest.data() + rest.size() - count * sizeof(uint32_t);
  rest.remove_suffix(static_cast<size_t>(count * sizeof(uint32_t)));
  const char* const begin = rest.data();
  if (LoadFixed32(restarts) != 0) return Damaged(offset, "the first restart of a block is not its begin");
  if (rest.empty()) {
    return count == 1 ? absl::OkStatus() : Damaged(offset, "an empty block has more than one restart");
  }
  std::string key;
  uint64_t next_restart = 0;
  bool first = true;
  while (!rest.empty()) {
    const uint64_t position = static_cast<uint64_t>(rest.data() - begin);
    const bool is_restart =
        next_restart < count && LoadFixed32(restarts + next_restart * sizeof(uint32_t)) == position;
    uint64_t shared, unshared, value_size;
    if (!ReadVarint(&rest, &shared) || !ReadVarint(&rest, &unshared) || !ReadVarint(&rest, &value_size)) {
      return Damaged(offset, absl::StrCat("the entry at byte ", position, " of a block is cut"));
    }
    if (shared > key.size() || unshared > rest.size() || value_size > rest.size() - unshared) {
      return Damaged(offset, absl::StrCat("the entry at byte ", position, " of a block runs over"));
    }
    if (is_restart) {
      ++next_restart;
      if (shared != 0)
        return Damaged(offset, absl::StrCat("the restart at byte ", position, " of a block shares"));
    }
    const absl::string_view suffix = rest.substr(0, static_cast<size_t>(unshared));
    // With equal beginnings the suffixes decide; a longer key is the greater.
    if (!first && suffix <= absl::string_view(key).substr(static_cast<size_t>(shared))) {
      return Damaged(offset,
                     absl::StrCat("the key at byte ", position, " of a block is not above the one before"));
    }
    key.resize(static_cast<size_t>(shared));
    key.append(suffix.data(), suffix.size());
    first = false;
    rest.remove_prefix(static_cast<size_t>(unshared));
    const uint64_t in_block = block.owner == file_ ? static_cast<uint64_t>(rest.data() - begin) : 0;
    const Value value{rest.substr(0, static_cast<size_t>(value_size)), block.owner, offset + in_block};
    rest.remove_prefix(static_cast<size_t>(value_size));
    RETURN_IF_ERROR(visit(key, value));
  }
  if (next_restart != count) return Damaged(offset, "a restart of a block is not at an entry");
  return absl::OkStatus();
}

absl::Status TableReader::VisitDataBlock(size_t index, const Value& block, Visit visit) const {
  const IndexEntry& entry = blocks_[index];
  const std::string* const below = index == 0 ? nullptr : &blocks_[index - 1].key;
  return VisitBlock(entry.offset, block, [&](absl::string_view key, const Value& value) -> absl::Status {
    if (key > entry.key || (below != nullptr && key <= *below)) {
      return Damaged(entry.offset, "a key is not in the range that the index gives for its block");
    }
    return visit(key, value);
  });
}

absl::Status TableReader::ForEach(Visit visit) const {
  for (size_t i = 0; i < blocks_.size(); ++i) {
    ASSIGN_OR_RETURN(const Value block, LoadBlock(blocks_[i].offset, blocks_[i].size));
    RETURN_IF_ERROR(VisitDataBlock(i, block, visit));
  }
  return absl::OkStatus();
}

size_t TableReader::BlockOf(absl::string_view key) const {
  const auto block =
      std::lower_bound(blocks_.begin(), blocks_.end(), key,
                       [](const IndexEntry& entry, absl::string_view wanted) { return entry.key < wanted; });
  return static_cast<size_t>(block - blocks_.begin());
}

absl::StatusOr<absl::optional<TableReader::Value>> TableReader::Find(absl::string_view key) const {
  absl::optional<Value> found;
  const size_t index = BlockOf(key);
  if (index == blocks_.size()) return found;
  ASSIGN_OR_RETURN(const Value block, LoadBlock(blocks_[index].offset, blocks_[index].size));
  RETURN_IF_ERROR(VisitDataBlock(index, block, [&](absl::string_view each, const Value& value) {
    if (each == key) found = value;
    return absl::OkStatus();
  }));
  return found;
}

absl::optional<TableReader::Unchecked> TableReader::FindUnchecked(absl::string_view key) const {
  const size_t index = BlockOf(key);
  if (index == blocks_.size()) return absl::nullopt;
  Unchecked block = RawBlock(blocks_[index].offset, blocks_[index].size);
  if (block.summed.back() != kRaw) return absl::nullopt;
  absl::optional<Value> found;
  const absl::Status visited =
      VisitDataBlock(index, block.value, [&](absl::string_view each, const Value& value) {
        if (each == key) found = value;
        return absl::OkStatus();
      });
  if (!visited.ok() || !found.has_value()) return absl::nullopt;
  block.value = *std::move(found);
  return block;
}

}  // namespace cryograph
