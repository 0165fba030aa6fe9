#include "runtime/run_memory.h"

#include <algorithm>

#include "absl/base/config.h"
#include "base/status_macros.h"
#include "runtime/arena_layout.h"

#ifdef ABSL_HAVE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace cryograph {
namespace {

constexpr uint64_t kAlignment = 64;
// Of a run that asks for more, the largest blocks are laid out, and no more are recorded.
constexpr size_t kMostPlaced = 4096, kMostRecorded = 1 << 18;
// Graphs that see new shapes all the time shall not be recorded all the time.
constexpr size_t kMostLayouts = 8;
constexpr int kMostRecordings = 64;
// What a recorded run has needed for blocks of this size and more, goes back to the system at once.
constexpr uint64_t kTrimmedBytes = 256 << 10;

// Tells the address sanitizer which parts of an arena may be touched.
void Forbid([[maybe_unused]] const char* data, [[maybe_unused]] uint64_t bytes) {
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
  ASAN_POISON_MEMORY_REGION(data, bytes);
#endif
}
void Permit([[maybe_unused]] const char* data, [[maybe_unused]] uint64_t bytes) {
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
  ASAN_UNPOISON_MEMORY_REGION(data, bytes);
#endif
}

uint64_t RoundUp(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

std::shared_ptr<RunMemory> RunMemory::Recording(std::shared_ptr<MemoryPool> pool) {
  return std::shared_ptr<RunMemory>(new RunMemory(std::move(pool), nullptr));
}

absl::StatusOr<std::shared_ptr<RunMemory>> RunMemory::Replaying(std::shared_ptr<MemoryPool> pool,
                                                                std::shared_ptr<const MemoryLayout> layout) {
  ASSIGN_OR_RETURN(BufferRef arena, pool->Allocate(layout->arena_bytes));
  std::shared_ptr<RunMemory> memory(new RunMemory(std::move(pool), std::move(layout)));
  memory->arena_ = std::move(arena);
  Forbid(memory->arena_.data(), memory->layout_->arena_bytes);
  return memory;
}

RunMemory::~RunMemory() {
  if (layout_ != nullptr) Permit(arena_.data(), layout_->arena_bytes);
}

void RunMemory::BeginStep(int step) {
  absl::MutexLock lock(&mutex_);
  if (is_recording()) {
    first_block_.resize(step + 1, static_cast<uint32_t>(recorded_.size()));
    return;
  }
  next_ = layout_->first_block[step];
  step_end_ = layout_->first_block[step + 1];
}

absl::StatusOr<BufferRef> RunMemory::Allocate(uint64_t bytes) {
  if (bytes < kSmallBytes) return pool_->Allocate(bytes);
  if (is_recording()) {
    ASSIGN_OR_RETURN(BufferRef block, pool_->Allocate(bytes));
    absl::MutexLock lock(&mutex_);
    if (first_block_.empty() || recorded_.size() >= kMostRecorded) return block;
    char* const data = block.data();
    recorded_.push_back({RoundUp(bytes), moment_++, -1, std::move(block)});
    return NewBlock(data, bytes, static_cast<uint32_t>(recorded_.size() - 1));
  }
  uint64_t offset;
  {
    absl::MutexLock lock(&mutex_);
    offset = TakePlace(bytes);
  }
  if (offset == MemoryLayout::kPooled) return pool_->Allocate(bytes);
  Permit(arena_.data() + offset, bytes);
  return NewBlock(arena_.data() + offset, bytes);
}

uint64_t RunMemory::TakePlace(uint64_t bytes) {
  if (next_ >= step_end_) return MemoryLayout::kPooled;
  const MemoryLayout::Block& block = layout_->blocks[next_++];
  if (block.offset == MemoryLayout::kPooled || bytes > block.bytes) return MemoryLayout::kPooled;
  // Whatever is behind the previous block of those in use, and before the next, is free.
  const auto starts_before = [](const Live& live, uint64_t offset) { return live.offset < offset; };
  const auto next = std::lower_bound(live_.begin(), live_.end(), block.offset, starts_before);
  if (next != live_.end() && next->offset < block.offset + block.bytes) return MemoryLayout::kPooled;
  if (next != live_.begin() && std::prev(next)->end > block.offset) return MemoryLayout::kPooled;
  live_.insert(next, {block.offset, block.offset + block.bytes});
  return block.offset;
}

void RunMemory::Release(char* data, uint64_t capacity, uint32_t tag) {
  if (is_recording()) {
    BufferRef block;
    {
      absl::MutexLock lock(&mutex_);
      recorded_[tag].end = moment_++;
      block = std::move(recorded_[tag].block);
    }
    block = BufferRef();
    // Nobody asks for a block of this size again, except by chance: later runs have an arena.
    if (capacity >= kTrimmedBytes) pool_->Trim();
    return;
  }
  absl::MutexLock lock(&mutex_);
  Forbid(data, capacity);
  const uint64_t offset = static_cast<uint64_t>(data - arena_.data());
  const auto starts_before = [](const Live& live, uint64_t at) { return live.offset < at; };
  live_.erase(std::lower_bound(live_.begin(), live_.end(), offset, starts_before));
}

MemoryLayout RunMemory::Finish(uint64_t feed_bytes) {
  absl::MutexLock lock(&mutex_);
  MemoryLayout layout;
  layout.first_block = first_block_;
  layout.first_block.push_back(static_cast<uint32_t>(recorded_.size()));
  std::vector<Lifetime> all;
  std::vector<uint32_t> placed;  // Numbers of blocks.
  for (const Recorded& recorded : recorded_) {
    const bool outlives = recorded.end < 0;
    if (outlives) layout.outliving_bytes += recorded.bytes;
    if (!outlives) placed.push_back(static_cast<uint32_t>(layout.blocks.size()));
    layout.blocks.push_back({recorded.bytes, MemoryLayout::kPooled});
    all.push_back({recorded.bytes, recorded.begin, outlives ? moment_ : recorded.end});
  }
  layout.largest_live_bytes = LargestLiveSet(all) + feed_bytes;
  if (placed.size() > kMostPlaced) {
    std::stable_sort(placed.begin(), placed.end(),
                     [&](uint32_t a, uint32_t b) { return all[a].bytes > all[b].bytes; });
    placed.resize(kMostPlaced);
  }
  std::vector<Lifetime> lifetimes;
  for (uint32_t block : placed) lifetimes.push_back(all[block]);
  const ArenaLayout arena = LayOut(lifetimes);
  for (size_t i = 0; i < placed.size(); ++i) layout.blocks[placed[i]].offset = arena.offsets[i];
  layout.arena_bytes = arena.bytes;
  return layout;
}

bool RunMemory::Disagrees() {
  absl::MutexLock lock(&mutex_);
  return !live_.empty();
}

std::vector<int64_t> MemoryLayouts::FeedShapes(absl::Span<const Value> feeds) {
  std::vector<int64_t> shapes;
  for (const Value& feed : feeds) {
    shapes.push_back(feed.rank());
    shapes.insert(shapes.end(), feed.shape().begin(), feed.shape().end());
  }
  return shapes;
}

uint64_t MemoryLayouts::FeedBytes(absl::Span<const Value> feeds) {
  uint64_t bytes = 0;
  for (const Value& feed : feeds) bytes += feed.num_bytes();
  return bytes;
}

std::shared_ptr<RunMemory> MemoryLayouts::Begin(absl::Span<const Value> feeds, bool may_record,
                                                MemoryPool& pool) {
  const std::vector<int64_t> shapes = FeedShapes(feeds);
  const std::shared_ptr<MemoryPool> root = pool.root().shared_from_this();
  std::shared_ptr<const MemoryLayout> layout;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.shapes == shapes; });
    if (found == entries_.end()) {
      if (!may_record || recordings_ >= kMostRecordings) return nullptr;
      ++recordings_;
    } else {
      layout = found->layout;
      std::rotate(entries_.begin(), found, found + 1);
    }
  }
  if (layout == nullptr) return RunMemory::Recording(root);
  if (layout->arena_bytes == 0) return nullptr;
  // A run that single blocks suffice for shall not fail for its arena. The pool rounds up by an eighth.
  const uint64_t needed = layout->arena_bytes + layout->outliving_bytes;
  if (root->bytes_in_use() + needed + needed / 8 > root->limit()) return nullptr;
  absl::StatusOr<std::shared_ptr<RunMemory>> memory = RunMemory::Replaying(root, layout);
  return memory.ok() ? *std::move(memory) : nullptr;
}

void MemoryLayouts::End(std::vector<int64_t> shapes, uint64_t feed_bytes, RunMemory& memory) {
  std::shared_ptr<const MemoryLayout> layout;
  if (memory.is_recording()) {
    layout = std::make_shared<MemoryLayout>(memory.Finish(feed_bytes));
    memory.Trim();  // The blocks that the arena stands for from now on.
  } else if (!memory.Disagrees()) {
    return;
  }
  absl::MutexLock lock(&mutex_);
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [&](const Entry& entry) { return entry.shapes == shapes; }),
                 entries_.end());
  if (layout == nullptr) return;
  entries_.insert(entries_.begin(), {std::move(shapes), std::move(layout)});
  if (entries_.size() > kMostLayouts) entries_.pop_back();
}

std::shared_ptr<const MemoryLayout> MemoryLayouts::Largest() const {
  absl::MutexLock lock(&mutex_);
  const MemoryLayout* largest = nullptr;
  std::shared_ptr<const MemoryLayout> result;
  for (const Entry& entry : entries_) {
    if (largest != nullptr && entry.layout->largest_live_bytes <= largest->largest_live_bytes) continue;
    result = entry.layout;
    largest = result.get();
  }
  return result;
}

}  // namespace cryograph
