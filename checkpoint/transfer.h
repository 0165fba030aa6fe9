// Writes tensors of checkpoints and array files into a new checkpoint: copy, convert, reshard, merge, import.
#ifndef CRYOGRAPH_CHECKPOINT_TRANSFER_H_
#define CRYOGRAPH_CHECKPOINT_TRANSFER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/reader.h"

namespace cryograph {

// A tensor and its new name. Several may have one name if each holds other slices of one tensor.
struct TransferItem {
  const CheckpointReader* reader = nullptr;
  const CheckpointEntry* entry = nullptr;
  std::string name;
  // Stored instead of what the reader has, if it is not null.
  std::shared_ptr<const TensorSource> value;
};

struct TransferOptions {
  // Version, shards, alignment. With several shards each piece goes to the emptiest one, the largest first,
  // and there are not more shards than pieces.
  CheckpointWriterOptions writer;
  // Partitioned tensors become whole; otherwise they keep their slices.
  bool join_slices = false;
  // Told after each piece how many bytes of how many are done; may be null.
  void (*progress)(uint64_t done, uint64_t total) = nullptr;
};

struct TransferReport {
  uint64_t num_tensors = 0;
  uint64_t num_bytes = 0;  // As they were stored in the inputs.
  int num_shards = 0;
  std::vector<std::string> files;  // Written, sorted.
};

// Values are streamed (strings are loaded one tensor at a time); pieces are written in the order of their
// names, so that equal inputs make equal files. DataLoss: the slices of a partitioned tensor do not make all
// of it. Other errors are those of the readers and the writer.
absl::StatusOr<TransferReport> Transfer(std::vector<TransferItem> items, const std::string& prefix,
                                        const TransferOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_TRANSFER_H_
