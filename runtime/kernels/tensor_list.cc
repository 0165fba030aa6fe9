// Tensor lists, one element at a time: EmptyTensorList, TensorListReserve, …GetItem, …SetItem, …PushBack,
// …PopBack, …Length, …ElementShape, …Resize, …ConcatLists.
#include "runtime/kernels/tensor_list.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runtime/kernels/element_lists.h"

namespace cryograph {

absl::Status CheckListSize(int64_t size) {
  if (size < 0) return absl::InvalidArgumentError(absl::StrCat("a list of ", size, " elements"));
  if (size > kMaxListElements)
    return absl::ResourceExhaustedError(absl::StrCat("a list of ", size, " elements"));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<TensorList>> ListOf(const KernelContext& context, int index) {
  return ObjectOf<TensorList>(context.input(index));
}

absl::StatusOr<std::shared_ptr<TensorList>> OwnListOf(const KernelContext& context, int index) {
  ASSIGN_OR_RETURN(std::shared_ptr<TensorList> list, ListOf(context, index));
  // One use is the handle's, one is ours.
  if (context.OwnsInput(index) && list.use_count() == 2) return list;
  return std::make_shared<TensorList>(*list);
}

absl::Status CheckListType(const TensorList& list, DataType dtype) {
  if (list.dtype == dtype) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the list holds ", DataTypeName(list.dtype), ", not ", DataTypeName(dtype)));
}

absl::Status CheckElement(const TensorList& list, const Value& value) {
  RETURN_IF_ERROR(CheckListType(list, value.dtype()));
  return CheckShape(value, list.element_shape);
}

absl::StatusOr<Value> ElementOf(const TensorList& list, int64_t index, const PartialShape& shape,
                                MemoryPool& pool) {
  if (index < 0 || index >= list.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no element ", index, " in a list of ", list.size()));
  }
  ASSIGN_OR_RETURN(PartialShape merged, MergeShapes(list.element_shape, shape));
  const Value& value = list.elements[index];
  if (value.has_value()) {
    RETURN_IF_ERROR(CheckShape(value, merged));
    return value;
  }
  for (const Value& other : list.elements) {
    if (!other.has_value()) continue;
    ASSIGN_OR_RETURN(merged, MergeShapes(merged, ShapeOf(other)));
  }
  if (!IsFullyKnown(merged)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "element ", index, " was never set, and its shape is not known: ", PartialShapeText(merged)));
  }
  return ZerosOf(list.dtype, merged.dims, pool);
}

namespace {

absl::Status SetList(KernelContext& context, int output, std::shared_ptr<TensorList> list) {
  return context.SetScalarOutput<Handle>(output, std::move(list));
}

// EmptyTensorList(element_shape, max_num_elements), TensorListReserve(element_shape, num_elements).
class NewListKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    reserve_ = node.op() == "TensorListReserve";
    return node.Attr("element_dtype", &dtype_);
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(PartialShape shape, ShapeOperand(context.input(0)));
    ASSIGN_OR_RETURN(const int64_t number,
                     ScalarInt(context.input(1), reserve_ ? "num_elements" : "max_num_elements"));
    auto list = std::make_shared<TensorList>(dtype_, std::move(shape));
    if (reserve_) {
      RETURN_IF_ERROR(CheckListSize(number));
      list->elements.resize(number);
    } else {
      list->max_elements = number;
    }
    return SetList(context, 0, std::move(list));
  }

 private:
  DataType dtype_ = DT_INVALID;
  bool reserve_ = false;
};
CRYOGRAPH_KERNEL(NewListKernel, "EmptyTensorList", "TensorListReserve");

absl::Status Length(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto list, ListOf(context, 0));
  return context.SetScalarOutput<int32_t>(0, static_cast<int32_t>(list->size()));
}
CRYOGRAPH_KERNEL_FUNCTION(Length, "TensorListLength");

absl::Status ElementShape(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto list, ListOf(context, 0));
  Shape dims(list->element_shape.dims.begin(), list->element_shape.dims.end());
  Shape output_shape = {static_cast<int64_t>(dims.size())};
  if (list->element_shape.unknown_rank) {
    dims = {-1};
    output_shape.clear();
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, output_shape));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (output->dtype() == DT_INT32) {
      output->mutable_data<int32_t>()[i] = static_cast<int32_t>(dims[i]);
    } else {
      output->mutable_data<int64_t>()[i] = dims[i];
    }
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ElementShape, "TensorListElementShape");

