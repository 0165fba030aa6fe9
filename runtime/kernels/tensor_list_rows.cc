// Tensor lists from and to tensors that hold many elements: TensorListFromTensor, …Stack, …Gather, …Scatter,
// …Concat, …Split.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/tensor_list.h"

namespace cryograph {
namespace {

// The element type is that of `rows`, whose rows must fit `shape`.
absl::Status CheckRows(const Value& rows, const PartialShape& shape) {
  if (rows.rank() == 0) return absl::InvalidArgumentError("the tensor must not be a scalar");
  PartialShape row = ShapeOf(rows);
  row.dims.erase(row.dims.begin());
  return MergeShapes(row, shape).status();
}

absl::Status FromTensor(KernelContext& context) {
  const Value& rows = context.input(0);
  ASSIGN_OR_RETURN(PartialShape shape, ShapeOperand(context.input(1)));
  RETURN_IF_ERROR(CheckRows(rows, shape));
  RETURN_IF_ERROR(CheckListSize(rows.dim(0)));
  auto list = std::make_shared<TensorList>(rows.dtype(), std::move(shape));
  for (int64_t i = 0; i < rows.dim(0); ++i) {
    ASSIGN_OR_RETURN(Value row, CopyRows(rows, i, i + 1, /*drop_dim=*/true, context.pool()));
    list->elements.push_back(std::move(row));
  }
  return context.SetScalarOutput<Handle>(0, std::move(list));
}
CRYOGRAPH_KERNEL_FUNCTION(FromTensor, "TensorListFromTensor");

class StackKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("num_elements", &num_elements_); }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto list, ListOf(context, 0));
    RETURN_IF_ERROR(CheckListType(*list, context.node().output_type(0)));
    ASSIGN_OR_RETURN(PartialShape shape, ShapeOperand(context.input(1)));
    ASSIGN_OR_RETURN(shape, MergeShapes(shape, list->element_shape));
    if (num_elements_ != -1 && num_elements_ != list->size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the list is of ", list->size(), " elements, not ", num_elements_));
    }
    std::vector<const Value*> values;
    for (const Value& value : list->elements) values.push_back(&value);
    ASSIGN_OR_RETURN(Value stack, Stack(values, list->dtype, shape, context.pool()));
    context.SetOutput(0, std::move(stack));
    return absl::OkStatus();
  }

 private:
  int64_t num_elements_ = -1;
};
CRYOGRAPH_KERNEL(StackKernel, "TensorListStack");

absl::Status Gather(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto list, ListOf(context, 0));
  RETURN_IF_ERROR(CheckListType(*list, context.node().output_type(0)));
  RETURN_IF_ERROR(ExpectVector(context.input(1), "indices"));
  ASSIGN_OR_RETURN(const Shape indices, IntVector(context.input(1), "indices"));
  ASSIGN_OR_RETURN(PartialShape shape, ShapeOperand(context.input(2)));
  ASSIGN_OR_RETURN(shape, MergeShapes(shape, list->element_shape));
  for (const Value& value : list->elements) {
    if (!value.has_value() || IsFullyKnown(shape)) continue;
    ASSIGN_OR_RETURN(shape, MergeShapes(shape, ShapeOf(value)));
  }
  std::vector<const Value*> values;
  for (int64_t index : indices) {
    if (index < 0 || index >= list->size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no element ", index, " in a list of ", list->size()));
    }
    values.push_back(&list->elements[index]);
  }
  ASSIGN_OR_RETURN(Value stack, Stack(values, list->dtype, shape, context.pool()));
  context.SetOutput(0, std::move(stack));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Gather, "TensorListGather");

// Rows of `rows` become the elements `indices` of the list.
absl::Status ScatterInto(TensorList& list, const Value& rows, const Shape& indices, MemoryPool& pool) {
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i);
    if (indices[i] < 0 || indices[i] >= list.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no element ", indices[i], " in a list of ", list.size()));
    }
    ASSIGN_OR_RETURN(list.elements[indices[i]], CopyRows(rows, row, row + 1, /*drop_dim=*/true, pool));
  }
  return absl::OkStatus();
}

absl::StatusOr<Shape> ScatterIndices(const Value& rows, const Value& indices, const PartialShape& shape) {
  RETURN_IF_ERROR(ExpectVector(indices, "indices"));
  RETURN_IF_ERROR(CheckRows(rows, shape));
  ASSIGN_OR_RETURN(Shape result, IntVector(indices, "indices"));
  if (static_cast<int64_t>(result.size()) == rows.dim(0)) return result;
  return absl::InvalidArgumentError(
      absl::StrCat(result.size(), " indices for the rows of ", ValueText(rows)));
}

// TensorListScatter(tensor, indices, element_shape), V2 with num_elements behind.
absl::Status Scatter(KernelContext& context) {
  ASSIGN_OR_RETURN(PartialShape shape, ShapeOperand(context.input(2)));
  ASSIGN_OR_RETURN(const Shape indices, ScatterIndices(context.input(0), context.input(1), shape));
  int64_t size = -1;
  if (context.num_inputs() > 3) {
    ASSIGN_OR_RETURN(size, ScalarInt(context.input(3), "num_elements"));
    if (size < -1) return absl::InvalidArgumentError(absl::StrCat("num_elements is ", size));
  }
  if (size == -1) {
    size = 0;
    for (int64_t index : indices) {
      RETURN_IF_ERROR(CheckListSize(index));
      size = std::max(size, index + 1);
    }
  }
  RETURN_IF_ERROR(CheckListSize(size));
  auto list = std::make_shared<TensorList>(context.input(0).dtype(), std::move(shape));
  list->elements.resize(size);
  RETURN_IF_ERROR(ScatterInto(*list, context.input(0), indices, context.pool()));
  return context.SetScalarOutput<Handle>(0, std::move(list));
}
CRYOGRAPH_KERNEL_FUNCTION(Scatter, "TensorListScatter", "TensorListScatterV2");

