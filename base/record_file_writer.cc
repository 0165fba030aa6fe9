#include "base/record_file_writer.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/record_file.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "brotli/encode.h"

namespace cryograph {
namespace {

using record_file::kBlockHeaderSize;
using record_file::kBlockSize;
using record_file::kChunkHeaderSize;

// What the format's own writer takes when nobody says otherwise.
constexpr int kBrotliQuality = 6;
constexpr int kBrotliWindow = 22;

class HashSink final : public ByteSink {
 public:
  HashSink() : hash_(record_file::kHashKey) {}
  absl::Status Append(absl::string_view bytes) override {
    hash_.Append(bytes);
    size_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t size() const { return size_; }
  uint64_t Finish() { return hash_.Finish(); }

 private:
  HighwayHash64 hash_;
  uint64_t size_ = 0;
};

// The compressed form of `bytes`, its size in front; empty if brotli cannot compress it at once.
std::string Compress(absl::string_view bytes) {
  std::string result;
  AppendVarint(bytes.size(), &result);
  const size_t prefix = result.size();
  size_t size = BrotliEncoderMaxCompressedSize(bytes.size());
  if (size == 0) return "";
  result.resize(prefix + size);
  if (BrotliEncoderCompress(kBrotliQuality, kBrotliWindow, BROTLI_MODE_GENERIC, bytes.size(),
                            reinterpret_cast<const uint8_t*>(bytes.data()), &size,
                            reinterpret_cast<uint8_t*>(&result[prefix])) == BROTLI_FALSE) {
    return "";
  }
  result.resize(prefix + size);
  return result;
}

}  // namespace

// Puts the headers of blocks between the bytes of a chunk.
class RecordFileWriter::ChunkSink final : public ByteSink {
 public:
  ChunkSink(ByteSink* sink, uint64_t begin, uint64_t end)
      : sink_(*sink), begin_(begin), end_(end), position_(begin) {}

  absl::Status Append(absl::string_view bytes) override {
    while (!bytes.empty()) {
      if (position_ % kBlockSize == 0) RETURN_IF_ERROR(AppendBlockHeader());
      const absl::string_view piece = bytes.substr(0, kBlockSize - position_ % kBlockSize);
      RETURN_IF_ERROR(sink_.Append(piece));
      position_ += piece.size();
      bytes.remove_prefix(piece.size());
    }
    return absl::OkStatus();
  }

  // Zeros up to the next chunk.
  absl::Status Pad() {
    while (position_ < end_) {
      if (position_ % kBlockSize == 0) {
        RETURN_IF_ERROR(AppendBlockHeader());
        continue;
      }
      const uint64_t count = std::min(end_ - position_, kBlockSize - position_ % kBlockSize);
      RETURN_IF_ERROR(sink_.Append(std::string(count, '\0')));
      position_ += count;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AppendBlockHeader() {
    std::string distances, header;
    AppendFixed64(position_ - begin_, &distances);
    AppendFixed64(end_ - position_, &distances);
    AppendFixed64(record_file::Hash(distances), &header);
    position_ += kBlockHeaderSize;
    return sink_.Append(header + distances);
  }

  ByteSink& sink_;
  const uint64_t begin_, end_;
  uint64_t position_;
};

absl::StatusOr<uint64_t> RecordFileWriter::AppendChunk(char type, uint64_t num_records, uint64_t decoded_size,
                                                       absl::string_view head, uint64_t size,
                                                       absl::FunctionRef<absl::Status(ByteSink&)> write) {
  HashSink hash;
  RETURN_IF_ERROR(hash.Append(head));
  RETURN_IF_ERROR(write(hash));
  if (hash.size() != head.size() + size) {
    return absl::InternalError(
        absl::StrCat("a record of ", size, " bytes was announced, and ", hash.size() - head.size(), " came"));
  }
  std::string fields, header;
  AppendFixed64(hash.size(), &fields);
  AppendFixed64(hash.Finish(), &fields);
  AppendFixed64(num_records << 8 | static_cast<unsigned char>(type), &fields);
  AppendFixed64(decoded_size, &fields);
  AppendFixed64(record_file::Hash(fields), &header);
  const uint64_t begin = position_;
  position_ = record_file::ChunkEnd(begin, head.size() + size, num_records);
  ChunkSink chunk(&sink_, begin, position_);
  RETURN_IF_ERROR(chunk.Append(header + fields));
  RETURN_IF_ERROR(chunk.Append(head));
  RETURN_IF_ERROR(write(chunk));
  RETURN_IF_ERROR(chunk.Pad());
  return begin;
}

absl::Status RecordFileWriter::Sign() {
  if (position_ != 0) return absl::OkStatus();
  return AppendChunk(record_file::kSignatureChunk, 0, 0, "", 0, [](ByteSink&) { return absl::OkStatus(); })
      .status();
}

absl::StatusOr<uint64_t> RecordFileWriter::Append(absl::string_view record) {
  std::string sizes;
  AppendVarint(record.size(), &sizes);
  const std::string sizes_packed = compression_ == Compression::kBrotli ? Compress(sizes) : "";
  const std::string packed = compression_ == Compression::kBrotli ? Compress(record) : "";
  if (packed.empty() || sizes_packed.empty()) {
    return Append(record.size(), [record](ByteSink& sink) { return sink.Append(record); });
  }
  RETURN_IF_ERROR(Sign());
  std::string head(1, record_file::kBrotli);
  AppendVarint(sizes_packed.size(), &head);
  head += sizes_packed;
  return AppendChunk(record_file::kRecordChunk, 1, record.size(), head, packed.size(),
                     [&packed](ByteSink& sink) { return sink.Append(packed); });
}

absl::StatusOr<uint64_t> RecordFileWriter::Append(uint64_t size,
                                                  absl::FunctionRef<absl::Status(ByteSink&)> write) {
  RETURN_IF_ERROR(Sign());
  std::string sizes, head(1, record_file::kNone);
  AppendVarint(size, &sizes);
  AppendVarint(sizes.size(), &head);
  head += sizes;
  return AppendChunk(record_file::kRecordChunk, 1, size, head, size, write);
}

}  // namespace cryograph
