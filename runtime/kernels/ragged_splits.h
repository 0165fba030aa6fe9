// Row splits: where each row of a ragged dimension begins, and the last ends.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_RAGGED_SPLITS_H_
#define CRYOGRAPH_RUNTIME_KERNELS_RAGGED_SPLITS_H_

#include "absl/status/statusor.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {

// The elements of an int32 or int64 value, which begin with 0, never fall, and end with `total`. TensorFlow
// takes them out of any shape.
inline absl::StatusOr<Shape> RowSplits(const Value& value, int64_t total) {
  ASSIGN_OR_RETURN(Shape splits, IntVector(value.Reshaped({value.num_elements()}), "splits"));
  if (splits.empty() || splits[0] != 0) return absl::InvalidArgumentError("splits must begin with 0");
  for (size_t i = 1; i < splits.size(); ++i) {
    if (splits[i] < splits[i - 1]) return absl::InvalidArgumentError("splits must not fall");
  }
  if (splits.back() != total) {
    return absl::InvalidArgumentError(
        absl::StrCat("splits end with ", splits.back(), ", but there are ", total, " values"));
  }
  return splits;
}

// Writes element `index` of splits of type int32 or int64. InvalidArgument beyond the type.
inline absl::Status SetSplit(Value* splits, int64_t index, int64_t split) {
  return DispatchType<IndexTypes>(splits->dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    if (static_cast<T>(split) != split) {
      return absl::InvalidArgumentError(absl::StrCat("a split of ", split, " does not fit into int32"));
    }
    splits->mutable_data<T>()[index] = static_cast<T>(split);
    return absl::OkStatus();
  });
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_RAGGED_SPLITS_H_
