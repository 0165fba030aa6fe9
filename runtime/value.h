// A tensor as the runtime computes with it: type, shape, and elements in an aligned block that values share.
#ifndef CRYOGRAPH_RUNTIME_VALUE_H_
#define CRYOGRAPH_RUNTIME_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/dtype.h"
#include "graph/tensor.h"
#include "runtime/memory.h"

namespace cryograph {

using Shape = absl::InlinedVector<int64_t, 6>;
inline constexpr size_t kMaxRank = 254;  // Of TensorFlow's TensorShape.

// What an element of a resource or variant tensor refers to: a variable, a table, a tensor list …
class Object {
 public:
  virtual ~Object() = default;
  // "variable", "tensor list": for messages.
  virtual const char* kind() const = 0;
};
using Handle = std::shared_ptr<Object>;

// Bytes of an element in a Value: those of the dtype; strings are std::string, resources and variants
// Handle. References are a Handle to their variable. 0 for unknown types.
int ValueElementBytes(DataType dtype);

// Copying shares the elements. Row major. Sub-byte types take one byte each.
class Value {
 public:
  Value() = default;  // No value: dtype() is DT_INVALID.

  // Elements unspecified for plain types, empty for strings and handles. InvalidArgument for a negative
  // dimension or a size beyond 2^63 - 1; ResourceExhausted beyond the pool's limit; Unimplemented for an
  // unknown type.
  static absl::StatusOr<Value> Allocate(DataType dtype, absl::Span<const int64_t> dims, MemoryPool& pool);

  // Shows the tensor's own bytes where they are aligned for their type and `owner` keeps them; else a copy.
  static absl::StatusOr<Value> FromTensor(const Tensor& tensor, MemoryPool& pool);
  // Shows the tensor's own bytes, which `owner` keeps, wherever they are: aligned() may be false, and then
  // elements must be copied out. InvalidArgument unless there is one for each element of a plain type.
  static absl::StatusOr<Value> View(const Tensor& tensor, std::shared_ptr<const void> owner);
  // Shows this value's elements; they live as long as the result. Unimplemented for resources and variants.
  absl::StatusOr<Tensor> ToTensor() const;

  bool has_value() const { return dtype_ != DT_INVALID; }
  DataType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return static_cast<int>(shape_.size()); }
  int64_t dim(int axis) const { return shape_[axis]; }
  int64_t num_elements() const { return num_elements_; }
  bool is_scalar() const { return shape_.empty(); }
  bool is_vector() const { return shape_.size() == 1; }
  // Of plain types; of strings and handles, of the objects alone.
  uint64_t num_bytes() const { return static_cast<uint64_t>(num_elements_) * ValueElementBytes(dtype_); }

  // T must have the size of an element: float, Half, uint8_t (also for bool and 8-bit types), std::string,
  // Handle … or any type of that size, when only bytes are moved.
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(data_);
  }
  template <typename T>
  T* mutable_data() {
    return reinterpret_cast<T*>(data_);
  }
  template <typename T>
  absl::Span<const T> span() const {
    return absl::MakeConstSpan(data<T>(), static_cast<size_t>(num_elements_));
  }
  template <typename T>
  absl::Span<T> mutable_span() {
    return absl::MakeSpan(mutable_data<T>(), static_cast<size_t>(num_elements_));
  }
  template <typename T>
  const T& scalar() const {
    return *data<T>();
  }
  const char* raw() const { return data_; }
  char* mutable_raw() { return data_; }

  // True for all values but some of View(): elements lie where their type wants them to.
  bool aligned() const;

  // The same elements under another shape of as many elements.
  Value Reshaped(absl::Span<const int64_t> dims) const;
  // The same bits as another type of the same width (qint8 as int8 …).
  Value WithType(DataType dtype) const;
  // Rows [begin, end) of dimension 0, sharing the elements. Rank >= 1 and 0 <= begin <= end <= dim(0).
  Value Rows(int64_t begin, int64_t end) const;

  // No other value shares the elements, so they may be overwritten.
  bool writable_alone() const { return buffer_.writable_alone(); }
  bool SharesElementsWith(const Value& other) const { return buffer_ && buffer_ == other.buffer_; }
  // A copy of the elements that nobody shares.
  absl::StatusOr<Value> Copy(MemoryPool& pool) const;
  const BufferRef& buffer() const { return buffer_; }

 private:
  DataType dtype_ = DT_INVALID;
  Shape shape_;
  int64_t num_elements_ = 0;
  char* data_ = nullptr;
  BufferRef buffer_;
};

// "float [2,3]".
std::string ValueText(const Value& value);
std::string ShapeText(const Shape& shape);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_VALUE_H_
