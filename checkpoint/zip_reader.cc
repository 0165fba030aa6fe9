#include <zlib.h>

#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/zip.h"

namespace cryograph {
namespace {

constexpr size_t kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20, kCentralBytes = 46, kLocalBytes = 30;
constexpr size_t kMaxComment = 65535;
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr size_t kChunk = 1 << 20;
constexpr uint32_t kMax32 = std::numeric_limits<uint32_t>::max();

uint16_t Load16(absl::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(bytes[at]) |
                               static_cast<unsigned char>(bytes[at + 1]) << 8);
}
uint32_t Load32(absl::string_view bytes, size_t at) { return LoadFixed32(bytes.data() + at); }
uint64_t Load64(absl::string_view bytes, size_t at) { return LoadFixed64(bytes.data() + at); }

bool IsSignature(absl::string_view bytes, size_t at, char third, char fourth) {
  return bytes.size() - at >= 4 && bytes[at] == 'P' && bytes[at + 1] == 'K' && bytes[at + 2] == third &&
         bytes[at + 3] == fourth;
}

// zlib's state, released at the end.
class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Unpacks into `out` and returns how many bytes; *done at the end of the data. -1: it is damaged.
  int64_t Next(absl::string_view* in, char* out, size_t size, bool* done) {
    if (!ready_) return -1;
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0 && !*done) {
      const size_t take = std::min<size_t>(in->size(), kChunk);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in->data()));
      stream_.avail_in = static_cast<uInt>(take);
      const uInt space = stream_.avail_out;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      const size_t used = take - stream_.avail_in;
      in->remove_prefix(used);
      *done = result == Z_STREAM_END;
      if (result != Z_OK && !*done) return -1;
      if (!*done && used == 0 && stream_.avail_out == space) return -1;
    }
    return static_cast<int64_t>(size - stream_.avail_out);
  }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ZipReader>> ZipReader::Open(std::shared_ptr<const MappedFile> file) {
  auto reader = std::unique_ptr<ZipReader>(new ZipReader(std::move(file)));
  const absl::Status status = reader->ReadDirectory();
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat(reader->file_->path(), ": ", status.message()));
  }
  return reader;
}

absl::Status ZipReader::ReadDirectory() {
  const absl::string_view all = file_->bytes();
  if (all.size() < kEndBytes) return absl::DataLossError("too short for a zip archive");
  size_t end = all.size() - kEndBytes;
  const size_t first = end > kMaxComment ? end - kMaxComment : 0;
  for (;; --end) {
    if (IsSignature(all, end, 5, 6) && Load16(all, end + 20) == all.size() - end - kEndBytes) break;
    if (end == first) {
      return absl::DataLossError(
          "the directory at the end of the zip archive is missing: the file is cut, or no zip archive");
    }
  }
  uint64_t count = Load16(all, end + 10), size = Load32(all, end + 12), offset = Load32(all, end + 16);
  if (Load16(all, end + 4) != 0 && Load16(all, end + 4) != 0xffff) {
    return absl::InvalidArgumentError("the zip archive is one of several volumes");
  }
  uint64_t limit = end;  // Where the directory ends.
  if (end >= kLocator64Bytes && IsSignature(all, end - kLocator64Bytes, 6, 7)) {
    const uint64_t at = Load64(all, end - kLocator64Bytes + 8);
    if (at > end || end - at < kEnd64Bytes + kLocator64Bytes || !IsSignature(all, at, 6, 6)) {
      return absl::DataLossError(absl::StrCat("the large directory's end at offset ", at, " is not there"));
    }
    count = Load64(all, at + 32);
    size = Load64(all, at + 40);
    offset = Load64(all, at + 48);
    limit = at;
  }
  if (offset > limit || size > limit - offset) {
    return absl::DataLossError(
        absl::StrCat("the directory (", size, " bytes at offset ", offset, ") reaches out of the file"));
  }
  absl::string_view rest = all.substr(static_cast<size_t>(offset), static_cast<size_t>(size));
  if (count > size / kCentralBytes) {
    return absl::DataLossError(absl::StrCat("the directory has no room for ", count, " members"));
  }
  for (uint64_t i = 0; i < count; ++i) RETURN_IF_ERROR(AddMember(&rest));
  std::set<absl::string_view> names;
  for (const Member& member : members_) {
    if (!names.insert(member.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("two members have the name '", absl::Utf8SafeCHexEscape(member.name), "'"));
    }
  }
  return absl::OkStatus();
}

