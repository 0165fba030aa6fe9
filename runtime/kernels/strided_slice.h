// Which part of a tensor the operands of a StridedSlice mean.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_STRIDED_SLICE_H_
#define CRYOGRAPH_RUNTIME_KERNELS_STRIDED_SLICE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "runtime/kernel.h"
#include "runtime/kernels/strided_copy.h"

namespace cryograph {

struct StridedSliceMasks {
  int64_t begin = 0, end = 0, ellipsis = 0, new_axis = 0, shrink_axis = 0;

  absl::Status Init(const NodeInfo& node);
};

struct StridedSliceSpec {
  int64_t offset = 0;  // Of the first element.
  Shape taken;         // How many elements of each dimension of the input.
  Strides steps;       // How far apart they are in the input.
  Shape output_shape;  // With the axes that are new and without those that are gone; as many elements.

  // InvalidArgument for operands that do not fit `shape`. begin, end and strides are vectors of one length.
  static absl::StatusOr<StridedSliceSpec> Of(const Shape& shape, const Value& begin, const Value& end,
                                             const Value& strides, const StridedSliceMasks& masks);
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_STRIDED_SLICE_H_
