// Tensor arrays of versions 1 to 3. They live as long as the run. The handle is a resource, or, before
// version 3, a name; the flow is a float that only carries order. And arrays of gradients.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"

namespace cryograph {
namespace {

class TensorArray final : public Object {
 public:
  struct Options {
    DataType dtype = DT_INVALID;
    PartialShape element_shape = {true, {}};
    bool dynamic_size = false, clear_after_read = true, identical_element_shapes = false;
    bool sums_writes = false;  // Of gradients: what is written to one element adds up.
  };
  TensorArray(Options options, int64_t size)
      : dtype_(options.dtype), options_(std::move(options)), elements_(size) {}
  // With elements of these shapes, as far as they are known, which are zeros until they are written.
  TensorArray(Options options, const std::vector<PartialShape>& shapes)
      : dtype_(options.dtype), options_(std::move(options)), elements_(shapes.size()) {
    for (size_t i = 0; i < shapes.size(); ++i) elements_[i].shape = shapes[i];
  }
  static const char* Kind() { return "tensor array"; }
  const char* kind() const override { return Kind(); }
  DataType dtype() const { return dtype_; }

  absl::StatusOr<int64_t> Size() const {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    return static_cast<int64_t>(elements_.size());
  }
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    elements_.clear();
  }

  // The array of this one's gradients for `source`, made at the first call: of this size, which is the last
  // one, and of elements that are zeros of the shapes of these, with `prepended` dimensions in front.
  absl::StatusOr<std::shared_ptr<TensorArray>> Gradient(const std::string& source, const Shape& prepended) {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    std::shared_ptr<TensorArray>& gradient = gradients_[source];
    if (gradient != nullptr) return gradient;
    options_.dynamic_size = false;
    Options options;
    options.dtype = dtype_;
    options.identical_element_shapes = options_.identical_element_shapes;
    options.sums_writes = true;
    options.element_shape = Prepended(prepended, options_.element_shape);
    std::vector<PartialShape> shapes;
    for (const Element& element : elements_) shapes.push_back(Prepended(prepended, element.shape));
    gradient = std::make_shared<TensorArray>(options, shapes);
    return gradient;
  }

  absl::Status Write(int64_t index, Value value, MemoryPool& pool) {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    if (value.dtype() != dtype_) {
      return absl::InvalidArgumentError(
          absl::StrCat("the array holds ", DataTypeName(dtype_), ", not ", DataTypeName(value.dtype())));
    }
    RETURN_IF_ERROR(Grow(index));
    Element& element = elements_[index];
    if (element.value.has_value() && options_.sums_writes && !element.read) {
      ASSIGN_OR_RETURN(element.value, SumOf(element.value, value, pool));
      return absl::OkStatus();
    }
    if (element.read || element.value.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("element ", index, " has been ", element.read ? "read" : "written", " before"));
    }
    RETURN_IF_ERROR(CheckShape(value, options_.element_shape));
    if (options_.identical_element_shapes) options_.element_shape = ShapeOf(value);
    element.shape = ShapeOf(value);
    element.value = std::move(value);
    return absl::OkStatus();
  }

  // Elements that were never written are zeros where the shape is known.
  absl::StatusOr<Value> Read(int64_t index, MemoryPool& pool) {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    if (index < 0 || index >= static_cast<int64_t>(elements_.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no element ", index, " in an array of ", elements_.size()));
    }
    Element& element = elements_[index];
    if (element.cleared) {
      return absl::InvalidArgumentError(absl::StrCat("element ", index, " was read before, and is gone"));
    }
    if (!element.value.has_value()) {
      const PartialShape& shape = element.shape.unknown_rank ? options_.element_shape : element.shape;
      if (!IsFullyKnown(shape)) {
        return absl::InvalidArgumentError(
            absl::StrCat("element ", index, " was never written, and its shape is not known"));
      }
      ASSIGN_OR_RETURN(element.value, ZerosOf(dtype_, shape.dims, pool));
    }
    element.read = true;
    Value value = element.value;
    if (options_.clear_after_read) {
      element.cleared = true;
      element.value = Value();
    }
    return value;
  }

  absl::StatusOr<std::vector<Value>> ReadAll(absl::Span<const int64_t> indices, MemoryPool& pool) {
    std::vector<Value> values;
    for (int64_t index : indices) {
      ASSIGN_OR_RETURN(Value value, Read(index, pool));
      values.push_back(std::move(value));
    }
    return values;
  }

  // The array has `size` elements, or grows to them if it may.
  absl::Status SetSize(int64_t size) {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    if (size == static_cast<int64_t>(elements_.size())) return absl::OkStatus();
    if (options_.dynamic_size) return size == 0 ? absl::OkStatus() : Grow(size - 1);
    return absl::InvalidArgumentError(
        absl::StrCat("the array is of ", elements_.size(), " elements, not ", size));
  }

  // From now on elements have `shape`, too. The result is all that is known of them.
  absl::StatusOr<PartialShape> NarrowElementShape(const PartialShape& shape) {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(options_.element_shape, MergeShapes(shape, options_.element_shape));
    return options_.element_shape;
  }

 private:
  struct Element {
    Value value;
    PartialShape shape = {true, {}};  // Of what was written, or of what the gradient is of.
    bool read = false, cleared = false;
  };

  static PartialShape Prepended(const Shape& dims, PartialShape shape) {
    if (!shape.unknown_rank) shape.dims.insert(shape.dims.begin(), dims.begin(), dims.end());
    return shape;
  }

  absl::Status CheckOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closed_ ? absl::InvalidArgumentError("the tensor array is closed") : absl::OkStatus();
  }

