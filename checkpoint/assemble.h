// Puts a tensor, or a part of one, together from the slices in which a checkpoint stores it.
#ifndef CRYOGRAPH_CHECKPOINT_ASSEMBLE_H_
#define CRYOGRAPH_CHECKPOINT_ASSEMBLE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "checkpoint/slice_spec.h"
#include "graph/tensor.h"

namespace cryograph {

// The value of `box`, a part of some whole tensor, from values stored for `extents`, parts of the same whole
// that cover the box without overlap (all resolved). load(i) gives the value of extent i; one is held at a
// time, except that strings show the loaded ones and keep them alive. ResourceExhausted: there is no memory
// for the result.
absl::StatusOr<Tensor> Assemble(DataType dtype, const TensorSlice& box, absl::Span<const TensorSlice> extents,
                                absl::FunctionRef<absl::StatusOr<Tensor>(size_t)> load);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_ASSEMBLE_H_
