// Writes sorted string tables: the index of a V2 checkpoint, or a whole V1 checkpoint. Byte for byte what
// TensorFlow's table builder makes of the same entries.
#ifndef CRYOGRAPH_CHECKPOINT_TABLE_WRITER_H_
#define CRYOGRAPH_CHECKPOINT_TABLE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"

namespace cryograph {

// Bytes go to the sink as they come: of a value of any size nothing is held. Call order: Add for each entry
// in the order of keys, Finish. The first error is final.
class TableWriter {
 public:
  // A value is written by a function that appends exactly the bytes that were announced.
  using WriteValue = absl::FunctionRef<absl::Status(ByteSink& sink)>;

  // The table begins where the sink is. The sink must outlive the writer.
  explicit TableWriter(ByteSink* sink) : sink_(*sink) {}

  // InvalidArgument: the key is not above the one before, or the value has 4 GiB or more, which no entry can
  // say. Internal: `write` appended more or less than `value_bytes`.
  absl::Status Add(absl::string_view key, uint64_t value_bytes, WriteValue write);
  absl::Status Add(absl::string_view key, absl::string_view value);

  // Writes the index and the footer.
  absl::Status Finish();

  // Bytes written so far.
  uint64_t size() const { return offset_ + block_bytes_; }

 private:
  class BlockSink;

  absl::Status Append(absl::string_view bytes);
  absl::Status EndBlock(std::string* handle);
  absl::Status WriteBlock(absl::string_view contents, std::string* handle);
  absl::Status Flush();
  void AddIndexEntry(absl::string_view key);

  ByteSink& sink_;
  uint64_t offset_ = 0;  // Of the current block.

  // The current block: what of it is written, and what its end will say.
  uint64_t block_bytes_ = 0;
  uint32_t crc_ = 0;
  std::vector<uint32_t> restarts_ = {0};
  int since_restart_ = 0;
  std::string last_key_;
  bool empty_ = true;  // No entry was added yet.

  // The index block. The entry of a finished block waits for the next key.
  std::string index_;
  std::vector<uint32_t> index_restarts_;
  std::string waiting_handle_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_TABLE_WRITER_H_
