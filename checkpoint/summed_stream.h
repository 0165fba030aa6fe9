// Hands on the bytes of a file that must be checked, while a second thread sums them up: each byte is summed
// once.
#ifndef CRYOGRAPH_CHECKPOINT_SUMMED_STREAM_H_
#define CRYOGRAPH_CHECKPOINT_SUMMED_STREAM_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"

namespace cryograph {

// Checksums of a piece of a stream.
struct PieceSums {
  uint32_t crc32c = 0;
  uint32_t own = 0;  // Of the sink's own kind.
};

// A sink that needs the checksums of what it gets, and may get them with the bytes.
class SummedSink : public ByteSink {
 public:
  // A sum of another kind that the sink needs of each piece. Called in another thread, before the piece
  // comes.
  virtual uint32_t OwnSum(absl::string_view bytes) const;
  // As Append; `sums` are those of `bytes`.
  virtual absl::Status AppendSummed(absl::string_view bytes, const PieceSums& sums) = 0;
};

// Appends `wanted`, a part of `summed`, to `sink` (as a SummedSink if it is one), and gives the CRC-32C of
// all of `summed`, which lies in `file`; its pages are released behind. The caller compares: what the sink
// has before that is not checked. Errors are those of the sink, and *crc is then not set.
absl::Status StreamSummed(const MappedFile& file, absl::string_view summed, absl::string_view wanted,
                          ByteSink& sink, uint32_t* crc);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SUMMED_STREAM_H_
