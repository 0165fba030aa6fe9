// Slices that are written into a tensor, or combined with what is there: what all ops of scattering share.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_SCATTER_SLICES_H_
#define CRYOGRAPH_RUNTIME_KERNELS_SCATTER_SLICES_H_

#include "absl/status/status.h"
#include "runtime/value.h"

namespace cryograph {

enum class ScatterMode { kUpdate, kAdd, kSub, kMul, kDiv, kMax, kMin };

// Puts slices of `updates` one after the other where the rows of `indices` (int32 or int64) say: the last
// dimension of `indices` addresses the leading dimensions of `output`; a vector of indices, the first one.
// `output` must be alone in having its elements. InvalidArgument if the shapes do not fit, an index is out of
// bounds (some slices may then be written) or an integer is divided by zero.
absl::Status ScatterSlices(ScatterMode mode, const Value& indices, const Value& updates, Value* output);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_SCATTER_SLICES_H_
