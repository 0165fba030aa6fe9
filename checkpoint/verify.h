// Reads everything of a checkpoint and tells what is damaged.
#ifndef CRYOGRAPH_CHECKPOINT_VERIFY_H_
#define CRYOGRAPH_CHECKPOINT_VERIFY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/reader.h"

namespace cryograph {

struct CheckpointDefect {
  std::string tensor;
  absl::Status status;  // Names the file, the tensor and the place.
};

struct CheckpointVerdict {
  uint64_t tensors = 0;
  uint64_t bytes = 0;  // Of the values that are whole.
  // In the order of the tensors; of one in slices, that of the whole first, then those of its slices.
  std::vector<CheckpointDefect> defects;
};

// Checks every value against its checksum, and that slices make up their tensors. Values are read in pieces
// by `num_threads` threads (0: as many as there are processors); the verdict does not depend on their number.
// `progress` is called with the bytes of each value that was read, by one thread at a time.
CheckpointVerdict VerifyTensors(
    const CheckpointReader& reader, int num_threads = 0,
    absl::FunctionRef<void(uint64_t)> progress = [](uint64_t) {});

inline CheckpointVerdict VerifyCheckpoint(
    const Checkpoint& checkpoint, int num_threads = 0,
    absl::FunctionRef<void(uint64_t)> progress = [](uint64_t) {}) {
  return VerifyTensors(checkpoint.reader(), num_threads, progress);
}

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_VERIFY_H_
