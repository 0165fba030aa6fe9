// Merges V2 checkpoints that hold different tensors, or different slices of the same ones, into one.
#ifndef CRYOGRAPH_CHECKPOINT_MERGE_H_
#define CRYOGRAPH_CHECKPOINT_MERGE_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

namespace cryograph {

// Writes `merged` from `prefixes`, byte for byte as TensorFlow's MergeV2Checkpoints op does, but the inputs
// stay. It has as many data files as all inputs together: copies of theirs, numbered in the order in which
// the keys of one input after the other lead to them. Slices of one tensor are listed in the order of the
// inputs. Values are copied and not looked at. `progress` (if given) is called with bytes that were copied.
// InvalidArgument: no input, inputs of different byte orders or versions, a tensor or slice that stands in
// two of them, slices of one tensor that differ in shape or type; the errors of reading and writing.
absl::Status MergeBundles(
    absl::Span<const std::string> prefixes, const std::string& merged,
    absl::FunctionRef<void(uint64_t)> progress = [](uint64_t) {});

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_MERGE_H_
