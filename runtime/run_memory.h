// Memory of one run of a plan: what an earlier run of the same shapes asked for, when, and for how long, is
// laid out in one arena; everything else comes from the session's pool.
#ifndef CRYOGRAPH_RUNTIME_RUN_MEMORY_H_
#define CRYOGRAPH_RUNTIME_RUN_MEMORY_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "runtime/memory.h"
#include "runtime/value.h"

namespace cryograph {

// What the steps of a run ask for, scratch included. Immutable.
struct MemoryLayout {
  static constexpr uint64_t kPooled = ~uint64_t{0};
  struct Block {
    uint64_t bytes = 0;
    uint64_t offset = kPooled;  // kPooled: it outlives the run, so it has no place in the arena.
  };
  std::vector<Block> blocks;          // In the order in which they are asked for.
  std::vector<uint32_t> first_block;  // For each step, and for the end.
  uint64_t arena_bytes = 0;
  uint64_t outliving_bytes = 0;     // Of blocks that outlive the run: they come on top of the arena.
  uint64_t largest_live_bytes = 0;  // At one moment; feeds and blocks that outlive the run included.
};

// The pool of one run. Blocks may outlive the run: they keep its arena.
class RunMemory final : public MemoryPool {
 public:
  // Requests below this size always go to the pool.
  static constexpr uint64_t kSmallBytes = 1024;

  // Takes everything from `pool`, and writes down what that is.
  static std::shared_ptr<RunMemory> Recording(std::shared_ptr<MemoryPool> pool);
  // Takes the arena from `pool`. A request that `layout` did not foresee, and one whose place is still taken,
  // goes to `pool`: results do not depend on the layout. ResourceExhausted as for any block.
  static absl::StatusOr<std::shared_ptr<RunMemory>> Replaying(std::shared_ptr<MemoryPool> pool,
                                                              std::shared_ptr<const MemoryLayout> layout);

  // What is asked for from now on, step `step` asks for: 0, 1, 2 and so on, each once.
  void BeginStep(int step);

  ~RunMemory() override;

  bool is_recording() const { return layout_ == nullptr; }
  // Of a recording, at the end of the run: the layout for later runs. Blocks that are still there outlive
  // the run. `feed_bytes`: of all feeds.
  MemoryLayout Finish(uint64_t feed_bytes);
  // Of a replay, at the end of the run: some block outlives the run, though it did not when it was recorded.
  bool Disagrees();

  absl::StatusOr<BufferRef> Allocate(uint64_t bytes) override;
  void Trim() override { pool_->Trim(); }
  MemoryPool& root() override { return pool_->root(); }

 private:
  struct Recorded {
    uint64_t bytes = 0;
    int64_t begin = 0;
    int64_t end = -1;  // While it is in use.
    BufferRef block;
  };
  struct Live {
    uint64_t offset, end;
  };

  RunMemory(std::shared_ptr<MemoryPool> pool, std::shared_ptr<const MemoryLayout> layout)
      : MemoryPool(kNoLimit), pool_(std::move(pool)), layout_(std::move(layout)) {}
  void Release(char* data, uint64_t capacity, uint32_t tag) override;
  // The place in the arena of the next block of this step, of `bytes` bytes; kPooled if it has none.
  uint64_t TakePlace(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<MemoryPool> pool_;
  const std::shared_ptr<const MemoryLayout> layout_;  // Null while recording.
  BufferRef arena_;
  absl::Mutex mutex_;
  // A recording.
  int64_t moment_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Recorded> recorded_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> first_block_ ABSL_GUARDED_BY(mutex_);
  // A replay.
  uint32_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t step_end_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Live> live_ ABSL_GUARDED_BY(mutex_);  // Blocks in the arena, by offset.
};

// The layouts of a plan, by the shapes of its feeds. Thread safe.
class MemoryLayouts {
 public:
  // The memory for a run with these feeds, on top of `pool`'s root. Null: the pool is all that it needs, or
  // has no room for an arena and what outlives the run. `may_record`: false if somebody keeps values who will
  // not do so in other runs.
  std::shared_ptr<RunMemory> Begin(absl::Span<const Value> feeds, bool may_record, MemoryPool& pool);
  // After that run, when all values are gone but those that outlive it. `shapes`: FeedShapes() of its feeds.
  void End(std::vector<int64_t> shapes, uint64_t feed_bytes, RunMemory& memory);

  // What tells runs apart.
  static std::vector<int64_t> FeedShapes(absl::Span<const Value> feeds);
  static uint64_t FeedBytes(absl::Span<const Value> feeds);

  // The layout with the largest arena, null if there is none.
  std::shared_ptr<const MemoryLayout> Largest() const;

 private:
  struct Entry {
    std::vector<int64_t> shapes;
    std::shared_ptr<const MemoryLayout> layout;
  };
  mutable absl::Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // The one that was used last comes first.
  int recordings_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_RUN_MEMORY_H_