  absl::Status Grow(int64_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    // More elements than memory could ever hold are a mistake of the graph.
    constexpr int64_t kMaxElements = int64_t{1} << 26;
    const int64_t size = static_cast<int64_t>(elements_.size());
    if (index >= 0 && index < size) return absl::OkStatus();
    if (index < 0 || !options_.dynamic_size) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no element ", index, " in an array of ", size));
    }
    if (index >= kMaxElements)
      return absl::ResourceExhaustedError(absl::StrCat("a tensor array of ", index, " elements"));
    elements_.resize(index + 1);
    return absl::OkStatus();
  }

  const DataType dtype_;
  mutable absl::Mutex mutex_;
  Options options_ ABSL_GUARDED_BY(mutex_);
  std::vector<Element> elements_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<TensorArray>> gradients_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

std::string ResourceName(absl::string_view name) { return absl::StrCat("tensor array\n", name); }

// What a handle of any version refers to.
absl::StatusOr<std::shared_ptr<TensorArray>> ArrayOf(KernelContext& context) {
  Value handle = context.input(0);
  if (handle.dtype() == DT_RESOURCE) return ObjectOf<TensorArray>(handle);
  if (IsRefType(handle.dtype())) {
    ASSIGN_OR_RETURN(const std::shared_ptr<Variable> variable, ObjectOf<Variable>(handle));
    ASSIGN_OR_RETURN(handle, variable->Read());
  }
  if (handle.dtype() != DT_STRING || handle.num_elements() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected the handle of a tensor array, not ", ValueText(handle)));
  }
  const Handle object = context.step_resources().Find(ResourceName(handle.data<std::string>()[1]));
  std::shared_ptr<TensorArray> array = std::dynamic_pointer_cast<TensorArray>(object);
  if (array == nullptr) return absl::NotFoundError("the run has no such tensor array");
  return array;
}

absl::Status SetFlow(KernelContext& context, int output) { return context.SetScalarOutput<float>(output, 0); }

// The handle, output 0, in the form of the op's version.
absl::Status SetHandle(KernelContext& context, absl::string_view base_name,
                       std::shared_ptr<TensorArray> array) {
  const DataType handle_type = context.node().output_type(0);
  if (handle_type == DT_RESOURCE) return context.SetScalarOutput<Handle>(0, std::move(array));
  static std::atomic<int64_t> counter{0};
  const std::string name = absl::StrCat(base_name, "_", counter.fetch_add(1));
  context.step_resources().Set(ResourceName(name), std::move(array));
  ASSIGN_OR_RETURN(Value handle, context.AllocateTemp(DT_STRING, {2}));
  handle.mutable_data<std::string>()[0] = "_tensor_arrays";
  handle.mutable_data<std::string>()[1] = name;
  if (!IsRefType(handle_type)) {
    context.SetOutput(0, std::move(handle));
    return absl::OkStatus();
  }
  auto variable = std::make_shared<Variable>(name, DT_STRING);
  variable->Assign(std::move(handle));
  return context.SetScalarOutput<Handle>(0, std::move(variable));
}

class TensorArrayKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("dtype", &options_.dtype));
    RETURN_IF_ERROR(node.Attr("dynamic_size", &options_.dynamic_size));
    RETURN_IF_ERROR(node.Attr("clear_after_read", &options_.clear_after_read));
    RETURN_IF_ERROR(node.Attr("tensor_array_name", &name_));
    if (name_.empty()) name_ = std::string(node.name());
    if (node.attr("element_shape").kind() == AttrView::kShape) {
      RETURN_IF_ERROR(node.Attr("element_shape", &options_.element_shape));
    }
    if (node.attr("identical_element_shapes").kind() == AttrView::kBool) {
      RETURN_IF_ERROR(node.Attr("identical_element_shapes", &options_.identical_element_shapes));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    constexpr int64_t kMaxElements = int64_t{1} << 26;
    ASSIGN_OR_RETURN(const int64_t size, ScalarInt(context.input(0), "size"));
    if (size < 0) return absl::InvalidArgumentError(absl::StrCat("size is ", size));
    if (size > kMaxElements)
      return absl::ResourceExhaustedError(absl::StrCat("a tensor array of ", size, " elements"));
    auto array = std::make_shared<TensorArray>(options_, size);
    if (context.num_outputs() > 1) RETURN_IF_ERROR(SetFlow(context, 1));
    return SetHandle(context, name_, std::move(array));
  }

 private:
  TensorArray::Options options_;
  std::string name_;
};
CRYOGRAPH_KERNEL(TensorArrayKernel, "TensorArray", "TensorArrayV2", "TensorArrayV3");

// (handle, flow), TensorArrayGradWithShape (handle, flow, shape to prepend).
class TensorArrayGradKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("source", &source_); }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
    Shape prepended;
    if (context.num_inputs() > 2) {
      RETURN_IF_ERROR(ExpectVector(context.input(2), "shape_to_prepend"));
      ASSIGN_OR_RETURN(prepended, IntVector(context.input(2), "shape_to_prepend"));
      RETURN_IF_ERROR(NumElements(prepended).status());
    }
    ASSIGN_OR_RETURN(auto gradient, array->Gradient(source_, prepended));
    if (context.num_outputs() > 1) RETURN_IF_ERROR(SetFlow(context, 1));
    return SetHandle(context, source_, std::move(gradient));
  }

 private:
  std::string source_;
};
CRYOGRAPH_KERNEL(TensorArrayGradKernel, "TensorArrayGrad", "TensorArrayGradV2", "TensorArrayGradV3",
                 "TensorArrayGradWithShape");

absl::Status WriteElement(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
  ASSIGN_OR_RETURN(const int64_t index, ScalarInt(context.input(1), "index"));
  RETURN_IF_ERROR(array->Write(index, context.input(2), context.pool()));
  return SetFlow(context, 0);
}
CRYOGRAPH_KERNEL_FUNCTION(WriteElement, "TensorArrayWrite", "TensorArrayWriteV2", "TensorArrayWriteV3");

absl::Status ReadElement(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
  ASSIGN_OR_RETURN(const int64_t index, ScalarInt(context.input(1), "index"));
  if (array->dtype() != context.node().output_type(0)) {
    return absl::InvalidArgumentError(absl::StrCat("the array holds ", DataTypeName(array->dtype())));
  }
  ASSIGN_OR_RETURN(Value value, array->Read(index, context.pool()));
  context.SetOutput(0, std::move(value));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ReadElement, "TensorArrayRead", "TensorArrayReadV2", "TensorArrayReadV3");

std::vector<const Value*> Pointers(const std::vector<Value>& values) {
  std::vector<const Value*> pointers;
  for (const Value& value : values) pointers.push_back(&value);
  return pointers;
}

// Stacks some elements, or all of them (TensorArrayPack).
class GatherKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    has_indices_ = !absl::StartsWith(node.op(), "TensorArrayPack");
    if (node.attr("element_shape").kind() != AttrView::kShape) return absl::OkStatus();
    return node.Attr("element_shape", &element_shape_);
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
    if (array->dtype() != context.node().output_type(0)) {
      return absl::InvalidArgumentError(absl::StrCat("the array holds ", DataTypeName(array->dtype())));
    }
    Shape indices;
    if (has_indices_) {
      RETURN_IF_ERROR(ExpectVector(context.input(1), "indices"));
      ASSIGN_OR_RETURN(indices, IntVector(context.input(1), "indices"));
    } else {
      ASSIGN_OR_RETURN(const int64_t size, array->Size());
      for (int64_t i = 0; i < size; ++i) indices.push_back(i);
    }
    ASSIGN_OR_RETURN(const PartialShape shape, array->NarrowElementShape(element_shape_));
    ASSIGN_OR_RETURN(const std::vector<Value> values, array->ReadAll(indices, context.pool()));
    ASSIGN_OR_RETURN(Value stack, Stack(Pointers(values), array->dtype(), shape, context.pool()));
    context.SetOutput(0, std::move(stack));
    return absl::OkStatus();
  }

 private:
  PartialShape element_shape_ = {true, {}};
  bool has_indices_ = true;
};
CRYOGRAPH_KERNEL(GatherKernel, "TensorArrayGather", "TensorArrayGatherV2", "TensorArrayGatherV3",
                 "TensorArrayPack");