absl::Status ZipReader::AddMember(absl::string_view* rest) {
  const size_t at = static_cast<size_t>(rest->data() - file_->bytes().data());
  if (rest->size() < kCentralBytes || !IsSignature(*rest, 0, 1, 2)) {
    return absl::DataLossError(absl::StrCat("the directory's entry at offset ", at, " is damaged"));
  }
  const absl::string_view header = rest->substr(0, kCentralBytes);
  const size_t name_size = Load16(header, 28), extra_size = Load16(header, 30),
               comment_size = Load16(header, 32);
  if (rest->size() - kCentralBytes < name_size + extra_size + comment_size) {
    return absl::DataLossError(absl::StrCat("the directory's entry at offset ", at, " is cut"));
  }
  Member member;
  member.name = std::string(rest->substr(kCentralBytes, name_size));
  absl::string_view extra = rest->substr(kCentralBytes + name_size, extra_size);
  rest->remove_prefix(kCentralBytes + name_size + extra_size + comment_size);
  const uint16_t flags = Load16(header, 8), method = Load16(header, 10);
  member.crc = Load32(header, 16);
  member.packed = Load32(header, 20);
  member.size = Load32(header, 24);
  uint64_t header_offset = Load32(header, 42);
  const bool large_size = member.size == kMax32, large_packed = member.packed == kMax32,
             large_offset = header_offset == kMax32;
  while (extra.size() >= 4) {
    const size_t field_size = Load16(extra, 2);
    if (field_size > extra.size() - 4) break;
    absl::string_view field = extra.substr(4, field_size);
    if (Load16(extra, 0) == 1) {
      for (uint64_t* number : {large_size ? &member.size : nullptr, large_packed ? &member.packed : nullptr,
                               large_offset ? &header_offset : nullptr}) {
        if (number == nullptr || field.size() < 8) continue;
        *number = Load64(field, 0);
        field.remove_prefix(8);
      }
    }
    extra.remove_prefix(4 + field_size);
  }
  const std::string where = absl::StrCat("member '", absl::Utf8SafeCHexEscape(member.name), "' ");
  if ((flags & 1) != 0) return absl::InvalidArgumentError(absl::StrCat(where, "is encrypted"));
  if (method != 0 && method != 8) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, "is compressed by method ", method, "; stored (0) and deflate (8) are known"));
  }
  member.deflated = method == 8;
  if (absl::EndsWith(member.name, "/") && member.size == 0) return absl::OkStatus();
  if (!member.deflated && member.size != member.packed) {
    return absl::DataLossError(
        absl::StrCat(where, "has ", member.packed, " stored bytes instead of ", member.size));
  }
  if (member.deflated && member.size / kMaxDeflateRatio > member.packed) {
    return absl::DataLossError(absl::StrCat(where, "claims to unpack from ", member.packed, " to ",
                                            member.size, " bytes, which is not possible"));
  }
  RETURN_IF_ERROR(FindContents(&member, header_offset));
  members_.push_back(std::move(member));
  return absl::OkStatus();
}

absl::Status ZipReader::FindContents(Member* member, uint64_t header_offset) const {
  const absl::string_view all = file_->bytes();
  const std::string where =
      absl::StrCat("member '", absl::Utf8SafeCHexEscape(member->name), "' at offset ", header_offset, " ");
  if (header_offset > all.size() || all.size() - header_offset < kLocalBytes ||
      !IsSignature(all, static_cast<size_t>(header_offset), 3, 4)) {
    return absl::DataLossError(absl::StrCat(where, "is not there"));
  }
  const size_t at = static_cast<size_t>(header_offset);
  member->offset = header_offset + kLocalBytes + Load16(all, at + 26) + Load16(all, at + 28);
  if (member->offset > all.size() || member->packed > all.size() - member->offset) {
    return absl::DataLossError(
        absl::StrCat(where, "has ", member->packed, " bytes, which reach out of the file"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ZipReader::Beginning(const Member& member, size_t count) const {
  absl::string_view in = Stored(member);
  if (!member.deflated) return std::string(in.substr(0, count));
  std::string out(static_cast<size_t>(std::min<uint64_t>(count, member.size)), '\0');
  Inflater inflater;
  bool done = false;
  const int64_t got = inflater.Next(&in, out.data(), out.size(), &done);
  if (got < 0) {
    return absl::DataLossError(absl::StrCat(file_->path(), ": member '",
                                            absl::Utf8SafeCHexEscape(member.name), "' cannot be unpacked"));
  }
  out.resize(static_cast<size_t>(got));
  return out;
}

absl::Status ZipReader::Write(const Member& member, uint64_t skip, ByteSink& sink) const {
  absl::string_view in = Stored(member);
  uint32_t crc = 0;
  uint64_t at = 0;
  const auto pass_on = [&](absl::string_view bytes) {
    crc = ExtendCrc32(crc, bytes);
    const uint64_t cut = std::min<uint64_t>(bytes.size(), skip > at ? skip - at : 0);
    at += bytes.size();
    return sink.Append(bytes.substr(static_cast<size_t>(cut)));
  };
  const auto damaged = [&](absl::string_view what) {
    return absl::DataLossError(absl::StrCat(file_->path(), ": member '",
                                            absl::Utf8SafeCHexEscape(member.name), "' at offset ",
                                            member.offset, " ", what));
  };
  if (!member.deflated) {
    while (!in.empty()) {
      const absl::string_view chunk = in.substr(0, 4 * kChunk);
      RETURN_IF_ERROR(pass_on(chunk));
      file_->Release(chunk);
      in.remove_prefix(chunk.size());
    }
  } else {
    Inflater inflater;
    std::string buffer(kChunk, '\0');
    bool done = false;
    while (!done) {
      const int64_t got = inflater.Next(&in, buffer.data(), buffer.size(), &done);
      if (got < 0) return damaged("cannot be unpacked");
      // More than it should be is told before it fills the disk.
      if (static_cast<uint64_t>(got) > member.size - at) return damaged("unpacks to more than its size");
      RETURN_IF_ERROR(pass_on(absl::string_view(buffer).substr(0, static_cast<size_t>(got))));
    }
  }
  if (at != member.size) return damaged(absl::StrCat("unpacks to ", at, " bytes instead of ", member.size));
  if (crc != member.crc) {
    return damaged(absl::StrCat("has the checksum ", absl::Hex(crc, absl::kZeroPad8), " instead of ",
                                absl::Hex(member.crc, absl::kZeroPad8)));
  }
  return absl::OkStatus();
}

}  // namespace cryograph
