// Writes record files of the format "Riegeli/records" (base/record_file.h).
#ifndef CRYOGRAPH_BASE_RECORD_FILE_WRITER_H_
#define CRYOGRAPH_BASE_RECORD_FILE_WRITER_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"

namespace cryograph {

// Each record becomes a chunk of its own. `sink` must outlive the writer and take bytes from nobody else. The
// file is complete after each call.
class RecordFileWriter {
 public:
  enum class Compression { kNone, kBrotli };
  RecordFileWriter(ByteSink* sink, Compression compression) : sink_(*sink), compression_(compression) {}

  // Appends a record; the result is its position, by which an index names it. The first call also signs the
  // file.
  absl::StatusOr<uint64_t> Append(absl::string_view record);

  // The same for a record of `size` bytes that is never in memory: `write` appends it to a sink, and is
  // called twice, since the hash of the record stands before it. Not compressed.
  absl::StatusOr<uint64_t> Append(uint64_t size, absl::FunctionRef<absl::Status(ByteSink&)> write);

 private:
  class ChunkSink;
  absl::Status Sign();
  absl::StatusOr<uint64_t> AppendChunk(char type, uint64_t num_records, uint64_t decoded_size,
                                       absl::string_view head, uint64_t size,
                                       absl::FunctionRef<absl::Status(ByteSink&)> write);

  ByteSink& sink_;
  const Compression compression_;
  uint64_t position_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_RECORD_FILE_WRITER_H_
