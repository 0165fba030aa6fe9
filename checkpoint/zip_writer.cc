#include <isa-l/crc.h>
#include <zlib.h>

#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/zip.h"

namespace cryograph {
namespace {

constexpr uint32_t kMax32 = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50, kEndSignature = 0x06054b50,
                   kEnd64Signature = 0x06064b50, kLocator64Signature = 0x07064b50;
constexpr uint16_t kVersionPlain = 20, kVersion64 = 45;
constexpr uint16_t kMadeByUnix = 3 << 8;
constexpr uint16_t kDate = 1 << 5 | 1;  // 1980-01-01
constexpr uint32_t kMode = 0100644;     // A regular file, rw-r--r--.
constexpr uint64_t kCrcOffset = 14;     // In a local header.

void AppendFixed16(uint16_t value, std::string* out) {
  out->push_back(static_cast<char>(value & 0xff));
  out->push_back(static_cast<char>(value >> 8));
}

uint32_t Capped(uint64_t value) { return value < kMax32 ? static_cast<uint32_t>(value) : kMax32; }

bool IsAscii(absl::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// What local and central headers have in common, from the version on.
void AppendCommon(absl::string_view name, uint64_t size, uint32_t crc, bool large, size_t extra_bytes,
                  std::string* out) {
  AppendFixed16(large ? kVersion64 : kVersionPlain, out);
  AppendFixed16(IsAscii(name) ? 0 : 1 << 11, out);  // Bit 11: the name is UTF-8.
  AppendFixed16(0, out);                            // Stored.
  AppendFixed16(0, out);                            // 00:00
  AppendFixed16(kDate, out);
  AppendFixed32(crc, out);
  AppendFixed32(Capped(size), out);
  AppendFixed32(Capped(size), out);
  AppendFixed16(static_cast<uint16_t>(name.size()), out);
  AppendFixed16(static_cast<uint16_t>(extra_bytes), out);
}

// The extra field with 64-bit numbers.
std::string Extra64(std::initializer_list<uint64_t> numbers) {
  std::string extra;
  AppendFixed16(1, &extra);
  AppendFixed16(static_cast<uint16_t>(8 * numbers.size()), &extra);
  for (const uint64_t number : numbers) AppendFixed64(number, &extra);
  return extra;
}

}  // namespace

uint32_t ExtendCrc32(uint32_t crc, absl::string_view bytes) {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

absl::Status ZipWriter::Begin(absl::string_view name, uint64_t size) {
  if (name.empty() || name.size() > std::numeric_limits<uint16_t>::max() || !IsUtf8(name)) {
    return absl::InvalidArgumentError(absl::StrCat("'", absl::Utf8SafeCHexEscape(name.substr(0, 200)),
                                                   "' cannot be a name in a zip archive: ",
                                                   name.empty()   ? "it is empty"
                                                   : IsUtf8(name) ? "it is too long"
                                                                  : "it is not UTF-8"));
  }
  Member member;
  member.name = std::string(name);
  member.size = size;
  member.offset = static_cast<uint64_t>(file_.size());
  written_ = 0;
  const std::string extra = size >= kMax32 ? Extra64({size, size}) : "";
  std::string header;
  AppendFixed32(kLocalSignature, &header);
  AppendCommon(name, size, 0, size >= kMax32, extra.size(), &header);
  members_.push_back(std::move(member));
  return file_.Append(absl::StrCat(header, name, extra));
}

uint32_t ZipWriter::OwnSum(absl::string_view bytes) const { return ExtendCrc32(0, bytes); }

absl::Status ZipWriter::Append(absl::string_view bytes) { return AppendSummed(bytes, {0, OwnSum(bytes)}); }

absl::Status ZipWriter::AppendSummed(absl::string_view bytes, const PieceSums& sums) {
  uint32_t& crc = members_.back().crc;
  crc = static_cast<uint32_t>(crc32_combine(crc, sums.own, static_cast<z_off_t>(bytes.size())));
  written_ += bytes.size();
  return file_.Append(bytes);
}

absl::Status ZipWriter::End() {
  const Member& member = members_.back();
  if (written_ != member.size) {
    return absl::InternalError(absl::StrCat("member '", member.name, "' of an archive got ", written_,
                                            " bytes instead of ", member.size));
  }
  std::string crc;
  AppendFixed32(member.crc, &crc);
  return file_.Overwrite(static_cast<int64_t>(member.offset + kCrcOffset), crc);
}

absl::Status ZipWriter::Finish() {
  const uint64_t begin = static_cast<uint64_t>(file_.size());
  for (const Member& member : members_) {
    const bool large = member.size >= kMax32 || member.offset >= kMax32;
    std::string extra;
    if (member.size >= kMax32 && member.offset >= kMax32) {
      extra = Extra64({member.size, member.size, member.offset});
    } else if (member.size >= kMax32) {
      extra = Extra64({member.size, member.size});
    } else if (large) {
      extra = Extra64({member.offset});
    }
    std::string header;
    AppendFixed32(kCentralSignature, &header);
    AppendFixed16(kMadeByUnix | (large ? kVersion64 : kVersionPlain), &header);
    AppendCommon(member.name, member.size, member.crc, large, extra.size(), &header);
    AppendFixed16(0, &header);  // No comment,
    AppendFixed16(0, &header);  // on the first disk,
    AppendFixed16(0, &header);  // no text.
    AppendFixed32(kMode << 16, &header);
    AppendFixed32(Capped(member.offset), &header);
    RETURN_IF_ERROR(file_.Append(absl::StrCat(header, member.name, extra)));
  }
  const uint64_t end = static_cast<uint64_t>(file_.size()), count = members_.size();
  std::string tail;
  constexpr uint64_t kMax16 = std::numeric_limits<uint16_t>::max();
  if (count >= kMax16 || begin >= kMax32 || end - begin >= kMax32) {
    AppendFixed32(kEnd64Signature, &tail);
    AppendFixed64(44, &tail);  // Bytes that follow in this record.
    AppendFixed16(kMadeByUnix | kVersion64, &tail);
    AppendFixed16(kVersion64, &tail);
    AppendFixed64(0, &tail);  // This disk and that of the directory.
    AppendFixed64(count, &tail);
    AppendFixed64(count, &tail);
    AppendFixed64(end - begin, &tail);
    AppendFixed64(begin, &tail);
    AppendFixed32(kLocator64Signature, &tail);
    AppendFixed32(0, &tail);
    AppendFixed64(end, &tail);
    AppendFixed32(1, &tail);
  }
  AppendFixed32(kEndSignature, &tail);
  AppendFixed32(0, &tail);
  const uint16_t capped_count = static_cast<uint16_t>(count < kMax16 ? count : kMax16);
  AppendFixed16(capped_count, &tail);
  AppendFixed16(capped_count, &tail);
  AppendFixed32(Capped(end - begin), &tail);
  AppendFixed32(Capped(begin), &tail);
  AppendFixed16(0, &tail);
  return file_.Append(tail);
}

}  // namespace cryograph
