#include "checkpoint/bundle_index.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/damage.h"
#include "checkpoint/table_reader.h"

namespace cryograph {

const BundleRecord* BundleIndex::Find(absl::string_view key) const {
  const auto found = std::lower_bound(
      records.begin(), records.end(), key,
      [](const BundleRecord& record, absl::string_view wanted) { return record.key < wanted; });
  return found == records.end() || found->key != key ? nullptr : &*found;
}

absl::StatusOr<BundleIndex> ReadBundleIndex(const std::string& prefix) {
  BundleIndex index;
  const std::string path = absl::StrCat(prefix, ".index");
  ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  absl::StatusOr<std::unique_ptr<TableReader>> table = TableReader::Open(std::move(file));
  if (!table.ok()) return Damage(table.status());
  bool has_header = false;
  uint64_t header_at = 0;
  const absl::Status walked =
      (*table)->ForEach([&](absl::string_view key, const TableReader::Value& value) -> absl::Status {
        if (key.empty()) {
          has_header = true;
          header_at = value.offset;
          if (ParseBundleHeader(value.bytes, &index.header)) return absl::OkStatus();
          return absl::DataLossError(
              absl::StrCat(path, ": the header at offset ", value.offset, " cannot be read"));
        }
        BundleRecord record;
        record.key = std::string(key);
        record.place = value.offset;
        if (!ParseBundleEntry(value.bytes, &record.entry)) {
          return absl::DataLossError(absl::StrCat(path, ": the entry of ", QuotedKey(key), " at offset ",
                                                  value.offset, " cannot be read"));
        }
        index.records.push_back(std::move(record));
        return absl::OkStatus();
      });
  if (!walked.ok()) return Damage(walked);
  const BundleHeader& header = index.header;
  if (!has_header)
    return Damage(absl::DataLossError(
        absl::StrCat(path, ": there is no header (an empty key, at offset 0); not a checkpoint's index")));
  if (header.num_shards < 1) {
    return Damage(absl::DataLossError(absl::StrCat(path, ": the header at offset ", header_at, " counts ",
                                                   header.num_shards, " data files")));
  }
  if (header.endianness != 0 && header.endianness != 1) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": the byte order in the header at offset ",
                                                   header_at, " is number ", header.endianness,
                                                   "; 0 (little) and 1 (big) are known"));
  }
  if (const absl::Status versions = CheckVersions(header.versions); !versions.ok()) {
    return absl::Status(versions.code(),
                        absl::StrCat(path, ": the header at offset ", header_at, ": ", versions.message()));
  }
  return index;
}

}  // namespace cryograph
