// Sparse tensors rearranged: SparseToDense, SparseReorder, SparseReshape, SparseFillEmptyRows, SparseConcat,
// SparseSplit, SparseSlice.
#include <algorithm>
#include <string>
#include <vector>

#include "graph/tensor.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/sparse_tensor.h"

namespace cryograph {
namespace {

class SparseToDenseKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("validate_indices", &validate_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& indices = context.input(0);
    const Value& values = context.input(2);
    if (indices.rank() > 2) return absl::InvalidArgumentError("sparse_indices must be of rank 2 at most");
    RETURN_IF_ERROR(ExpectVector(context.input(1), "output_shape"));
    RETURN_IF_ERROR(ExpectScalar(context.input(3), "default_value"));
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(1), "output_shape"));
    const int64_t count = indices.rank() == 0 ? 1 : indices.dim(0);
    const int64_t depth = indices.rank() == 2 ? indices.dim(1) : 1;
    if (values.rank() > 1 || (values.rank() == 1 && values.dim(0) != count)) {
      return absl::InvalidArgumentError(
          absl::StrCat("sparse_values of shape ", ShapeText(values.shape()), " for ", count, " indices"));
    }
    // The values are the operand's own, or one for all.
    SparseTensor tensor;
    ASSIGN_OR_RETURN(Value same, context.AllocateTemp(DT_BOOL, {count}));
    ASSIGN_OR_RETURN(tensor,
                     SparseTensor::Of(indices.Reshaped({count, depth}), same, context.input(1), context));
    for (int64_t i = 1; validate_ && i < count; ++i) {
      const int64_t before = tensor.offset(i - 1), here = tensor.offset(i);
      if (here <= before) {
        return absl::InvalidArgumentError(
            absl::StrCat("indices[", i, "] is ", here == before ? "repeated" : "out of order"));
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    return DispatchWidth(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      std::fill_n(output->mutable_data<T>(), output->num_elements(), context.input(3).scalar<T>());
      for (int64_t i = 0; i < count; ++i) {
        output->mutable_data<T>()[tensor.offset(i)] = values.data<T>()[values.is_scalar() ? 0 : i];
      }
      return absl::OkStatus();
    });
  }

 private:
  bool validate_ = true;
};
CRYOGRAPH_KERNEL(SparseToDenseKernel, "SparseToDense");

// Indices out of bounds are taken along, as in TensorFlow.
absl::Status SparseReorder(KernelContext& context) {
  ASSIGN_OR_RETURN(const SparseTensor tensor,
                   SparseTensor::Unbounded(context.input(0), context.input(1), context.input(2), context));
  const int64_t rank = tensor.rank();
  ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(0, {tensor.count(), rank}));
  ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(1, {tensor.count()}));
  int64_t to = 0;
  for (const int64_t from : RowMajorOrder(tensor)) {
    std::copy_n(tensor.place(from), rank, indices->mutable_data<int64_t>() + to * rank);
    CopyElements(tensor.values, from, values, to++, 1);
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(SparseReorder, "SparseReorder");

// Indices out of bounds are numbered as those within, as in TensorFlow.
absl::Status SparseReshape(KernelContext& context) {
  RETURN_IF_ERROR(ExpectMatrix(context.input(0), "indices"));
  ASSIGN_OR_RETURN(const Value none, context.AllocateTemp(DT_BOOL, {context.input(0).dim(0)}));
  ASSIGN_OR_RETURN(const SparseTensor tensor,
                   SparseTensor::Unbounded(context.input(0), none, context.input(1), context));
  RETURN_IF_ERROR(ExpectVector(context.input(2), "new_shape"));
  ASSIGN_OR_RETURN(Shape shape, IntVector(context.input(2), "new_shape"));
  ASSIGN_OR_RETURN(const int64_t elements, NumElements(tensor.shape));
  const auto unknown = std::find(shape.begin(), shape.end(), -1);
  if (unknown != shape.end()) {
    *unknown = 1;
    ASSIGN_OR_RETURN(const int64_t known, NumElements(shape));
    if (known == 0 || elements % known != 0) {
      return absl::InvalidArgumentError(absl::StrCat(elements, " elements cannot be of shape ",
                                                     ShapeText(shape), " with the unknown dimension as 1"));
    }
    *unknown = elements / known;
  }
  ASSIGN_OR_RETURN(const int64_t wanted, NumElements(shape));
  if (wanted != elements) {
    return absl::InvalidArgumentError(absl::StrCat("a tensor of shape ", ShapeText(tensor.shape),
                                                   " cannot be of shape ", ShapeText(shape)));
  }
  const auto rank = static_cast<int64_t>(shape.size());
  ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(0, {tensor.count(), rank}));
  // What follows each dimension; there are no elements to number if one of them is 0.
  Shape strides(shape.size(), 1);
  for (int64_t d = rank - 1; d > 0; --d) strides[d - 1] = strides[d] * std::max<int64_t>(shape[d], 1);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    int64_t rest = tensor.offset(i);
    for (int64_t d = 0; d < rank; ++d) {
      indices->mutable_data<int64_t>()[i * rank + d] = rest / strides[d];
      rest %= strides[d];
    }
  }
  return SetShapeOutput(context, 1, shape);
}
CRYOGRAPH_KERNEL_FUNCTION(SparseReshape, "SparseReshape");