// Inputs: handle, indices, value, flow; without indices for TensorArrayUnpack.
absl::Status ScatterRows(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
  const bool has_indices = !absl::StartsWith(context.node().op(), "TensorArrayUnpack");
  const Value& value = context.input(has_indices ? 2 : 1);
  if (value.rank() == 0) return absl::InvalidArgumentError("value must not be a scalar");
  Shape indices;
  if (has_indices) {
    RETURN_IF_ERROR(ExpectVector(context.input(1), "indices"));
    ASSIGN_OR_RETURN(indices, IntVector(context.input(1), "indices"));
    if (static_cast<int64_t>(indices.size()) != value.dim(0)) {
      return absl::InvalidArgumentError(
          absl::StrCat(indices.size(), " indices for the rows of ", ValueText(value)));
    }
  } else {
    RETURN_IF_ERROR(array->SetSize(value.dim(0)));
    for (int64_t i = 0; i < value.dim(0); ++i) indices.push_back(i);
  }
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i);
    ASSIGN_OR_RETURN(Value element, CopyRows(value, row, row + 1, /*drop_dim=*/true, context.pool()));
    RETURN_IF_ERROR(array->Write(indices[i], std::move(element), context.pool()));
  }
  return SetFlow(context, 0);
}
CRYOGRAPH_KERNEL_FUNCTION(ScatterRows, "TensorArrayScatter", "TensorArrayScatterV2", "TensorArrayScatterV3",
                          "TensorArrayUnpack");

class ConcatKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.attr("element_shape_except0").kind() != AttrView::kShape) return absl::OkStatus();
    return node.Attr("element_shape_except0", &rest_);
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
    if (array->dtype() != context.node().output_type(0)) {
      return absl::InvalidArgumentError(absl::StrCat("the array holds ", DataTypeName(array->dtype())));
    }
    ASSIGN_OR_RETURN(const int64_t size, array->Size());
    std::vector<int64_t> indices(size);
    for (int64_t i = 0; i < size; ++i) indices[i] = i;
    ASSIGN_OR_RETURN(const std::vector<Value> values, array->ReadAll(indices, context.pool()));
    std::vector<int64_t> lengths;
    ASSIGN_OR_RETURN(Value joined,
                     Concatenate(Pointers(values), array->dtype(), rest_, &lengths, context.pool()));
    context.SetOutput(0, std::move(joined));
    ASSIGN_OR_RETURN(Value * lengths_output, context.AllocateOutput(1, {size}));
    std::copy(lengths.begin(), lengths.end(), lengths_output->mutable_data<int64_t>());
    return absl::OkStatus();
  }

 private:
  PartialShape rest_ = {true, {}};
};
CRYOGRAPH_KERNEL(ConcatKernel, "TensorArrayConcat", "TensorArrayConcatV2", "TensorArrayConcatV3");

absl::Status SplitRows(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
  const Value& value = context.input(1);
  RETURN_IF_ERROR(ExpectVector(context.input(2), "lengths"));
  ASSIGN_OR_RETURN(const Shape lengths, IntVector(context.input(2), "lengths"));
  if (value.rank() == 0) return absl::InvalidArgumentError("value must not be a scalar");
  int64_t rows_left = value.dim(0);
  for (int64_t length : lengths) {
    if (length < 0 || length > rows_left)
      return absl::InvalidArgumentError("lengths do not sum up to the rows of value");
    rows_left -= length;
  }
  if (rows_left != 0) return absl::InvalidArgumentError("lengths do not sum up to the rows of value");
  RETURN_IF_ERROR(array->SetSize(static_cast<int64_t>(lengths.size())));
  int64_t begin = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    ASSIGN_OR_RETURN(Value rows,
                     CopyRows(value, begin, begin + lengths[i], /*drop_dim=*/false, context.pool()));
    RETURN_IF_ERROR(array->Write(static_cast<int64_t>(i), std::move(rows), context.pool()));
    begin += lengths[i];
  }
  return SetFlow(context, 0);
}
CRYOGRAPH_KERNEL_FUNCTION(SplitRows, "TensorArraySplit", "TensorArraySplitV2", "TensorArraySplitV3");

absl::Status GetSize(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
  ASSIGN_OR_RETURN(const int64_t size, array->Size());
  return context.SetScalarOutput<int32_t>(0, static_cast<int32_t>(size));
}
CRYOGRAPH_KERNEL_FUNCTION(GetSize, "TensorArraySize", "TensorArraySizeV2", "TensorArraySizeV3");

absl::Status CloseArray(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto array, ArrayOf(context));
  array->Close();
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(CloseArray, "TensorArrayClose", "TensorArrayCloseV2", "TensorArrayCloseV3");

}  // namespace
}  // namespace cryograph
