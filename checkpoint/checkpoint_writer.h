// Creates the writer of a checkpoint of either version.
#ifndef CRYOGRAPH_CHECKPOINT_CHECKPOINT_WRITER_H_
#define CRYOGRAPH_CHECKPOINT_CHECKPOINT_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "checkpoint/writer.h"

namespace cryograph {

struct CheckpointWriterOptions {
  int version = 2;        // 1 or 2.
  int num_shards = 1;     // Data files (V2) or files (V1).
  int64_t alignment = 1;  // V2: tensors begin at a multiple of it.
};

// Usage:
//   ASSIGN_OR_RETURN(std::unique_ptr<CheckpointWriter> writer, CreateCheckpointWriter("model.ckpt-7", {}));
//   RETURN_IF_ERROR(writer->Add("dense/kernel", source));
//   RETURN_IF_ERROR(writer->Finish());
// `prefix` is the prefix of a V2 checkpoint, the file of a V1 checkpoint or, if it has several shards, what
// their names begin with. InvalidArgument: another version, no shards, no file name; otherwise the errors of
// FileSink.
absl::StatusOr<std::unique_ptr<CheckpointWriter>> CreateCheckpointWriter(
    const std::string& prefix, const CheckpointWriterOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_CHECKPOINT_WRITER_H_