// Outputs: indices, values, which rows were empty, and where each value went.
absl::Status SparseFillEmptyRows(KernelContext& context) {
  ASSIGN_OR_RETURN(const SparseTensor tensor,
                   SparseTensor::Unbounded(context.input(0), context.input(1), context.input(2), context));
  RETURN_IF_ERROR(ExpectScalar(context.input(3), "default_value"));
  if (tensor.rank() < 1) return absl::InvalidArgumentError("the dense shape must have a dimension");
  const int64_t rows = tensor.shape[0], rank = tensor.rank();
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const int64_t row = tensor.place(i)[0];
    if (row < 0 || row >= rows) {
      return absl::InvalidArgumentError(
          absl::StrCat("indices[", i, ",0] = ", row, " is not in [0, ", rows, ")"));
    }
  }
  ASSIGN_OR_RETURN(Value * empty, context.AllocateOutput(2, {rows}));
  ASSIGN_OR_RETURN(Value * places, context.AllocateOutput(3, {tensor.count()}));
  // First how many elements a row has, then where its next one goes.
  ASSIGN_OR_RETURN(Value next, context.AllocateTemp(DT_INT64, {rows}));
  int64_t* place = next.mutable_data<int64_t>();
  std::fill_n(place, rows, 0);
  for (int64_t i = 0; i < tensor.count(); ++i) ++place[tensor.place(i)[0]];
  int64_t total = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t size = place[row];
    empty->mutable_data<bool>()[row] = size == 0;
    place[row] = total;
    total += std::max<int64_t>(size, 1);
  }
  ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(0, {total, rank}));
  ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(1, {total}));
  for (int64_t row = 0; row < rows; ++row) {
    if (!empty->data<bool>()[row]) continue;
    int64_t* index = indices->mutable_data<int64_t>() + place[row] * rank;
    std::fill_n(index, rank, 0);
    index[0] = row;
    CopyElements(context.input(3), 0, values, place[row], 1);
  }
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const int64_t to = place[tensor.place(i)[0]]++;
    std::copy_n(tensor.place(i), rank, indices->mutable_data<int64_t>() + to * rank);
    CopyElements(tensor.values, i, values, to, 1);
    places->mutable_data<int64_t>()[i] = to;
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(SparseFillEmptyRows, "SparseFillEmptyRows");

// Indices out of bounds are taken along, as in TensorFlow.
class SparseConcatKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("concat_dim", &axis_); }

  absl::Status Compute(KernelContext& context) const override {
    const int parts = context.num_inputs() / 3;
    std::vector<SparseTensor> tensors;
    int64_t count = 0;
    for (int k = 0; k < parts; ++k) {
      ASSIGN_OR_RETURN(SparseTensor part, SparseTensor::Unbounded(context.input(k), context.input(parts + k),
                                                                  context.input(2 * parts + k), context));
      count += part.count();
      tensors.push_back(std::move(part));
    }
    if (tensors.empty()) return absl::InvalidArgumentError("there is nothing to concatenate");
    Shape shape = tensors[0].shape;
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_, tensors[0].rank()));
    const int64_t rank = tensors[0].rank();
    SparseTensor joined;
    ASSIGN_OR_RETURN(joined.indices, context.AllocateTemp(DT_INT64, {count, rank}));
    ASSIGN_OR_RETURN(joined.values, context.AllocateTemp(context.input(parts).dtype(), {count}));
    shape[axis] = 0;
    int64_t to = 0;
    for (const SparseTensor& part : tensors) {
      Shape others = part.shape;
      if (axis < part.rank()) others[axis] = shape[axis];
      if (others != shape) {
        return absl::InvalidArgumentError(absl::StrCat("shapes ", ShapeText(tensors[0].shape), " and ",
                                                       ShapeText(part.shape), " differ beyond dimension ",
                                                       axis));
      }
      int64_t* index = joined.indices.mutable_data<int64_t>() + to * rank;
      std::copy_n(part.indices.data<int64_t>(), part.indices.num_elements(), index);
      for (int64_t i = 0; i < part.count(); ++i) {
        int64_t& moved = index[i * rank + axis];
        moved = static_cast<int64_t>(static_cast<uint64_t>(moved) + static_cast<uint64_t>(shape[axis]));
      }
      CopyElements(part.values, 0, &joined.values, to, part.count());
      to += part.count();
      if (__builtin_add_overflow(shape[axis], part.shape[axis], &shape[axis])) {
        return absl::InvalidArgumentError("the joined dimension overflows");
      }
    }
    RETURN_IF_ERROR(NumElements(shape).status());
    joined.shape = shape;
    Value *indices, *values;
    RETURN_IF_ERROR(AllocateSparse(context, 0, 1, 2, count, shape, &indices, &values));
    to = 0;
    for (const int64_t from : RowMajorOrder(joined)) {
      std::copy_n(joined.place(from), rank, indices->mutable_data<int64_t>() + to * rank);
      CopyElements(joined.values, from, values, to++, 1);
    }
    return absl::OkStatus();
  }

 private:
  int64_t axis_ = 0;
};
CRYOGRAPH_KERNEL(SparseConcatKernel, "SparseConcat");

