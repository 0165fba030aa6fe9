// A sparse tensor as ops take and give it: indices, values, dense shape.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_SPARSE_TENSOR_H_
#define CRYOGRAPH_RUNTIME_KERNELS_SPARSE_TENSOR_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/kernel.h"
#include "runtime/value.h"

namespace cryograph {

// Checked: one row of indices of the shape's rank for each value, and each index within the shape, whose
// number of elements does not overflow.
struct SparseTensor {
  // Indices of type int32 are copied to int64.
  static absl::StatusOr<SparseTensor> Of(const Value& indices, const Value& values, const Value& shape,
                                         KernelContext& context);
  // Without the check of each index: they are then data, not places.
  static absl::StatusOr<SparseTensor> Unbounded(const Value& indices, const Value& values, const Value& shape,
                                                KernelContext& context);
  // From inputs first, first + 1, first + 2.
  static absl::StatusOr<SparseTensor> Input(KernelContext& context, int first) {
    return Of(context.input(first), context.input(first + 1), context.input(first + 2), context);
  }

  int64_t count() const { return values.num_elements(); }
  int rank() const { return static_cast<int>(shape.size()); }
  // Row i of the indices.
  const int64_t* place(int64_t i) const { return indices.data<int64_t>() + i * rank(); }
  // Row-major number of element i.
  int64_t offset(int64_t i) const;

  Value indices;  // int64 [count, rank]
  Value values;   // [count]
  Shape shape;
};

// Elements in row-major order; equal places stay in the order in which they came.
std::vector<int64_t> RowMajorOrder(const SparseTensor& tensor);

// Allocates outputs `indices` of [count, rank] and `values` of [count], and sets output `shape`.
absl::Status AllocateSparse(KernelContext& context, int indices, int values, int shape, int64_t count,
                            const Shape& dims, Value** out_indices, Value** out_values);

// Sets output `index` to the vector `dims`.
absl::Status SetShapeOutput(KernelContext& context, int index, const Shape& dims);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_SPARSE_TENSOR_H_
