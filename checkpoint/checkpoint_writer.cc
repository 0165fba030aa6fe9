#include "checkpoint/checkpoint_writer.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/v1_writer.h"

namespace cryograph {

absl::StatusOr<std::unique_ptr<CheckpointWriter>> CreateCheckpointWriter(
    const std::string& prefix, const CheckpointWriterOptions& options) {
  if (options.version == 1) {
    V1Writer::Options v1;
    v1.num_shards = options.num_shards;
    return V1Writer::Create(prefix, v1);
  }
  if (options.version == 2) {
    BundleWriter::Options v2;
    v2.num_shards = options.num_shards;
    v2.alignment = options.alignment;
    return BundleWriter::Create(prefix, v2);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no checkpoint version ", options.version, "; it is 1 or 2"));
}

}  // namespace cryograph
