// The object behind the handles of hash tables.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_LOOKUP_TABLE_H_
#define CRYOGRAPH_RUNTIME_KERNELS_LOOKUP_TABLE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/status_macros.h"
#include "graph/dtype.h"
#include "runtime/resource.h"
#include "runtime/value.h"

namespace cryograph {

// Keys and values are the bytes of their elements. Thread safe.
class LookupTable final : public Object {
 public:
  LookupTable(DataType key_type, DataType value_type, bool is_mutable)
      : key_type_(key_type), value_type_(value_type), is_mutable_(is_mutable), initialized_(is_mutable) {}
  static const char* Kind() { return "lookup table"; }
  const char* kind() const override { return Kind(); }
  DataType key_type() const { return key_type_; }
  DataType value_type() const { return value_type_; }
  bool is_mutable() const { return is_mutable_; }

  // Fills the table once; a second time with the same entries does nothing. InvalidArgument for a key with
  // two values; FailedPrecondition for other entries than before.
  absl::Status Initialize(std::vector<std::pair<std::string, std::string>> entries);
  // Of a mutable table: later entries win.
  void Insert(std::vector<std::pair<std::string, std::string>> entries, bool clear_first);
  void Remove(const std::vector<std::string>& keys);

  // FailedPrecondition if the table was never filled.
  absl::StatusOr<int64_t> Size() const;
  // In the order in which keys came.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Entries() const;
  // Calls found(i, value) for each key that is there, missed(i) for the others.
  template <typename Found, typename Missed>
  absl::Status Find(const std::vector<std::string>& keys, Found found, Missed missed) const {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckInitialized());
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto entry = index_.find(keys[i]);
      if (entry == index_.end()) {
        missed(static_cast<int64_t>(i));
      } else {
        found(static_cast<int64_t>(i), entries_[entry->second].second);
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckInitialized() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DataType key_type_, value_type_;
  const bool is_mutable_;
  mutable absl::Mutex mutex_;
  bool initialized_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, std::string>> entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, size_t> index_ ABSL_GUARDED_BY(mutex_);  // By key, in entries_.
};

// The bytes of every element.
std::vector<std::string> ElementBytes(const Value& value);
// Writes bytes that ElementBytes() gave as element `index`.
void SetElement(Value* value, int64_t index, absl::string_view bytes);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_LOOKUP_TABLE_H_
