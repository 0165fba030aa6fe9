#include "runtime/kernels/element_lists.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/dispatch.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/run_state.h"

namespace cryograph {

PartialShape ShapeOf(const Value& value) {
  PartialShape shape;
  shape.dims.assign(value.shape().begin(), value.shape().end());
  return shape;
}

absl::StatusOr<PartialShape> MergeShapes(const PartialShape& a, const PartialShape& b) {
  if (a.unknown_rank) return b;
  if (b.unknown_rank) return a;
  PartialShape merged = a;
  bool fits = a.dims.size() == b.dims.size();
  for (size_t i = 0; fits && i < a.dims.size(); ++i) {
    if (merged.dims[i] < 0) merged.dims[i] = b.dims[i];
    fits = b.dims[i] < 0 || merged.dims[i] == b.dims[i];
  }
  if (fits) return merged;
  return absl::InvalidArgumentError(
      absl::StrCat("shapes do not fit: ", PartialShapeText(a), " and ", PartialShapeText(b)));
}

absl::Status CheckShape(const Value& value, const PartialShape& shape) {
  return MergeShapes(ShapeOf(value), shape).status();
}

absl::StatusOr<PartialShape> ShapeOperand(const Value& value) {
  PartialShape shape;
  ASSIGN_OR_RETURN(const Shape dims, IntVector(value, "element_shape"));
  if (value.is_scalar()) {
    if (dims[0] != -1) {
      return absl::InvalidArgumentError(
          absl::StrCat("element_shape is the scalar ", dims[0], " instead of -1"));
    }
    shape.unknown_rank = true;
    return shape;
  }
  for (int64_t dim : dims) {
    if (dim < -1) return absl::InvalidArgumentError(absl::StrCat("element_shape has a dimension of ", dim));
    shape.dims.push_back(dim);
  }
  return shape;
}

absl::StatusOr<Value> ZerosOf(DataType dtype, absl::Span<const int64_t> dims, MemoryPool& pool) {
  ASSIGN_OR_RETURN(Value value, Value::Allocate(dtype, dims, pool));
  if (IsPlainType(dtype) && value.num_elements() > 0) std::memset(value.mutable_raw(), 0, value.num_bytes());
  return value;
}

absl::StatusOr<Value> SumOf(const Value& a, const Value& b, MemoryPool& pool) {
  RETURN_IF_ERROR(ExpectSameShape(a, b));
  ASSIGN_OR_RETURN(Value sum, Value::Allocate(a.dtype(), a.shape(), pool));
  RETURN_IF_ERROR(DispatchType<NumberTypes>(a.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    for (int64_t i = 0; i < sum.num_elements(); ++i) {
      sum.mutable_data<T>()[i] =
          static_cast<T>(static_cast<A>(a.data<T>()[i]) + static_cast<A>(b.data<T>()[i]));
    }
    return absl::OkStatus();
  }));
  return sum;
}

void CopyElements(const Value& from, int64_t from_begin, Value* to, int64_t to_begin, int64_t count) {
  if (count == 0) return;
  if (IsPlainType(from.dtype())) {
    const int64_t width = ValueElementBytes(from.dtype());
    std::memcpy(to->mutable_raw() + to_begin * width, from.raw() + from_begin * width, count * width);
  } else if (from.dtype() == DT_STRING) {
    std::copy_n(from.data<std::string>() + from_begin, count, to->mutable_data<std::string>() + to_begin);
  } else {
    std::copy_n(from.data<Handle>() + from_begin, count, to->mutable_data<Handle>() + to_begin);
  }
}

absl::StatusOr<Value> CopyRows(const Value& value, int64_t begin, int64_t end, bool drop_dim,
                               MemoryPool& pool) {
  Shape dims = value.shape();
  const int64_t row = dims[0] == 0 ? 0 : value.num_elements() / dims[0];
  if (drop_dim) {
    dims.erase(dims.begin());
  } else {
    dims[0] = end - begin;
  }
  ASSIGN_OR_RETURN(Value rows, Value::Allocate(value.dtype(), dims, pool));
  CopyElements(value, begin * row, &rows, 0, (end - begin) * row);
  return rows;
}

absl::StatusOr<Value> Stack(absl::Span<const Value* const> values, DataType dtype, PartialShape shape,
                            MemoryPool& pool) {
  for (const Value* value : values) {
    if (!value->has_value()) continue;
    ASSIGN_OR_RETURN(shape, MergeShapes(shape, ShapeOf(*value)));
  }
  if (!IsFullyKnown(shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the shape of the elements is not known: ", PartialShapeText(shape)));
  }
  std::vector<int64_t> dims = shape.dims;
  dims.insert(dims.begin(), static_cast<int64_t>(values.size()));
  ASSIGN_OR_RETURN(Value stack, ZerosOf(dtype, dims, pool));
  const int64_t row = values.empty() ? 0 : stack.num_elements() / static_cast<int64_t>(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i]->has_value()) CopyElements(*values[i], 0, &stack, static_cast<int64_t>(i) * row, row);
  }
  return stack;
}

absl::StatusOr<Value> Concatenate(absl::Span<const Value* const> values, DataType dtype, PartialShape rest,
                                  std::vector<int64_t>* lengths, MemoryPool& pool) {
  int64_t total = 0;
  for (const Value* value : values) {
    if (value->rank() == 0) return absl::InvalidArgumentError("scalars have no dimension to join along");
    PartialShape other = ShapeOf(*value);
    lengths->push_back(other.dims[0]);
    if (total > INT64_MAX - other.dims[0])
      return absl::InvalidArgumentError("the sum of the lengths overflows");
    total += other.dims[0];
    other.dims.erase(other.dims.begin());
    ASSIGN_OR_RETURN(rest, MergeShapes(rest, other));
  }
  if (!IsFullyKnown(rest)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the shape of the elements is not known: ", PartialShapeText(rest)));
  }
  rest.dims.insert(rest.dims.begin(), total);
  ASSIGN_OR_RETURN(Value joined, Value::Allocate(dtype, rest.dims, pool));
  int64_t at = 0;
  for (const Value* value : values) {
    CopyElements(*value, 0, &joined, at, value->num_elements());
    at += value->num_elements();
  }
  return joined;
}

}  // namespace cryograph
