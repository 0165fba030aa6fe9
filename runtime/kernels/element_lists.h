// What tensor arrays and tensor lists share: shapes that are known in part, stacks, zeros.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_ELEMENT_LISTS_H_
#define CRYOGRAPH_RUNTIME_KERNELS_ELEMENT_LISTS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "runtime/value.h"

namespace cryograph {

inline bool IsFullyKnown(const PartialShape& shape) {
  if (shape.unknown_rank) return false;
  for (int64_t dim : shape.dims) {
    if (dim < 0) return false;
  }
  return true;
}
PartialShape ShapeOf(const Value& value);
// What is known of a shape that is both; InvalidArgument if nothing can be.
absl::StatusOr<PartialShape> MergeShapes(const PartialShape& a, const PartialShape& b);
// InvalidArgument if `value` cannot be of `shape`.
absl::Status CheckShape(const Value& value, const PartialShape& shape);
// A shape as an operand: -1 for unknown, a scalar for an unknown rank; int32 or int64.
absl::StatusOr<PartialShape> ShapeOperand(const Value& value);

// Zeros, false, empty strings.
absl::StatusOr<Value> ZerosOf(DataType dtype, absl::Span<const int64_t> dims, MemoryPool& pool);

// a + b, of one shape and one type of numbers.
absl::StatusOr<Value> SumOf(const Value& a, const Value& b, MemoryPool& pool);

// Copies `count` elements.
void CopyElements(const Value& from, int64_t from_begin, Value* to, int64_t to_begin, int64_t count);

// A copy of rows [begin, end) of dimension 0; with `drop_dim` of one row, without that dimension.
absl::StatusOr<Value> CopyRows(const Value& value, int64_t begin, int64_t end, bool drop_dim,
                               MemoryPool& pool);

// [values.size(), shape…]. A value that is not there is zeros, if `shape` or one of the others says of what
// shape. InvalidArgument if shapes differ or are not known.
absl::StatusOr<Value> Stack(absl::Span<const Value* const> values, DataType dtype, PartialShape shape,
                            MemoryPool& pool);

// Values of equal shape but for dimension 0, one after the other; `shape` is that of the rest. *lengths is
// their dimension 0.
absl::StatusOr<Value> Concatenate(absl::Span<const Value* const> values, DataType dtype, PartialShape rest,
                                  std::vector<int64_t>* lengths, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_ELEMENT_LISTS_H_
