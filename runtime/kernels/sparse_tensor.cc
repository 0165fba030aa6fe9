#include "runtime/kernels/sparse_tensor.h"

#include <algorithm>
#include <numeric>

#include "graph/tensor.h"

namespace cryograph {

absl::StatusOr<SparseTensor> SparseTensor::Unbounded(const Value& indices, const Value& values,
                                                     const Value& shape, KernelContext& context) {
  SparseTensor tensor;
  RETURN_IF_ERROR(ExpectMatrix(indices, "indices"));
  RETURN_IF_ERROR(ExpectVector(values, "values"));
  RETURN_IF_ERROR(ExpectVector(shape, "the dense shape"));
  ASSIGN_OR_RETURN(tensor.shape, IntVector(shape, "the dense shape"));
  if (tensor.shape.size() > kMaxRank) return absl::InvalidArgumentError("the dense shape has too many dims");
  RETURN_IF_ERROR(NumElements(tensor.shape).status());
  if (indices.dim(0) != values.dim(0) || indices.dim(1) != tensor.rank()) {
    return absl::InvalidArgumentError(absl::StrCat("indices of shape ", ShapeText(indices.shape()),
                                                   " do not fit ", values.dim(0),
                                                   " values in a tensor of rank ", tensor.rank()));
  }
  tensor.indices = indices;
  tensor.values = values;
  if (indices.dtype() == DT_INT32) {
    ASSIGN_OR_RETURN(tensor.indices, context.AllocateTemp(DT_INT64, indices.shape()));
    std::copy_n(indices.data<int32_t>(), indices.num_elements(), tensor.indices.mutable_data<int64_t>());
  }
  return tensor;
}

absl::StatusOr<SparseTensor> SparseTensor::Of(const Value& indices, const Value& values, const Value& shape,
                                              KernelContext& context) {
  ASSIGN_OR_RETURN(SparseTensor tensor, Unbounded(indices, values, shape, context));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    for (int d = 0; d < tensor.rank(); ++d) {
      const int64_t index = tensor.place(i)[d];
      if (index < 0 || index >= tensor.shape[d]) {
        return absl::InvalidArgumentError(
            absl::StrCat("indices[", i, ",", d, "] = ", index, " is not in [0, ", tensor.shape[d], ")"));
      }
    }
  }
  return tensor;
}

int64_t SparseTensor::offset(int64_t i) const {
  uint64_t offset = 0;  // Of an index out of bounds it may wrap.
  for (int d = 0; d < rank(); ++d) {
    offset = offset * static_cast<uint64_t>(shape[d]) + static_cast<uint64_t>(place(i)[d]);
  }
  return static_cast<int64_t>(offset);
}

std::vector<int64_t> RowMajorOrder(const SparseTensor& tensor) {
  std::vector<int64_t> order(static_cast<size_t>(tensor.count()));
  std::iota(order.begin(), order.end(), 0);
  const int rank = tensor.rank();
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::lexicographical_compare(tensor.place(a), tensor.place(a) + rank, tensor.place(b),
                                        tensor.place(b) + rank);
  });
  return order;
}

absl::Status AllocateSparse(KernelContext& context, int indices, int values, int shape, int64_t count,
                            const Shape& dims, Value** out_indices, Value** out_values) {
  ASSIGN_OR_RETURN(*out_indices, context.AllocateOutput(indices, {count, static_cast<int64_t>(dims.size())}));
  ASSIGN_OR_RETURN(*out_values, context.AllocateOutput(values, {count}));
  return SetShapeOutput(context, shape, dims);
}

absl::Status SetShapeOutput(KernelContext& context, int index, const Shape& dims) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(index, {static_cast<int64_t>(dims.size())}));
  std::copy(dims.begin(), dims.end(), output->mutable_data<int64_t>());
  return absl::OkStatus();
}

}  // namespace cryograph
