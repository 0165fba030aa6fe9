// The record file format "Riegeli/records", as far as chunked SavedModels use it: blocks, chunks, their
// places. What is read and written: base/record_file_reader.h, base/record_file_writer.h.
#ifndef CRYOGRAPH_BASE_RECORD_FILE_H_
#define CRYOGRAPH_BASE_RECORD_FILE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/highway_hash.h"

namespace cryograph::record_file {

// The file is cut in blocks. Each begins with a header: u64 hash of the rest of it, u64 distance back to the
// start of the chunk that the block interrupts, u64 distance to that chunk's end.
inline constexpr uint64_t kBlockSize = 65536;
inline constexpr uint64_t kBlockHeaderSize = 24;
// u64 hash of the rest of it, u64 size of the data, u64 hash of the data, u8 type, u56 number of records, u64
// size of the records before compression.
inline constexpr uint64_t kChunkHeaderSize = 40;

enum ChunkType : char {
  kSignatureChunk = 's',
  kRecordChunk = 'r',
  kMetadataChunk = 'm',
  kPaddingChunk = 'p',
  kTransposedChunk = 't'
};
enum Compression : char { kNone = 0, kBrotli = 'b', kZstd = 'z', kSnappy = 's' };

inline constexpr HighwayHash64::Key kHashKey = {0x2f696c6567656952, 0x0a7364726f636572, 0x2f696c6567656952,
                                                0x0a7364726f636572};
inline uint64_t Hash(absl::string_view bytes) {
  HighwayHash64 hash(kHashKey);
  hash.Append(bytes);
  return hash.Finish();
}

// Position in the file behind `size` bytes of a chunk that starts at `begin`, the headers of blocks counted
// in.
constexpr uint64_t PositionAfter(uint64_t begin, uint64_t size) {
  constexpr uint64_t kUsable = kBlockSize - kBlockHeaderSize;
  return begin + size + (size + (begin + kUsable - 1) % kBlockSize) / kUsable * kBlockHeaderSize;
}

// Where the next chunk starts: behind the data and behind the positions that number the records, and neither
// inside nor right behind the header of a block.
constexpr uint64_t ChunkEnd(uint64_t begin, uint64_t data_size, uint64_t num_records) {
  const uint64_t behind_data = PositionAfter(begin, kChunkHeaderSize + data_size);
  const uint64_t end = behind_data > begin + num_records ? behind_data : begin + num_records;
  const uint64_t in_block = end % kBlockSize;
  return in_block == 0 || in_block > kBlockHeaderSize ? end : end - in_block + kBlockHeaderSize + 1;
}

}  // namespace cryograph::record_file

#endif  // CRYOGRAPH_BASE_RECORD_FILE_H_