// Output slots and bounds of one box of a sparse tensor.
absl::Status CutBox(KernelContext& context, const SparseTensor& tensor, const Shape& start, const Shape& size,
                    int indices_slot, int values_slot, int shape_slot) {
  std::vector<int64_t> inside;
  const int rank = tensor.rank();
  for (int64_t i = 0; i < tensor.count(); ++i) {
    bool in = true;
    for (int d = 0; d < rank && in; ++d) {
      const int64_t index = tensor.place(i)[d];
      in = index >= start[d] && index - start[d] < size[d];
    }
    if (in) inside.push_back(i);
  }
  Value *indices, *values;
  RETURN_IF_ERROR(AllocateSparse(context, indices_slot, values_slot, shape_slot,
                                 static_cast<int64_t>(inside.size()), size, &indices, &values));
  int64_t to = 0;
  for (const int64_t from : inside) {
    for (int d = 0; d < rank; ++d) {
      indices->mutable_data<int64_t>()[to * rank + d] = tensor.place(from)[d] - start[d];
    }
    CopyElements(tensor.values, from, values, to++, 1);
  }
  return absl::OkStatus();
}

// A box may begin before the tensor, as in TensorFlow.
absl::Status SparseSlice(KernelContext& context) {
  // No difference of an index and a start overflows.
  constexpr int64_t kFarthest = int64_t{1} << 61;
  ASSIGN_OR_RETURN(const SparseTensor tensor, SparseTensor::Input(context, 0));
  RETURN_IF_ERROR(ExpectVector(context.input(3), "start"));
  RETURN_IF_ERROR(ExpectVector(context.input(4), "size"));
  ASSIGN_OR_RETURN(const Shape start, IntVector(context.input(3), "start"));
  ASSIGN_OR_RETURN(Shape size, IntVector(context.input(4), "size"));
  if (start.size() != tensor.shape.size() || size.size() != tensor.shape.size()) {
    return absl::InvalidArgumentError("start and size must have an element for each dimension");
  }
  for (size_t d = 0; d < size.size(); ++d) {
    if (start[d] < -kFarthest || size[d] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("start ", start[d], " and size ", size[d], " of dimension ", d, " are no box"));
    }
    size[d] = start[d] < 0 && tensor.shape[d] > kFarthest
                  ? size[d]
                  : std::min(size[d], std::max<int64_t>(tensor.shape[d] - start[d], 0));
  }
  return CutBox(context, tensor, start, size, 0, 1, 2);
}
CRYOGRAPH_KERNEL_FUNCTION(SparseSlice, "SparseSlice");

// The first parts are one longer if the dimension does not divide.
absl::Status SparseSplit(KernelContext& context) {
  if (context.input(0).num_elements() != 1) return absl::InvalidArgumentError("split_dim must be one axis");
  ASSIGN_OR_RETURN(const int64_t given, ScalarInt(context.input(0).Reshaped({}), "split_dim"));
  ASSIGN_OR_RETURN(const SparseTensor tensor, SparseTensor::Input(context, 1));
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, tensor.rank()));
  const int parts = context.num_outputs() / 3;
  if (parts > tensor.shape[axis]) {
    return absl::InvalidArgumentError(
        absl::StrCat(parts, " parts of dimension ", axis, ", whose size is ", tensor.shape[axis]));
  }
  Shape start(tensor.shape.size(), 0), size = tensor.shape;
  for (int k = 0; k < parts; ++k) {
    size[axis] = tensor.shape[axis] / parts + (k < tensor.shape[axis] % parts ? 1 : 0);
    RETURN_IF_ERROR(CutBox(context, tensor, start, size, k, parts + k, 2 * parts + k));
    start[axis] += size[axis];
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(SparseSplit, "SparseSplit");

}  // namespace
}  // namespace cryograph
