// What outlives a run: variables, tables and the state of nodes, by name, for as long as the session lives.
#ifndef CRYOGRAPH_RUNTIME_RESOURCE_H_
#define CRYOGRAPH_RUNTIME_RESOURCE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "runtime/value.h"

namespace cryograph {

// A variable of any kind (VarHandleOp, VariableV2). Thread safe.
class Variable final : public Object {
 public:
  explicit Variable(std::string name, DataType dtype) : name_(std::move(name)), dtype_(dtype) {}
  static const char* Kind() { return "variable"; }
  const char* kind() const override { return Kind(); }
  const std::string& name() const { return name_; }
  DataType dtype() const { return dtype_; }

  // FailedPrecondition if it was never assigned.
  absl::StatusOr<Value> Read() const {
    absl::MutexLock lock(&mutex_);
    if (!value_.has_value()) {
      return absl::FailedPreconditionError(absl::StrCat("variable '", name_, "' is not initialized"));
    }
    return value_;
  }
  bool initialized() const {
    absl::MutexLock lock(&mutex_);
    return value_.has_value();
  }
  void Assign(Value value) {
    absl::MutexLock lock(&mutex_);
    value_ = std::move(value);
  }
  // Changes the value under the lock; update(Value&) gets no value if there is none.
  absl::Status Update(const std::function<absl::Status(Value& value)>& update) {
    absl::MutexLock lock(&mutex_);
    return update(value_);
  }

 private:
  const std::string name_;
  const DataType dtype_;
  mutable absl::Mutex mutex_;
  Value value_ ABSL_GUARDED_BY(mutex_);
};

// Objects of a session by name. Thread safe.
class ResourceManager {
 public:
  // The object `name`, made by `make` at the first call. InvalidArgument if it is there as another kind.
  // T has a static function Kind().
  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> FindOrMake(absl::string_view name,
                                                const std::function<std::shared_ptr<T>()>& make) {
    absl::MutexLock lock(&mutex_);
    Handle& handle = objects_[std::string(name)];
    if (handle == nullptr) handle = make();
    return Cast<T>(name, handle);
  }

  // Null if there is none.
  Handle Find(absl::string_view name) const {
    absl::MutexLock lock(&mutex_);
    const auto found = objects_.find(name);
    return found == objects_.end() ? nullptr : found->second;
  }
  void Set(absl::string_view name, Handle handle) {
    absl::MutexLock lock(&mutex_);
    objects_[std::string(name)] = std::move(handle);
  }
  void Erase(absl::string_view name) {
    absl::MutexLock lock(&mutex_);
    const auto found = objects_.find(name);
    if (found != objects_.end()) objects_.erase(found);
  }
  void Clear() {
    absl::MutexLock lock(&mutex_);
    objects_.clear();
  }

 private:
  template <typename T>
  static absl::StatusOr<std::shared_ptr<T>> Cast(absl::string_view name, const Handle& handle) {
    std::shared_ptr<T> typed = std::dynamic_pointer_cast<T>(handle);
    if (typed != nullptr) return typed;
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' is a ", handle->kind(), ", not a ", T::Kind()));
  }

  mutable absl::Mutex mutex_;
  std::map<std::string, Handle, std::less<>> objects_ ABSL_GUARDED_BY(mutex_);
};

// The object that the one element of `value` refers to. InvalidArgument if `value` is no scalar of handles,
// if it is empty, or refers to an object of another kind.
template <typename T>
absl::StatusOr<std::shared_ptr<T>> ObjectOf(const Value& value) {
  const bool holds_handles =
      value.dtype() == DT_RESOURCE || value.dtype() == DT_VARIANT || IsRefType(value.dtype());
  if (!holds_handles || value.num_elements() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("expected one ", T::Kind(), ", not ", ValueText(value)));
  }
  const Handle& handle = value.scalar<Handle>();
  std::shared_ptr<T> typed = std::dynamic_pointer_cast<T>(handle);
  if (typed != nullptr) return typed;
  return absl::InvalidArgumentError(absl::StrCat("expected a ", T::Kind(), ", not ",
                                                 handle == nullptr ? "an empty handle" : handle->kind()));
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_RESOURCE_H_
