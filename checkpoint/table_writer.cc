#include "checkpoint/table_writer.h"

#include <algorithm>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/table_reader.h"

namespace cryograph {
namespace {

// What TensorFlow gives its table builder.
constexpr uint64_t kBlockBytes = 262144;
constexpr int kRestartInterval = 16;

constexpr size_t kFooterHandlesBytes = 40;

size_t CommonPrefix(absl::string_view a, absl::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  size_t i = 0;
  while (i < limit && a[i] == b[i]) ++i;
  return i;
}

// A short key that is not below `last` and below `next`: the last key of a block itself, if none is shorter.
std::string Separator(absl::string_view last, absl::string_view next) {
  const size_t common = CommonPrefix(last, next);
  if (common < last.size() && common < next.size()) {
    const uint8_t byte = static_cast<uint8_t>(last[common]);
    if (byte != 0xff && byte + 1 < static_cast<uint8_t>(next[common])) {
      return absl::StrCat(last.substr(0, common), std::string(1, static_cast<char>(byte + 1)));
    }
  }
  return std::string(last);
}

// A short key that is not below `last`.
std::string Successor(absl::string_view last) {
  for (size_t i = 0; i < last.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(last[i]);
    if (byte != 0xff) return absl::StrCat(last.substr(0, i), std::string(1, static_cast<char>(byte + 1)));
  }
  return std::string(last);
}

std::string RestartArray(const std::vector<uint32_t>& restarts) {
  std::string bytes;
  for (const uint32_t restart : restarts) AppendFixed32(restart, &bytes);
  AppendFixed32(static_cast<uint32_t>(restarts.size()), &bytes);
  return bytes;
}

}  // namespace

// Counts what a value writes into the current block.
class TableWriter::BlockSink final : public ByteSink {
 public:
  explicit BlockSink(TableWriter* writer) : writer_(*writer) {}
  absl::Status Append(absl::string_view bytes) override { return writer_.Append(bytes); }

 private:
  TableWriter& writer_;
};

absl::Status TableWriter::Append(absl::string_view bytes) {
  crc_ = ExtendCrc32c(crc_, bytes);
  block_bytes_ += bytes.size();
  return sink_.Append(bytes);
}

// Type, checksum and the place of a block whose contents are written.
absl::Status TableWriter::EndBlock(std::string* handle) {
  handle->clear();
  AppendVarint(offset_, handle);
  AppendVarint(block_bytes_, handle);
  RETURN_IF_ERROR(Append(absl::string_view("\0", 1)));  // Not compressed.
  std::string crc;
  AppendFixed32(MaskCrc(crc_), &crc);
  RETURN_IF_ERROR(Append(crc));
  offset_ += block_bytes_;
  block_bytes_ = 0;
  crc_ = 0;
  return absl::OkStatus();
}

absl::Status TableWriter::WriteBlock(absl::string_view contents, std::string* handle) {
  RETURN_IF_ERROR(Append(contents));
  return EndBlock(handle);
}

absl::Status TableWriter::Flush() {
  if (block_bytes_ == 0) return absl::OkStatus();
  RETURN_IF_ERROR(Append(RestartArray(restarts_)));
  RETURN_IF_ERROR(EndBlock(&waiting_handle_));
  restarts_ = {0};
  since_restart_ = 0;
  return absl::OkStatus();
}

void TableWriter::AddIndexEntry(absl::string_view key) {
  index_restarts_.push_back(static_cast<uint32_t>(index_.size()));
  AppendVarint(0, &index_);
  AppendVarint(key.size(), &index_);
  AppendVarint(waiting_handle_.size(), &index_);
  absl::StrAppend(&index_, key, waiting_handle_);
  waiting_handle_.clear();
}

absl::Status TableWriter::Add(absl::string_view key, uint64_t value_bytes, WriteValue write) {
  if (!empty_ && key <= last_key_) {
    return absl::InvalidArgumentError(absl::StrCat("key '", absl::Utf8SafeCHexEscape(key),
                                                   "' of a table is not above '",
                                                   absl::Utf8SafeCHexEscape(last_key_), "'"));
  }
  if (value_bytes > std::numeric_limits<uint32_t>::max() - key.size()) {
    return absl::InvalidArgumentError(absl::StrCat("a table's entry cannot hold ", value_bytes, " bytes"));
  }
  // TensorFlow's builder has this rule of its own.
  if (!empty_ && key.size() + value_bytes >= 2 * kBlockBytes) RETURN_IF_ERROR(Flush());
  if (!waiting_handle_.empty()) AddIndexEntry(Separator(last_key_, key));
  size_t shared = 0;
  if (since_restart_ < kRestartInterval) {
    if (block_bytes_ != 0) shared = CommonPrefix(last_key_, key);
  } else {
    // A block that has an entry ends before 256 KiB, so 32 bits say it.
    restarts_.push_back(static_cast<uint32_t>(block_bytes_));
    since_restart_ = 0;
  }
  std::string head;
  AppendVarint(shared, &head);
  AppendVarint(key.size() - shared, &head);
  AppendVarint(value_bytes, &head);
  absl::StrAppend(&head, key.substr(shared));
  RETURN_IF_ERROR(Append(head));
  const uint64_t before = block_bytes_;
  BlockSink sink(this);
  RETURN_IF_ERROR(write(sink));
  if (block_bytes_ - before != value_bytes) {
    return absl::InternalError(absl::StrCat("the value of '", absl::Utf8SafeCHexEscape(key), "' has ",
                                            block_bytes_ - before, " bytes instead of ", value_bytes));
  }
  last_key_ = std::string(key);
  empty_ = false;
  ++since_restart_;
  const uint64_t estimate = block_bytes_ + 4 * restarts_.size() + 4;
  return estimate >= kBlockBytes ? Flush() : absl::OkStatus();
}

absl::Status TableWriter::Add(absl::string_view key, absl::string_view value) {
  return Add(key, value.size(), [&](ByteSink& sink) { return sink.Append(value); });
}

absl::Status TableWriter::Finish() {
  RETURN_IF_ERROR(Flush());
  std::string footer;
  RETURN_IF_ERROR(WriteBlock(RestartArray({0}), &footer));
  if (!waiting_handle_.empty()) AddIndexEntry(Successor(last_key_));
  if (index_restarts_.empty()) index_restarts_.push_back(0);
  std::string index_handle;
  RETURN_IF_ERROR(WriteBlock(absl::StrCat(index_, RestartArray(index_restarts_)), &index_handle));
  footer += index_handle;
  footer.resize(kFooterHandlesBytes);
  AppendFixed64(kTableMagic, &footer);
  return Append(footer);
}

}  // namespace cryograph
