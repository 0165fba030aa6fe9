#include "runtime/value.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

template <typename T>
void DestroyElements(char* data, int64_t count) {
  T* elements = reinterpret_cast<T*>(data);
  for (int64_t i = 0; i < count; ++i) elements[i].~T();
}

// Objects hold values that hold objects, as deep as a loop of a graph nests them: they end one after the
// other and not by recursion.
template <>
void DestroyElements<Handle>(char* data, int64_t count) {
  thread_local std::vector<Handle>* waiting = nullptr;
  std::vector<Handle> mine;
  const bool is_outermost = waiting == nullptr;
  if (is_outermost) waiting = &mine;
  Handle* handles = reinterpret_cast<Handle*>(data);
  for (int64_t i = 0; i < count; ++i) {
    if (handles[i] != nullptr) waiting->push_back(std::move(handles[i]));
    handles[i].~Handle();
  }
  if (!is_outermost) return;
  while (!mine.empty()) {
    const Handle next = std::move(mine.back());
    mine.pop_back();
  }
  waiting = nullptr;
}

template <typename T>
absl::StatusOr<BufferRef> AllocateElements(int64_t count, MemoryPool& pool) {
  ASSIGN_OR_RETURN(BufferRef buffer, pool.AllocateObjects(count, sizeof(T), &DestroyElements<T>));
  T* elements = reinterpret_cast<T*>(buffer.data());
  for (int64_t i = 0; i < count; ++i) new (elements + i) T();
  return buffer;
}

// Complex numbers are aligned as their parts.
bool IsAligned(const char* data, int element_bytes) {
  return reinterpret_cast<uintptr_t>(data) % std::min(element_bytes, 8) == 0;
}

absl::Status CheckRank(size_t rank) {
  if (rank <= kMaxRank) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a value of ", rank, " dimensions; TensorFlow takes ", kMaxRank));
}

bool HoldsHandles(DataType dtype) { return dtype == DT_RESOURCE || dtype == DT_VARIANT || IsRefType(dtype); }

}  // namespace

int ValueElementBytes(DataType dtype) {
  if (dtype == DT_STRING) return sizeof(std::string);
  if (HoldsHandles(dtype)) return sizeof(Handle);
  return DataTypeBytes(dtype);
}

absl::StatusOr<Value> Value::Allocate(DataType dtype, absl::Span<const int64_t> dims, MemoryPool& pool) {
  const int element_bytes = ValueElementBytes(dtype);
  if (element_bytes == 0) {
    return absl::UnimplementedError(absl::StrCat("no values of type ", DataTypeEnumName(dtype)));
  }
  RETURN_IF_ERROR(CheckRank(dims.size()));
  Value value;
  ASSIGN_OR_RETURN(value.num_elements_, NumElements(dims));
  value.dtype_ = dtype;
  value.shape_.assign(dims.begin(), dims.end());
  if (dtype == DT_STRING) {
    ASSIGN_OR_RETURN(value.buffer_, AllocateElements<std::string>(value.num_elements_, pool));
  } else if (HoldsHandles(dtype)) {
    ASSIGN_OR_RETURN(value.buffer_, AllocateElements<Handle>(value.num_elements_, pool));
  } else {
    if (value.num_elements_ > (int64_t{1} << 62) / element_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a value of shape ", ShapeText(value.shape_), " is beyond all memory"));
    }
    ASSIGN_OR_RETURN(value.buffer_,
                     pool.Allocate(static_cast<uint64_t>(value.num_elements_) * element_bytes));
  }
  value.data_ = value.buffer_.data();
  return value;
}

