// What a kernel is told of its node before it runs.
#ifndef CRYOGRAPH_RUNTIME_NODE_INFO_H_
#define CRYOGRAPH_RUNTIME_NODE_INFO_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/op_schema.h"
#include "runtime/memory.h"
#include "runtime/value.h"

namespace cryograph {

class ThreadPool;

// A function as an attribute names it, with the values it binds (serialized AttrValues).
struct FunctionRef {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attrs;  // Sorted by key.
};

// Views are of the graph, which outlives the kernels.
class NodeInfo {
 public:
  // `attrs`: sorted by key, placeholders of a function body already replaced.
  NodeInfo(absl::string_view name, absl::string_view op, const OpSchema* schema,
           std::vector<std::pair<absl::string_view, AttrView>> attrs)
      : name_(name), op_(op), schema_(schema), attrs_(std::move(attrs)) {}

  absl::string_view name() const { return name_; }
  absl::string_view op() const { return op_; }
  int num_inputs() const { return static_cast<int>(input_types_.size()); }
  int num_outputs() const { return static_cast<int>(output_types_.size()); }
  DataType input_type(int index) const { return input_types_[index]; }
  DataType output_type(int index) const { return output_types_[index]; }
  absl::Span<const DataType> input_types() const { return input_types_; }
  absl::Span<const DataType> output_types() const { return output_types_; }

  // The value in the node, else the default of the op; kNone if there is neither.
  AttrView attr(absl::string_view key) const;
  const std::vector<std::pair<absl::string_view, AttrView>>& attrs() const { return attrs_; }

  // Reads attribute `key` into *value. InvalidArgument if it is absent and has no default, or is of another
  // kind, or out of the range of a smaller integer.
  absl::Status Attr(absl::string_view key, bool* value) const;
  absl::Status Attr(absl::string_view key, int64_t* value) const;
  absl::Status Attr(absl::string_view key, int32_t* value) const;
  absl::Status Attr(absl::string_view key, float* value) const;
  absl::Status Attr(absl::string_view key, std::string* value) const;
  absl::Status Attr(absl::string_view key, DataType* value) const;
  absl::Status Attr(absl::string_view key, PartialShape* value) const;
  absl::Status Attr(absl::string_view key, FunctionRef* value) const;
  absl::Status Attr(absl::string_view key, Tensor* value) const;
  absl::Status Attr(absl::string_view key, std::vector<bool>* value) const;
  absl::Status Attr(absl::string_view key, std::vector<int64_t>* value) const;
  absl::Status Attr(absl::string_view key, std::vector<int32_t>* value) const;
  absl::Status Attr(absl::string_view key, std::vector<float>* value) const;
  absl::Status Attr(absl::string_view key, std::vector<std::string>* value) const;
  absl::Status Attr(absl::string_view key, std::vector<DataType>* value) const;
  absl::Status Attr(absl::string_view key, std::vector<PartialShape>* value) const;
  absl::Status Attr(absl::string_view key, std::vector<FunctionRef>* value) const;

  // Unimplemented: this kernel lacks the type.
  absl::Status UnsupportedType(DataType dtype) const;
  // Unimplemented: this kernel lacks what the attribute asks for.
  absl::Status UnsupportedAttr(absl::string_view key, absl::string_view value) const;

  // Never null for a node of a plan.
  const OpSchema* schema() const { return schema_; }
  // The node as a call of the function that its op is.
  FunctionRef AsFunction() const;

  // --- For the planner.
  // InvalidArgument if an attribute is missing, or has a value that the op does not take in any release.
  absl::Status CheckAttrs() const;
  // Sets the types of inputs and outputs from the attributes.
  absl::Status FindTypes();

 private:
  template <typename T, typename Get>
  absl::Status Read(absl::string_view key, AttrView::Kind kind, const char* kind_name, T* value,
                    Get get) const;

  absl::string_view name_, op_;
  const OpSchema* schema_;
  std::vector<std::pair<absl::string_view, AttrView>> attrs_;
  std::vector<DataType> input_types_, output_types_;
};

// For Kernel::Prepare().
class PrepareContext {
 public:
  PrepareContext(absl::Span<const Value* const> constants, MemoryPool& pool, ThreadPool* threads)
      : constants_(constants), pool_(pool), threads_(threads) {}
  int num_inputs() const { return static_cast<int>(constants_.size()); }
  // Null if the input is known only when the graph runs. Copy the Value (not the elements) to keep it.
  const Value* constant_input(int index) const { return constants_[index]; }
  // The kernel has all it needs of this constant input, and Compute() will not look at it: its memory may go.
  void ReleaseInput(int index) { released_ |= index < 64 ? uint64_t{1} << index : 0; }
  uint64_t released() const { return released_; }
  MemoryPool& pool() { return pool_; }
  // May be null: then there is one thread, the caller's.
  ThreadPool* threads() { return threads_; }

 private:
  absl::Span<const Value* const> constants_;
  MemoryPool& pool_;
  ThreadPool* threads_;
  uint64_t released_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_NODE_INFO_H_
