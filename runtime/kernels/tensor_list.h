// The value of a variant that is a tensor list.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_TENSOR_LIST_H_
#define CRYOGRAPH_RUNTIME_KERNELS_TENSOR_LIST_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/attr.h"
#include "runtime/kernel.h"

namespace cryograph {

// A value: a kernel that changes one makes a copy, unless nobody else has it.
class TensorList final : public Object {
 public:
  TensorList(DataType dtype, PartialShape element_shape)
      : dtype(dtype), element_shape(std::move(element_shape)) {}
  static const char* Kind() { return "tensor list"; }
  const char* kind() const override { return Kind(); }

  int64_t size() const { return static_cast<int64_t>(elements.size()); }

  DataType dtype;
  PartialShape element_shape;
  int64_t max_elements = -1;    // -1: any number.
  std::vector<Value> elements;  // One that was never set has no value.
};

// More elements than memory could ever hold are a mistake of the graph.
inline constexpr int64_t kMaxListElements = int64_t{1} << 26;
absl::Status CheckListSize(int64_t size);

// The list of input `index`, to read.
absl::StatusOr<std::shared_ptr<TensorList>> ListOf(const KernelContext& context, int index);
// The list of input `index` to change: that one if nobody else has it, else a copy.
absl::StatusOr<std::shared_ptr<TensorList>> OwnListOf(const KernelContext& context, int index);

// InvalidArgument if `list` does not hold `dtype`.
absl::Status CheckListType(const TensorList& list, DataType dtype);
// InvalidArgument if `value` cannot be an element.
absl::Status CheckElement(const TensorList& list, const Value& value);

// Element `index`; zeros if it was never set and its shape is known from the list, `shape`, or other
// elements.
absl::StatusOr<Value> ElementOf(const TensorList& list, int64_t index, const PartialShape& shape,
                                MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_TENSOR_LIST_H_