absl::StatusOr<Value> Value::FromTensor(const Tensor& tensor, MemoryPool& pool) {
  if (tensor.dtype == DT_STRING) {
    ASSIGN_OR_RETURN(Value value, Allocate(DT_STRING, tensor.dims, pool));
    const int64_t count = std::min<int64_t>(value.num_elements_, static_cast<int64_t>(tensor.strings.size()));
    for (int64_t i = 0; i < count; ++i) {
      value.mutable_data<std::string>()[i].assign(tensor.strings[i].data(), tensor.strings[i].size());
    }
    return value;
  }
  const int element_bytes = DataTypeBytes(tensor.dtype);
  if (element_bytes == 0) {
    return absl::UnimplementedError(absl::StrCat("no constants of type ", DataTypeEnumName(tensor.dtype)));
  }
  const bool may_show = tensor.owner != nullptr && tensor.dtype != DT_BOOL;
  if (may_show && !tensor.bytes.empty() && IsAligned(tensor.bytes.data(), element_bytes)) {
    return View(tensor, tensor.owner);
  }
  ASSIGN_OR_RETURN(Value value, Allocate(tensor.dtype, tensor.dims, pool));
  if (!tensor.bytes.empty()) std::memcpy(value.data_, tensor.bytes.data(), tensor.bytes.size());
  if (tensor.dtype == DT_BOOL) {  // Of any file. Kernels count on 0 and 1.
    for (int64_t i = 0; i < value.num_elements_; ++i) value.data_[i] = value.data_[i] != 0 ? 1 : 0;
  }
  return value;
}

absl::StatusOr<Value> Value::View(const Tensor& tensor, std::shared_ptr<const void> owner) {
  RETURN_IF_ERROR(CheckRank(tensor.dims.size()));
  Value value;
  ASSIGN_OR_RETURN(value.num_elements_, NumElements(tensor.dims));
  value.dtype_ = tensor.dtype;
  value.shape_.assign(tensor.dims.begin(), tensor.dims.end());
  const uint64_t element_bytes = DataTypeBytes(tensor.dtype);
  if (element_bytes == 0 || tensor.bytes.size() % element_bytes != 0 ||
      tensor.bytes.size() / element_bytes != static_cast<uint64_t>(value.num_elements_)) {
    return absl::InvalidArgumentError(absl::StrCat(tensor.bytes.size(), " bytes for a ", ValueText(value)));
  }
  value.buffer_ = MemoryPool::View(tensor.bytes.data(), std::move(owner));
  value.data_ = value.buffer_.data();
  return value;
}

bool Value::aligned() const {
  return num_elements_ == 0 || DataTypeBytes(dtype_) == 0 || IsAligned(data_, DataTypeBytes(dtype_));
}

absl::StatusOr<Tensor> Value::ToTensor() const {
  if (HoldsHandles(dtype_)) {
    return absl::UnimplementedError(absl::StrCat("a ", DataTypeName(dtype_), " has no bytes to show"));
  }
  Tensor tensor;
  tensor.dtype = dtype_;
  tensor.dims.assign(shape_.begin(), shape_.end());
  tensor.owner = std::make_shared<BufferRef>(buffer_);
  if (dtype_ == DT_STRING) {
    tensor.strings.assign(data<std::string>(), data<std::string>() + num_elements_);
  } else {
    tensor.bytes = absl::string_view(data_, num_bytes());
  }
  return tensor;
}

Value Value::Reshaped(absl::Span<const int64_t> dims) const {
  Value result = *this;
  result.shape_.assign(dims.begin(), dims.end());
  return result;
}

Value Value::WithType(DataType dtype) const {
  Value result = *this;
  result.dtype_ = dtype;
  return result;
}

Value Value::Rows(int64_t begin, int64_t end) const {
  Value result = *this;
  const int64_t row_elements = shape_[0] == 0 ? 0 : num_elements_ / shape_[0];
  result.shape_[0] = end - begin;
  result.num_elements_ = row_elements * (end - begin);
  result.data_ += begin * row_elements * ValueElementBytes(dtype_);
  return result;
}

absl::StatusOr<Value> Value::Copy(MemoryPool& pool) const {
  ASSIGN_OR_RETURN(Value result, Allocate(dtype_, shape_, pool));
  if (dtype_ == DT_STRING) {
    std::copy_n(data<std::string>(), num_elements_, result.mutable_data<std::string>());
  } else if (HoldsHandles(dtype_)) {
    std::copy_n(data<Handle>(), num_elements_, result.mutable_data<Handle>());
  } else if (num_elements_ > 0) {
    std::memcpy(result.data_, data_, num_bytes());
  }
  return result;
}

std::string ShapeText(const Shape& shape) { return ShapeText(absl::MakeConstSpan(shape)); }

std::string ValueText(const Value& value) {
  return absl::StrCat(DataTypeName(value.dtype()), " ", ShapeText(value.shape()));
}

}  // namespace cryograph