absl::Status GetItem(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto list, ListOf(context, 0));
  RETURN_IF_ERROR(CheckListType(*list, context.node().output_type(0)));
  ASSIGN_OR_RETURN(const int64_t index, ScalarInt(context.input(1), "index"));
  ASSIGN_OR_RETURN(const PartialShape shape, ShapeOperand(context.input(2)));
  ASSIGN_OR_RETURN(Value value, ElementOf(*list, index, shape, context.pool()));
  context.SetOutput(0, std::move(value));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(GetItem, "TensorListGetItem");

class SetItemKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.attr("resize_if_index_out_of_bounds").kind() == AttrView::kNone) return absl::OkStatus();
    return node.Attr("resize_if_index_out_of_bounds", &resize_);
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(auto list, OwnListOf(context, 0));
    ASSIGN_OR_RETURN(const int64_t index, ScalarInt(context.input(1), "index"));
    RETURN_IF_ERROR(CheckElement(*list, context.input(2)));
    if (index < 0 || (index >= list->size() && !resize_)) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no element ", index, " in a list of ", list->size()));
    }
    RETURN_IF_ERROR(CheckListSize(index));
    if (index >= list->size()) list->elements.resize(index + 1);
    list->elements[index] = context.input(2);
    return SetList(context, 0, std::move(list));
  }

 private:
  bool resize_ = false;
};
CRYOGRAPH_KERNEL(SetItemKernel, "TensorListSetItem");

absl::Status PushBack(KernelContext& context) {
  ASSIGN_OR_RETURN(auto list, OwnListOf(context, 0));
  RETURN_IF_ERROR(CheckElement(*list, context.input(1)));
  if (list->max_elements >= 0 && list->size() >= list->max_elements) {
    return absl::InvalidArgumentError(
        absl::StrCat("the list may have ", list->max_elements, " elements only"));
  }
  RETURN_IF_ERROR(CheckListSize(list->size() + 1));
  list->elements.push_back(context.input(1));
  return SetList(context, 0, std::move(list));
}
CRYOGRAPH_KERNEL_FUNCTION(PushBack, "TensorListPushBack");

absl::Status PopBack(KernelContext& context) {
  ASSIGN_OR_RETURN(auto list, OwnListOf(context, 0));
  RETURN_IF_ERROR(CheckListType(*list, context.node().output_type(1)));
  if (list->elements.empty()) return absl::InvalidArgumentError("the list is empty");
  ASSIGN_OR_RETURN(const PartialShape shape, ShapeOperand(context.input(1)));
  ASSIGN_OR_RETURN(Value value, ElementOf(*list, list->size() - 1, shape, context.pool()));
  context.SetOutput(1, std::move(value));
  list->elements.pop_back();
  return SetList(context, 0, std::move(list));
}
CRYOGRAPH_KERNEL_FUNCTION(PopBack, "TensorListPopBack");

absl::Status Resize(KernelContext& context) {
  ASSIGN_OR_RETURN(auto list, OwnListOf(context, 0));
  ASSIGN_OR_RETURN(const int64_t size, ScalarInt(context.input(1), "size"));
  RETURN_IF_ERROR(CheckListSize(size));
  list->elements.resize(size);
  return SetList(context, 0, std::move(list));
}
CRYOGRAPH_KERNEL_FUNCTION(Resize, "TensorListResize");

// Lists of equal shape, or tensors of lists of it: the second's elements behind the first's.
absl::Status ConcatLists(KernelContext& context) {
  const Value& a = context.input(0);
  const Value& b = context.input(1);
  RETURN_IF_ERROR(ExpectSameShape(a, b));
  DataType dtype;
  RETURN_IF_ERROR(context.node().Attr("element_dtype", &dtype));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, a.shape()));
  for (int64_t i = 0; i < a.num_elements(); ++i) {
    const auto first = std::dynamic_pointer_cast<TensorList>(a.data<Handle>()[i]);
    const auto second = std::dynamic_pointer_cast<TensorList>(b.data<Handle>()[i]);
    if (first == nullptr || second == nullptr) return absl::InvalidArgumentError("expected tensor lists");
    RETURN_IF_ERROR(CheckListType(*first, dtype));
    RETURN_IF_ERROR(CheckListType(*second, dtype));
    ASSIGN_OR_RETURN(PartialShape shape, MergeShapes(first->element_shape, second->element_shape));
    auto joined = std::make_shared<TensorList>(*first);
    joined->element_shape = std::move(shape);
    RETURN_IF_ERROR(CheckListSize(first->size() + second->size()));
    joined->elements.insert(joined->elements.end(), second->elements.begin(), second->elements.end());
    output->mutable_data<Handle>()[i] = std::move(joined);
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ConcatLists, "TensorListConcatLists");

}  // namespace
}  // namespace cryograph
