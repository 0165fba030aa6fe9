#include "base/record_file_reader.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/record_file.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "brotli/decode.h"
#include "snappy.h"

namespace cryograph {
namespace {

using record_file::kBlockHeaderSize;
using record_file::kBlockSize;
using record_file::kChunkHeaderSize;

// A chunk may claim so much without further ado; beyond it, its compressed size must make the claim likely.
constexpr uint64_t kFreeSize = uint64_t{64} << 20;
constexpr uint64_t kLargestRatio = 1024;

}  // namespace

absl::Status RecordFileReader::Error(uint64_t position, absl::string_view what) const {
  return absl::DataLossError(absl::StrCat(where_, ": at byte ", position, ": ", what));
}

absl::StatusOr<RecordFileReader> RecordFileReader::Open(absl::string_view file, absl::string_view where) {
  RecordFileReader reader(file, where);
  RETURN_IF_ERROR(reader.Scan());
  return reader;
}

absl::StatusOr<std::string> RecordFileReader::Gather(uint64_t begin, uint64_t skip, uint64_t size) const {
  const uint64_t total = file_.size();
  if (size > total || record_file::PositionAfter(begin, skip + size) > total) {
    return Error(begin, absl::StrCat("a chunk of ", size,
                                     " bytes reaches beyond the end of the file, which has ", total));
  }
  std::string result;
  result.reserve(size);
  uint64_t position = begin;
  for (uint64_t left = skip + size; left > 0;) {
    if (position % kBlockSize == 0) {
      const absl::string_view header = file_.substr(position, kBlockHeaderSize);
      if (LoadFixed64(header.data()) != record_file::Hash(header.substr(8))) {
        return Error(position, "the header of a block does not have the hash that it claims");
      }
      position += kBlockHeaderSize;
    }
    const uint64_t piece = std::min(left, kBlockSize - position % kBlockSize);
    const uint64_t skipped = std::min(skip, piece);
    result.append(file_.data() + position + skipped, piece - skipped);
    skip -= skipped;
    left -= piece;
    position += piece;
  }
  return result;
}

absl::Status RecordFileReader::Scan() {
  uint64_t position = 0;
  while (position < file_.size()) {
    ASSIGN_OR_RETURN(const std::string header, Gather(position, 0, kChunkHeaderSize));
    if (LoadFixed64(header.data()) != record_file::Hash(absl::string_view(header).substr(8))) {
      return Error(position, "the header of a chunk does not have the hash that it claims");
    }
    Chunk chunk;
    chunk.begin = position;
    chunk.data_size = LoadFixed64(header.data() + 8);
    chunk.data_hash = LoadFixed64(header.data() + 16);
    const uint64_t type_and_records = LoadFixed64(header.data() + 24);
    chunk.type = static_cast<char>(type_and_records & 0xff);
    chunk.num_records = type_and_records >> 8;
    chunk.decoded_size = LoadFixed64(header.data() + 32);
    if (chunk.data_size > file_.size() ||
        record_file::PositionAfter(position, kChunkHeaderSize + chunk.data_size) > file_.size()) {
      return Error(position, absl::StrCat("a chunk says that it has ", chunk.data_size,
                                          " bytes, which reaches beyond the end of the file, which has ",
                                          file_.size()));
    }
    if (position == 0 && chunk.type != record_file::kSignatureChunk) {
      return Error(position, "the file does not begin with the chunk that signs a record file");
    }
    position = record_file::ChunkEnd(position, chunk.data_size, chunk.num_records);
    if (chunk.type == record_file::kRecordChunk || chunk.type == record_file::kTransposedChunk) {
      if (chunk.num_records > 0) chunks_.push_back(chunk);
    }
  }
  if (file_.empty()) return Error(0, "the file is empty");
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RecordFileReader::LastRecord() const {
  if (chunks_.empty()) return absl::NotFoundError(absl::StrCat(where_, ": the file holds no record"));
  return chunks_.back().begin + chunks_.back().num_records - 1;
}

absl::StatusOr<std::string> RecordFileReader::Record(uint64_t position) {
  auto chunk = std::upper_bound(chunks_.begin(), chunks_.end(), position,
                                [](uint64_t at, const Chunk& each) { return at < each.begin; });
  if (chunk == chunks_.begin() || position - (chunk - 1)->begin >= (chunk - 1)->num_records) {
    return Error(position, "there is no record of that position");
  }
  --chunk;
  RETURN_IF_ERROR(Decode(*chunk));
  const size_t index = static_cast<size_t>(position - chunk->begin);
  const uint64_t begin = index == 0 ? 0 : ends_[index - 1];
  if (ends_.size() > 1) return values_.substr(begin, ends_[index] - begin);
  decoded_ = ~uint64_t{0};
  return std::move(values_);
}

absl::StatusOr<std::string> RecordFileReader::Decompress(const Chunk& chunk, char compression,
                                                         absl::string_view bytes) const {
  if (compression == record_file::kZstd) {
    return absl::UnimplementedError(absl::StrCat(where_, ": at byte ", chunk.begin,
                                                 ": a chunk is compressed with zstd, which is not read"));
  }
  uint64_t size = 0;
  if (!ReadVarint(&bytes, &size)) return Error(chunk.begin, "compressed data without its size");
  if (compression == record_file::kSnappy) {
    size_t claimed = 0;
    if (!snappy::GetUncompressedLength(bytes.data(), bytes.size(), &claimed) || claimed != size ||
        size > 22 * uint64_t{bytes.size()} + 64) {
      return Error(chunk.begin, "the size of snappy data is not what its chunk says");
    }
    std::string result;
    if (!snappy::Uncompress(bytes.data(), bytes.size(), &result)) {
      return Error(chunk.begin, "the snappy data is damaged");
    }
    return result;
  }
  if (compression != record_file::kBrotli) {
    return absl::UnimplementedError(absl::StrCat(where_, ": at byte ", chunk.begin, ": unknown compression ",
                                                 static_cast<int>(static_cast<unsigned char>(compression))));
  }
  if (size > kFreeSize && size / kLargestRatio > bytes.size()) {
    return absl::ResourceExhaustedError(absl::StrCat(where_, ": at byte ", chunk.begin, ": ", bytes.size(),
                                                     " bytes of brotli data say that they expand to ", size));
  }
  BrotliDecoderState* const state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  if (state == nullptr) return absl::ResourceExhaustedError("no memory for the brotli decoder");
  const absl::Cleanup destroy = [state] { BrotliDecoderDestroyInstance(state); };
  std::string result;
  size_t available_in = bytes.size();
  const uint8_t* next_in = reinterpret_cast<const uint8_t*>(bytes.data());
  while (true) {
    // Memory grows with what was really there, not with what is claimed.
    const size_t done = result.size();
    result.resize(std::min<uint64_t>(size, std::max<uint64_t>(2 * done, kBlockSize)));
    size_t available_out = result.size() - done;
    uint8_t* next_out = reinterpret_cast<uint8_t*>(&result[0]) + done;
    const BrotliDecoderResult status =
        BrotliDecoderDecompressStream(state, &available_in, &next_in, &available_out, &next_out, nullptr);
    const bool full = result.size() == size;
    result.resize(result.size() - available_out);
    if (status == BROTLI_DECODER_RESULT_SUCCESS && available_in == 0 && result.size() == size) return result;
    if (status != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT || full) {
      return Error(chunk.begin, absl::StrCat("the brotli data is damaged, or not of the ", size,
                                             " bytes that its chunk says"));
    }
  }
}

absl::Status RecordFileReader::Decode(const Chunk& chunk) {
  if (decoded_ == chunk.begin) return absl::OkStatus();
  decoded_ = ~uint64_t{0};
  if (chunk.type == record_file::kTransposedChunk) {
    return absl::UnimplementedError(absl::StrCat(where_, ": at byte ", chunk.begin,
                                                 ": a chunk has the transposed form, which is not read"));
  }
  ASSIGN_OR_RETURN(std::string data, Gather(chunk.begin, kChunkHeaderSize, chunk.data_size));
  if (record_file::Hash(data) != chunk.data_hash) {
    return Error(chunk.begin, "the data of a chunk does not have the hash that its header says");
  }
  absl::string_view rest = data;
  if (rest.empty()) return Error(chunk.begin, "a chunk of records without content");
  const char compression = rest[0];
  rest.remove_prefix(1);
  uint64_t sizes_size = 0;
  if (!ReadVarint(&rest, &sizes_size) || sizes_size > rest.size()) {
    return Error(chunk.begin, "the list of record sizes reaches beyond its chunk");
  }
  absl::string_view sizes = rest.substr(0, sizes_size);
  rest.remove_prefix(sizes_size);
  std::string sizes_buffer;
  if (compression == record_file::kNone) {
    const size_t prefix = data.size() - rest.size();
    sizes_buffer = std::string(sizes);
    data.erase(0, prefix);
    values_ = std::move(data);
  } else {
    ASSIGN_OR_RETURN(sizes_buffer, Decompress(chunk, compression, sizes));
    ASSIGN_OR_RETURN(values_, Decompress(chunk, compression, rest));
  }
  if (values_.size() != chunk.decoded_size || chunk.num_records > sizes_buffer.size()) {
    return Error(chunk.begin,
                 absl::StrCat("a chunk holds ", values_.size(), " bytes of records, but its header says ",
                              chunk.num_records, " records of ", chunk.decoded_size, " bytes"));
  }
  ends_.clear();
  sizes = sizes_buffer;
  uint64_t end = 0;
  for (uint64_t i = 0; i < chunk.num_records; ++i) {
    uint64_t size = 0;
    if (!ReadVarint(&sizes, &size) || size > values_.size() - end) {
      return Error(chunk.begin, absl::StrCat("the size of record ", i, " does not fit its chunk"));
    }
    end += size;
    ends_.push_back(end);
  }
  if (!sizes.empty() || end != values_.size()) {
    return Error(chunk.begin, "the sizes of the records do not add up to their chunk");
  }
  decoded_ = chunk.begin;
  return absl::OkStatus();
}

}  // namespace cryograph
