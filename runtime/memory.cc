#include "runtime/memory.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace cryograph {
namespace {

constexpr uint64_t kAlignment = 64;

// Few distinct sizes, so that a block that is free again fits the next request: 64-byte steps up to 1 KiB,
// then eight steps for each power of two.
uint64_t RoundUp(uint64_t bytes) {
  uint64_t step = kAlignment;
  while (step * 16 < bytes) step *= 2;
  return bytes == 0 ? kAlignment : (bytes + step - 1) / step * step;
}

}  // namespace

void Buffer::Destroy() {
  if (destroy_elements_ != nullptr) destroy_elements_(data_, num_elements_);
  if (pool_ != nullptr) {
    const std::shared_ptr<MemoryPool> pool = std::move(pool_);
    pool->Release(this);
  }
  delete this;
}

std::shared_ptr<MemoryPool> MemoryPool::Create(uint64_t limit) {
  return std::shared_ptr<MemoryPool>(new MemoryPool(limit));
}

MemoryPool::~MemoryPool() { DropCache(); }

void MemoryPool::DropCache() {
  absl::MutexLock lock(&mutex_);
  for (auto& [size, blocks] : free_) {
    for (char* block : blocks) std::free(block);
  }
  free_.clear();
  cached_bytes_ = 0;
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

absl::StatusOr<BufferRef> MemoryPool::Allocate(uint64_t bytes) {
  if (bytes > uint64_t{1} << 62) return absl::ResourceExhaustedError("a value beyond all memory");
  const uint64_t size = RoundUp(bytes);
  if (absl::Status status = Reserve(size); !status.ok()) return status;
  char* data = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = free_.find(size);
    if (found != free_.end() && !found->second.empty()) {
      data = found->second.back();
      found->second.pop_back();
      cached_bytes_ -= size;
    }
  }
  if (data == nullptr) data = static_cast<char*>(std::aligned_alloc(kAlignment, size));
  if (data == nullptr) {
    DropCache();
    data = static_cast<char*>(std::aligned_alloc(kAlignment, size));
  }
  if (data == nullptr) {
    in_use_.fetch_sub(size, std::memory_order_relaxed);
    return absl::ResourceExhaustedError(absl::StrCat("the system has no ", size, " bytes for a value"));
  }
  Buffer* buffer = new Buffer;
  buffer->data_ = data;
  buffer->capacity_ = size;
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
  if (!buffer || buffer.buffer_->pool_.get() != this) return absl::OkStatus();
  if (absl::Status status = Reserve(bytes); !status.ok()) return status;
  buffer.buffer_->charged_ += bytes;
  return absl::OkStatus();
}

void MemoryPool::Release(Buffer* buffer) {
  in_use_.fetch_sub(buffer->capacity_ + buffer->charged_, std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  // What is kept never exceeds what was once in use at a time.
  if (cached_bytes_ + buffer->capacity_ > peak_.load(std::memory_order_relaxed)) {
    std::free(buffer->data_);
    return;
  }
  free_[buffer->capacity_].push_back(buffer->data_);
  cached_bytes_ += buffer->capacity_;
}

}  // namespace cryograph
