// What differs between two checkpoints, as text or JSON: for checkpoint diff and inspect_checkpoint --diff.
#ifndef CRYOGRAPH_TOOLS_CHECKPOINT_DIFF_H_
#define CRYOGRAPH_TOOLS_CHECKPOINT_DIFF_H_

#include "absl/status/statusor.h"
#include "checkpoint/difference.h"
#include "checkpoint/tensor_file.h"
#include "tools/checkpoint_flags.h"

namespace cryograph {

// Compares what `flags` leave of both files, with its changes of names made to the first only, and prints the
// differences to stdout. True if there is none.
absl::StatusOr<bool> PrintDifferences(const TensorFile& first, const TensorFile& second,
                                      const KeyFlags& flags, const DifferenceOptions& options, bool json);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_CHECKPOINT_DIFF_H_
