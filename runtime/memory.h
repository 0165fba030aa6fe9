// Memory for values: reference-counted blocks, 64-byte aligned, counted against a limit, kept for the next
// use.
#ifndef CRYOGRAPH_RUNTIME_MEMORY_H_
#define CRYOGRAPH_RUNTIME_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace cryograph {

class BufferRef;
class MemoryPool;

// A block of memory that several values may share.
class Buffer {
 public:
  char* data() const { return data_; }

 private:
  friend class BufferRef;
  friend class MemoryPool;
  Buffer() = default;
  void Destroy();

  std::atomic<int64_t> references_{1};
  char* data_ = nullptr;
  uint64_t capacity_ = 0;             // Counted by pool_, as is …
  std::atomic<uint64_t> charged_{0};  // … this: memory outside of the block.
  // Runs over the elements before the memory goes; null for plain bytes.
  void (*destroy_elements_)(char* data, int64_t count) = nullptr;
  int64_t num_elements_ = 0;
  std::shared_ptr<MemoryPool> pool_;   // Null for a view.
  std::shared_ptr<const void> owner_;  // Of what a view shows.
};

class BufferRef {
 public:
  BufferRef() = default;
  BufferRef(const BufferRef& other) : buffer_(other.buffer_) {
    if (buffer_ != nullptr) buffer_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  BufferRef& operator=(BufferRef other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~BufferRef() {
    if (buffer_ != nullptr && buffer_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      buffer_->Destroy();
    }
  }

  explicit operator bool() const { return buffer_ != nullptr; }
  char* data() const { return buffer_ == nullptr ? nullptr : buffer_->data_; }
  // Nobody else has this block, and it may be written.
  bool writable_alone() const {
    return buffer_ != nullptr && buffer_->pool_ != nullptr &&
           buffer_->references_.load(std::memory_order_acquire) == 1;
  }
  friend bool operator==(const BufferRef& a, const BufferRef& b) { return a.buffer_ == b.buffer_; }

 private:
  friend class MemoryPool;
  explicit BufferRef(Buffer* buffer) : buffer_(buffer) {}
  Buffer* buffer_ = nullptr;
};

// Thread safe. Blocks keep their pool alive.
class MemoryPool : public std::enable_shared_from_this<MemoryPool> {
 public:
  static constexpr uint64_t kNoLimit = ~uint64_t{0};
  static std::shared_ptr<MemoryPool> Create(uint64_t limit = kNoLimit);
  ~MemoryPool();

  // `bytes` bytes of unspecified contents. ResourceExhausted beyond the limit, or if the system has no more.
  absl::StatusOr<BufferRef> Allocate(uint64_t bytes);
  // The same for `count` objects that live in the block; `destroy` ends them.
  absl::StatusOr<BufferRef> AllocateObjects(int64_t count, uint64_t object_bytes,
                                            void (*destroy)(char* data, int64_t count));
  // A block that shows memory of `owner`. It is never written.
  static BufferRef View(const char* data, std::shared_ptr<const void> owner);

  // Counts memory that a value holds outside of its block (the characters of strings). ResourceExhausted
  // beyond the limit.
  absl::Status Charge(const BufferRef& buffer, uint64_t bytes);

  uint64_t limit() const { return limit_; }
  uint64_t bytes_in_use() const { return in_use_.load(std::memory_order_relaxed); }
  uint64_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  void ResetPeak() { peak_ = bytes_in_use(); }

 private:
  friend class Buffer;
  explicit MemoryPool(uint64_t limit) : limit_(limit) {}
  absl::Status Reserve(uint64_t bytes);
  void Release(Buffer* buffer);
  // A block that is free, of at least `size` bytes and not many more; null if there is none. *size becomes
  // its.
  char* TakeFree(uint64_t* size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives free blocks back to the system, the largest first, until at most `bytes` are kept.
  void Shrink(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint64_t limit_;
  std::atomic<uint64_t> in_use_{0};
  std::atomic<uint64_t> peak_{0};
  absl::Mutex mutex_;
  std::map<uint64_t, std::vector<char*>> free_ ABSL_GUARDED_BY(mutex_);  // By size.
  uint64_t cached_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_MEMORY_H_