absl::Status ScatterIntoExisting(KernelContext& context) {
  ASSIGN_OR_RETURN(auto list, OwnListOf(context, 0));
  RETURN_IF_ERROR(CheckListType(*list, context.input(1).dtype()));
  ASSIGN_OR_RETURN(const Shape indices,
                   ScatterIndices(context.input(1), context.input(2), list->element_shape));
  int64_t size = list->size();
  for (int64_t index : indices) {
    RETURN_IF_ERROR(CheckListSize(index));
    size = std::max(size, index + 1);
  }
  list->elements.resize(size);
  RETURN_IF_ERROR(ScatterInto(*list, context.input(1), indices, context.pool()));
  return context.SetScalarOutput<Handle>(0, std::move(list));
}
CRYOGRAPH_KERNEL_FUNCTION(ScatterIntoExisting, "TensorListScatterIntoExistingList");

// TensorListConcat (its shape is an attribute), V2(list, element_shape, leading_dims).
class ConcatKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.attr("element_shape").kind() != AttrView::kShape) return absl::OkStatus();
    return node.Attr("element_shape", &element_shape_);
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto list, ListOf(context, 0));
    RETURN_IF_ERROR(CheckListType(*list, context.node().output_type(0)));
    PartialShape shape = element_shape_;
    if (context.num_inputs() > 1) {
      ASSIGN_OR_RETURN(shape, ShapeOperand(context.input(1)));
    }
    ASSIGN_OR_RETURN(shape, MergeShapes(shape, list->element_shape));
    if (!shape.unknown_rank && shape.dims.empty()) {
      return absl::InvalidArgumentError("scalars have no dimension to join along");
    }
    ASSIGN_OR_RETURN(const std::vector<Value> elements, Elements(context, *list, shape));
    std::vector<const Value*> values;
    for (const Value& value : elements) values.push_back(&value);
    if (!shape.unknown_rank) shape.dims.erase(shape.dims.begin());
    std::vector<int64_t> lengths;
    ASSIGN_OR_RETURN(Value joined, Concatenate(values, list->dtype, shape, &lengths, context.pool()));
    context.SetOutput(0, std::move(joined));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(1, {list->size()}));
    std::copy(lengths.begin(), lengths.end(), output->mutable_data<int64_t>());
    return absl::OkStatus();
  }

 private:
  // Elements that were never set are zeros, of leading_dims rows where dimension 0 is not known.
  static absl::StatusOr<std::vector<Value>> Elements(KernelContext& context, const TensorList& list,
                                                     const PartialShape& shape) {
    Shape leading;
    if (context.num_inputs() > 2) {
      RETURN_IF_ERROR(ExpectVector(context.input(2), "leading_dims"));
      ASSIGN_OR_RETURN(leading, IntVector(context.input(2), "leading_dims"));
    }
    std::vector<Value> elements;
    for (int64_t i = 0; i < list.size(); ++i) {
      Value value = list.elements[i];
      if (!value.has_value()) {
        PartialShape own = shape;
        if (!own.unknown_rank && own.dims[0] < 0 && i < static_cast<int64_t>(leading.size()))
          own.dims[0] = leading[i];
        if (!IsFullyKnown(own)) {
          return absl::InvalidArgumentError(
              absl::StrCat("element ", i, " was never set, and its shape is not known"));
        }
        ASSIGN_OR_RETURN(value, ZerosOf(list.dtype, own.dims, context.pool()));
      }
      RETURN_IF_ERROR(CheckShape(value, shape));
      elements.push_back(std::move(value));
    }
    return elements;
  }

  PartialShape element_shape_ = {true, {}};
};
CRYOGRAPH_KERNEL(ConcatKernel, "TensorListConcat", "TensorListConcatV2");

// TensorListSplit(tensor, element_shape, lengths): parts of dimension 0.
absl::Status SplitRows(KernelContext& context) {
  const Value& rows = context.input(0);
  ASSIGN_OR_RETURN(PartialShape shape, ShapeOperand(context.input(1)));
  RETURN_IF_ERROR(ExpectVector(context.input(2), "lengths"));
  ASSIGN_OR_RETURN(const Shape lengths, IntVector(context.input(2), "lengths"));
  if (rows.rank() == 0) return absl::InvalidArgumentError("the tensor must not be a scalar");
  PartialShape element = ShapeOf(rows);
  element.dims[0] = -1;
  ASSIGN_OR_RETURN(element, MergeShapes(element, shape));
  auto list = std::make_shared<TensorList>(rows.dtype(), std::move(shape));
  int64_t begin = 0;
  for (int64_t length : lengths) {
    if (length < 0 || length > rows.dim(0) - begin) {
      return absl::InvalidArgumentError("lengths do not sum up to the rows of the tensor");
    }
    ASSIGN_OR_RETURN(Value part, CopyRows(rows, begin, begin + length, /*drop_dim=*/false, context.pool()));
    RETURN_IF_ERROR(CheckShape(part, element));
    list->elements.push_back(std::move(part));
    begin += length;
  }
  if (begin != rows.dim(0))
    return absl::InvalidArgumentError("lengths do not sum up to the rows of the tensor");
  return context.SetScalarOutput<Handle>(0, std::move(list));
}
CRYOGRAPH_KERNEL_FUNCTION(SplitRows, "TensorListSplit");

}  // namespace
}  // namespace cryograph
