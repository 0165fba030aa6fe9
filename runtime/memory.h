// Memory for values: reference-counted blocks, 64-byte aligned, counted against a limit.
#ifndef CRYOGRAPH_RUNTIME_MEMORY_H_
#define CRYOGRAPH_RUNTIME_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

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
  uint64_t capacity_ = 0;
  std::atomic<uint64_t> charged_{0};  // Memory outside of the block that is counted with it.
  uint32_t tag_ = 0;                  // What pool_ knows the block by.
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

// Where blocks come from. Thread safe. Blocks keep their pool alive.
class MemoryPool : public std::enable_shared_from_this<MemoryPool> {
 public:
  static constexpr uint64_t kNoLimit = ~uint64_t{0};
  // A pool that keeps blocks which are free again for the next request of about their size.
  static std::shared_ptr<MemoryPool> Create(uint64_t limit = kNoLimit);
  virtual ~MemoryPool() = default;

  // `bytes` bytes of unspecified contents. ResourceExhausted beyond the limit, or if the system has no more.
  virtual absl::StatusOr<BufferRef> Allocate(uint64_t bytes) = 0;
  // The same for `count` objects that live in the block; `destroy` ends them.
  absl::StatusOr<BufferRef> AllocateObjects(int64_t count, uint64_t object_bytes,
                                            void (*destroy)(char* data, int64_t count));
  // A block that shows memory of `owner`. It is never written.
  static BufferRef View(const char* data, std::shared_ptr<const void> owner);

  // Counts memory that a value holds outside of its block (the characters of strings). ResourceExhausted
  // beyond the limit. Nothing happens for blocks that do not count here.
  absl::Status Charge(const BufferRef& buffer, uint64_t bytes);

  // Gives what is kept for the next request back to the system.
  virtual void Trim() = 0;

  // The pool that counts for this one, and has the limit: itself, if it does not stand on another.
  virtual MemoryPool& root() = 0;

  uint64_t limit() { return root().limit_; }
  uint64_t bytes_in_use() { return root().in_use_.load(std::memory_order_relaxed); }
  uint64_t peak_bytes() { return root().peak_.load(std::memory_order_relaxed); }
  void ResetPeak() { root().peak_ = bytes_in_use(); }

 protected:
  friend class Buffer;
  explicit MemoryPool(uint64_t limit) : limit_(limit) {}

  // A block of this pool; `tag` comes back when it is released.
  BufferRef NewBlock(char* data, uint64_t capacity, uint32_t tag = 0);
  // Nobody has the block any more. What was charged is no longer counted.
  virtual void Release(char* data, uint64_t capacity, uint32_t tag) = 0;

  // Counts bytes against the limit; of a root only.
  absl::Status Reserve(uint64_t bytes);
  void Count(uint64_t bytes) { in_use_.fetch_add(bytes, std::memory_order_relaxed); }
  void Discount(uint64_t bytes) { in_use_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> in_use_{0};
  std::atomic<uint64_t> peak_{0};
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_MEMORY_H_
