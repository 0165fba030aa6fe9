// Stacks, which keep the values of a loop for its gradient: StackV2, StackPushV2, StackPopV2, StackCloseV2,
// and the ops of version 1. They live as long as their handles.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class Stack final : public Object {
 public:
  Stack(DataType dtype, int64_t max_size) : dtype_(dtype), max_size_(max_size) {}
  static const char* Kind() { return "stack"; }
  const char* kind() const override { return Kind(); }

  absl::Status Push(Value value) {
    absl::MutexLock lock(&mutex_);
    if (closed_) return absl::InvalidArgumentError("the stack is closed");
    if (value.dtype() != dtype_) {
      return absl::InvalidArgumentError(
          absl::StrCat("the stack holds ", DataTypeName(dtype_), ", not ", DataTypeName(value.dtype())));
    }
    if (max_size_ >= 0 && static_cast<int64_t>(values_.size()) >= max_size_) {
      return absl::InvalidArgumentError(
          absl::StrCat("the stack is full: it has ", values_.size(), " elements"));
    }
    values_.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::StatusOr<Value> Pop() {
    absl::MutexLock lock(&mutex_);
    if (closed_) return absl::InvalidArgumentError("the stack is closed");
    if (values_.empty()) return absl::InvalidArgumentError("the stack is empty");
    Value value = std::move(values_.back());
    values_.pop_back();
    return value;
  }

  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    values_.clear();
  }

 private:
  const DataType dtype_;
  const int64_t max_size_;  // Less than 0: any.
  absl::Mutex mutex_;
  std::vector<Value> values_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

class StackKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("elem_type", &dtype_); }
  absl::Status Compute(KernelContext& context) const override {
    int64_t max_size = -1;
    if (context.num_inputs() > 0) {
      ASSIGN_OR_RETURN(max_size, ScalarInt(context.input(0), "max_size"));
    }
    return context.SetScalarOutput<Handle>(0, std::make_shared<Stack>(dtype_, max_size));
  }

 private:
  DataType dtype_ = DT_INVALID;
};
CRYOGRAPH_KERNEL(StackKernel, "Stack", "StackV2");

// Forwards what it pushes.
absl::Status Push(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto stack, ObjectOf<Stack>(context.input(0)));
  RETURN_IF_ERROR(stack->Push(context.input(1)));
  context.SetOutput(0, context.input(1));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Push, "StackPush", "StackPushV2");

absl::Status Pop(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto stack, ObjectOf<Stack>(context.input(0)));
  ASSIGN_OR_RETURN(Value value, stack->Pop());
  if (value.dtype() != context.node().output_type(0)) {
    return absl::InvalidArgumentError(absl::StrCat("the stack holds ", DataTypeName(value.dtype()), ", not ",
                                                   DataTypeName(context.node().output_type(0))));
  }
  context.SetOutput(0, std::move(value));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Pop, "StackPop", "StackPopV2");

absl::Status Close(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto stack, ObjectOf<Stack>(context.input(0)));
  stack->Close();
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Close, "StackClose", "StackCloseV2");

}  // namespace
}  // namespace cryograph
