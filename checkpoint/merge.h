// Merges V2 checkpoints that hold different tensors, or different slices of the same ones, into one.
#ifndef CRYOGRAPH_CHECKPOINT_MERGE_H_
#define CRYOGRAPH_CHECKPOINT_MERGE_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

namespace cryograph {

// What becomes of the checkpoints that are merged. Those that are moved are gone afterwards: their data files
// are those of the merged checkpoint under other names, and nothing is copied. Until that is whole they stay.
enum class MergeInputs { kKeep, kMove };

// Writes `merged` from `prefixes`, byte for byte as TensorFlow's MergeV2Checkpoints op does.
// It has as many data files as all inputs together: copies of theirs, numbered in the order in which the keys
// of one input after the other lead to them. Slices of one tensor are listed in the order of the inputs.
// Values are copied and not looked at. `progress` (if given) is called with bytes that were copied.
// InvalidArgument: no input, inputs of different byte orders or versions, a tensor or slice that stands in
// two of them, slices of one tensor that differ in shape or type, `merged` as an input to be moved; the
// errors of reading and writing, among them Unavailable for files to be moved to another file system.
absl::Status MergeBundles(
    absl::Span<const std::string> prefixes, const std::string& merged,
    absl::FunctionRef<void(uint64_t)> progress = [](uint64_t) {}, MergeInputs inputs = MergeInputs::kKeep);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_MERGE_H_
