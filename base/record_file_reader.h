// Reads record files of the format "Riegeli/records" (base/record_file.h): every hash checked, no length
// believed.
#ifndef CRYOGRAPH_BASE_RECORD_FILE_READER_H_
#define CRYOGRAPH_BASE_RECORD_FILE_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

class RecordFileReader {
 public:
  // Walks all chunk headers of `file`, which must outlive the reader. `where` (the file's name) opens every
  // message. DataLoss, with the byte offset, for a file that is cut, damaged, or none of that format.
  static absl::StatusOr<RecordFileReader> Open(absl::string_view file, absl::string_view where);

  // The record at `position`, which is that of its chunk plus its number there, as indexes of such files say
  // it. DataLoss: there is none, or its chunk is damaged. Unimplemented: transposed chunks, zstd.
  // ResourceExhausted: a chunk that claims to decompress to more than its size makes likely.
  absl::StatusOr<std::string> Record(uint64_t position);

  // Position of the last record. NotFound if there is none.
  absl::StatusOr<uint64_t> LastRecord() const;

 private:
  struct Chunk {
    uint64_t begin = 0, data_size = 0, data_hash = 0, num_records = 0, decoded_size = 0;
    char type = 0;
  };

  RecordFileReader(absl::string_view file, absl::string_view where) : file_(file), where_(where) {}
  absl::Status Scan();
  absl::Status Error(uint64_t position, absl::string_view what) const;
  // `size` bytes of the chunk at `begin`, from `skip` bytes behind its start, without the headers of blocks.
  absl::StatusOr<std::string> Gather(uint64_t begin, uint64_t skip, uint64_t size) const;
  absl::Status Decode(const Chunk& chunk);
  absl::StatusOr<std::string> Decompress(const Chunk& chunk, char compression, absl::string_view bytes) const;

  absl::string_view file_;
  std::string where_;
  std::vector<Chunk> chunks_;
  // The chunk that was decoded last: a caller that reads in order decodes each once.
  uint64_t decoded_ = ~uint64_t{0};
  std::string values_;
  std::vector<uint64_t> ends_;  // Of each record in values_.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_RECORD_FILE_READER_H_
