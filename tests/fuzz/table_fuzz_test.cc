// The table reader on any bytes: it answers, in bounded memory, and what it accepts is in order and can be
// found. Bytes rarely have good checksums, so an input is also read as a table whose checksums are made good
// first.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mapped_file.h"
#include "base/wire.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/table_reader.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// What is found before the checksum is compared is what is found, if that is good.
void FindBoth(const TableReader& table, absl::string_view key) {
  const absl::StatusOr<absl::optional<TableReader::Value>> found = table.Find(key);
  const absl::optional<TableReader::Unchecked> unchecked = table.FindUnchecked(key);
  if (!unchecked.has_value()) return;
  const bool good = unchecked->Compare(table, Crc32c(unchecked->summed)).ok();
  Require(good == found.ok(), "a checksum is good for one and bad for the other");
  Require(!good || (found->has_value() && (*found)->bytes == unchecked->value.bytes),
          "two values of one key");
}

void Read(const std::string& bytes) {
  const absl::StatusOr<std::unique_ptr<TableReader>> table =
      TableReader::Open(MappedFile::FromString("input", bytes));
  if (!table.ok()) {
    Require(absl::IsDataLoss(table.status()), "another status than DataLoss");
    return;
  }
  std::string last;
  bool first = true;
  const absl::Status walked = (*table)->ForEach([&](absl::string_view key, const TableReader::Value& value) {
    Require(first || key > last, "keys out of order");
    first = false;
    last = std::string(key);
    Require(value.bytes.size() <= (uint64_t{1} << 30), "a value beyond all bounds");
    return absl::OkStatus();
  });
  Require(walked.ok() || absl::IsDataLoss(walked), "another status than DataLoss");
  FindBoth(**table, last);
  FindBoth(**table, "w");
  if (!walked.ok() || first) return;
  const absl::StatusOr<absl::optional<TableReader::Value>> found = (*table)->Find(last);
  Require(found.ok() && found->has_value(), "a key that was shown is not found");
}

// Puts the right checksum behind the block at `offset`, if it is one.
void Repair(uint64_t offset, uint64_t size, std::string* bytes) {
  if (offset > bytes->size() || size > bytes->size() - offset || bytes->size() - offset - size < 5) return;
  std::string crc;
  AppendFixed32(MaskCrc(Crc32c(absl::string_view(*bytes).substr(offset, size + 1))), &crc);
  bytes->replace(offset + size + 1, crc.size(), crc);
}

// Makes the magic and the checksums good of the index block and of the blocks that it names in plain entries.
std::string Repaired(std::string bytes) {
  if (bytes.size() < kTableFooterBytes) return bytes;
  std::string magic;
  AppendFixed64(kTableMagic, &magic);
  bytes.replace(bytes.size() - magic.size(), magic.size(), magic);
  absl::string_view footer = absl::string_view(bytes).substr(bytes.size() - kTableFooterBytes, 40);
  uint64_t meta_offset, meta_size, offset, size;
  if (!ReadVarint(&footer, &meta_offset) || !ReadVarint(&footer, &meta_size) ||
      !ReadVarint(&footer, &offset) || !ReadVarint(&footer, &size) || offset > bytes.size() ||
      size > bytes.size() - offset) {
    return bytes;
  }
  const std::string index = bytes.substr(offset, size);
  absl::string_view rest = index;
  for (int entry = 0; entry < 100; ++entry) {
    uint64_t shared, unshared, value_size, block_offset, block_size;
    if (!ReadVarint(&rest, &shared) || !ReadVarint(&rest, &unshared) || !ReadVarint(&rest, &value_size) ||
        unshared > rest.size() || value_size > rest.size() - unshared) {
      break;
    }
    absl::string_view handle = rest.substr(unshared, value_size);
    if (ReadVarint(&handle, &block_offset) && ReadVarint(&handle, &block_size))
      Repair(block_offset, block_size, &bytes);
    rest.remove_prefix(unshared + value_size);
  }
  Repair(offset, size, &bytes);
  return bytes;
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  cryograph::Read(bytes);
  cryograph::Read(cryograph::Repaired(bytes));
  return 0;
}
