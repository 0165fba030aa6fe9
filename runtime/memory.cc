#include "runtime/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <vector>

#include "absl/base/config.h"
#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace cryograph {
namespace {

constexpr uint64_t kAlignment = 64;

// Blocks of this size and more are mapped, so that the system has them back at once when they are freed. The
// address sanitizer watches only what malloc gives.
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
constexpr uint64_t kMappedBytes = ~uint64_t{0};
#else
constexpr uint64_t kMappedBytes = 256 << 10;
#endif

// Few distinct sizes, so that a block that is free again fits the next request: 64-byte steps up to 1 KiB,
// then eight steps for each power of two.
uint64_t RoundUp(uint64_t bytes) {
  uint64_t step = kAlignment;
  while (step * 16 < bytes) step *= 2;
  return bytes == 0 ? kAlignment : (bytes + step - 1) / step * step;
}

constexpr uint64_t kKeptBytes = 16 << 20;

// Null if the system has no more.
char* NewSystemBlock(uint64_t size) {
  if (size < kMappedBytes) return static_cast<char*>(std::aligned_alloc(kAlignment, size));
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : static_cast<char*>(data);
}

void FreeSystemBlock(char* data, uint64_t size) {
  if (size < kMappedBytes) {
    std::free(data);
  } else {
    munmap(data, size);
  }
}

class CachingPool final : public MemoryPool {
 public:
  explicit CachingPool(uint64_t limit) : MemoryPool(limit) {}
  ~CachingPool() override { Trim(); }

  absl::StatusOr<BufferRef> Allocate(uint64_t bytes) override {
    if (bytes > uint64_t{1} << 62) return absl::ResourceExhaustedError("a value beyond all memory");
    const uint64_t wanted = RoundUp(bytes);
    if (absl::Status status = Reserve(wanted); !status.ok()) return status;
    uint64_t size = wanted;
    char* data = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      data = TakeFree(&size);
      if (data == nullptr) {
        // What is in use and what is kept shall not be much more than what was once in use at a time; yet
        // with less than this, what comes again in each run of a small network goes back to the system
        // between.
        const uint64_t peak = peak_bytes(), in_use = bytes_in_use();
        const uint64_t most = peak + std::max(peak / 8, kKeptBytes);
        Shrink(most > in_use ? most - in_use : 0);
      }
    }
    Count(size - wanted);
    if (data == nullptr) data = NewSystemBlock(size);
    if (data == nullptr) {
      Trim();
      data = NewSystemBlock(size);
    }
    if (data == nullptr) {
      Discount(size);
      return absl::ResourceExhaustedError(absl::StrCat("the system has no ", size, " bytes for a value"));
    }
    return NewBlock(data, size);
  }

  void Trim() override {
    absl::MutexLock lock(&mutex_);
    Shrink(0);
  }

  MemoryPool& root() override { return *this; }

 private:
  void Release(char* data, uint64_t capacity, uint32_t) override {
    Discount(capacity);
    absl::MutexLock lock(&mutex_);
    free_[capacity].push_back(data);
    cached_bytes_ += capacity;
  }

  // A block that is free, of at least *size bytes and not many more; null if there is none. *size becomes
  // its.
  char* TakeFree(uint64_t* size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = free_.lower_bound(*size);
    if (found == free_.end() || found->first > *size + *size / 2) return nullptr;
    char* const data = found->second.back();
    found->second.pop_back();
    cached_bytes_ -= found->first;
    *size = found->first;
    if (found->second.empty()) free_.erase(found);
    return data;
  }

  // Gives free blocks back to the system, the largest first, until at most `bytes` are kept.
  void Shrink(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (cached_bytes_ > bytes) {
      const auto largest = std::prev(free_.end());
      FreeSystemBlock(largest->second.back(), largest->first);
      largest->second.pop_back();
      cached_bytes_ -= largest->first;
      if (largest->second.empty()) free_.erase(largest);
    }
  }

  absl::Mutex mutex_;
  std::map<uint64_t, std::vector<char*>> free_ ABSL_GUARDED_BY(mutex_);  // By size.
  uint64_t cached_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

void Buffer::Destroy() {
  if (destroy_elements_ != nullptr) destroy_elements_(data_, num_elements_);
  if (pool_ != nullptr) {
    pool_->root().Discount(charged_);
    pool_->Release(data_, capacity_, tag_);
  }
  delete this;
}

std::shared_ptr<MemoryPool> MemoryPool::Create(uint64_t limit) {
  return std::make_shared<CachingPool>(limit);
}

absl::Status MemoryPool::Reserve(uint64_t bytes) {
  const uint64_t before = in_use_.fetch_add(bytes, std::memory_order_relaxed);
  if (bytes > limit_ || before > limit_ - bytes) {
    in_use_.fetch_sub(bytes, std::memory_order_relaxed);
    return absl::ResourceExhaustedError(absl::StrCat("a value of ", bytes,
                                                     " bytes does not fit: the memory limit is ", limit_,
                                                     " bytes, of which ", before, " are in use"));
  }
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < before + bytes && !peak_.compare_exchange_weak(peak, before + bytes)) {
  }
  return absl::OkStatus();
}

BufferRef MemoryPool::NewBlock(char* data, uint64_t capacity, uint32_t tag) {
  Buffer* buffer = new Buffer;
  buffer->data_ = data;
  buffer->capacity_ = capacity;
  buffer->tag_ = tag;
  buffer->pool_ = shared_from_this();
  return BufferRef(buffer);
}

absl::StatusOr<BufferRef> MemoryPool::AllocateObjects(int64_t count, uint64_t object_bytes,
                                                      void (*destroy)(char* data, int64_t count)) {
  if (static_cast<uint64_t>(count) > (uint64_t{1} << 62) / object_bytes) {
    return absl::ResourceExhaustedError("a value beyond all memory");
  }
  absl::StatusOr<BufferRef> buffer = Allocate(static_cast<uint64_t>(count) * object_bytes);
  if (buffer.ok()) {
    buffer->buffer_->destroy_elements_ = destroy;
    buffer->buffer_->num_elements_ = count;
  }
  return buffer;
}

BufferRef MemoryPool::View(const char* data, std::shared_ptr<const void> owner) {
  Buffer* buffer = new Buffer;
  buffer->data_ = const_cast<char*>(data);
  buffer->owner_ = std::move(owner);
  return BufferRef(buffer);
}

absl::Status MemoryPool::Charge(const BufferRef& buffer, uint64_t bytes) {
  if (!buffer || buffer.buffer_->pool_ == nullptr) return absl::OkStatus();
  if (&buffer.buffer_->pool_->root() != &root()) return absl::OkStatus();
  if (absl::Status status = root().Reserve(bytes); !status.ok()) return status;
  buffer.buffer_->charged_ += bytes;
  return absl::OkStatus();
}

}  // namespace cryograph
