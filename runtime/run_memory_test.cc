#include "runtime/run_memory.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/memory.h"
#include "runtime/value.h"

namespace cryograph {
namespace {

BufferRef Take(MemoryPool& pool, uint64_t bytes) {
  absl::StatusOr<BufferRef> block = pool.Allocate(bytes);
  EXPECT_OK(block.status());
  return block.ok() ? *std::move(block) : BufferRef();
}

// Three steps: each makes a block from the one before; the last block is the result.
std::vector<BufferRef> RunChain(RunMemory& memory, uint64_t bytes = 4096) {
  std::vector<BufferRef> blocks;
  memory.BeginStep(0);
  BufferRef first = Take(memory, bytes);
  memory.BeginStep(1);
  BufferRef second = Take(memory, bytes);
  BufferRef scratch = Take(memory, 2 * bytes);
  scratch = BufferRef();
  first = BufferRef();
  memory.BeginStep(2);
  BufferRef third = Take(memory, bytes);
  blocks.push_back(third);
  return blocks;
}

MemoryLayout RecordChain(const std::shared_ptr<MemoryPool>& pool) {
  const std::shared_ptr<RunMemory> memory = RunMemory::Recording(pool);
  const std::vector<BufferRef> results = RunChain(*memory);
  return memory->Finish(0);
}

TEST(RunMemoryTest, RecordsWhatEndsWithTheRun) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  const MemoryLayout layout = RecordChain(pool);
  EXPECT_THAT(layout.first_block, testing::ElementsAre(0, 1, 3, 4));
  ASSERT_EQ(layout.blocks.size(), 4u);
  EXPECT_EQ(layout.blocks[3].offset, MemoryLayout::kPooled);
  EXPECT_EQ(layout.largest_live_bytes, 4u * 4096);  // Both blocks and the scratch of the second step.
  EXPECT_EQ(layout.arena_bytes, 4u * 4096);
  EXPECT_EQ(pool->bytes_in_use(), 0u);
}

TEST(RunMemoryTest, ReplaysInOneBlock) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  const auto layout = std::make_shared<const MemoryLayout>(RecordChain(pool));
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<RunMemory> memory, RunMemory::Replaying(pool, layout));
  EXPECT_EQ(pool->bytes_in_use(), 4u * 4096);
  std::vector<BufferRef> results = RunChain(*memory);
  EXPECT_FALSE(memory->Disagrees());
  EXPECT_EQ(pool->bytes_in_use(), 5u * 4096);  // The result lies outside.
  memory = nullptr;
  EXPECT_EQ(pool->bytes_in_use(), 4096u);
  std::memset(results[0].data(), 1, 4096);
}

TEST(RunMemoryTest, WhatWasNotForeseenComesFromThePool) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  const auto layout = std::make_shared<const MemoryLayout>(RecordChain(pool));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<RunMemory> memory, RunMemory::Replaying(pool, layout));
  memory->BeginStep(0);
  const BufferRef larger = Take(*memory, 3 * 4096);
  const BufferRef one_more = Take(*memory, 4096);
  EXPECT_EQ(pool->bytes_in_use(), 8u * 4096);
  EXPECT_FALSE(memory->Disagrees());
}

TEST(RunMemoryTest, ABlockThatIsHeldLongerKeepsItsPlace) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  std::shared_ptr<const MemoryLayout> layout;
  {
    const std::shared_ptr<RunMemory> memory = RunMemory::Recording(pool);
    memory->BeginStep(0);
    Take(*memory, 4096);
    memory->BeginStep(1);
    Take(*memory, 4096);
    layout = std::make_shared<const MemoryLayout>(memory->Finish(0));
    ASSERT_EQ(layout->arena_bytes, 4096u);
  }
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<RunMemory> memory, RunMemory::Replaying(pool, layout));
  memory->BeginStep(0);
  const BufferRef held = Take(*memory, 4096);
  std::memset(held.data(), 7, 4096);
  memory->BeginStep(1);
  const BufferRef other = Take(*memory, 4096);
  EXPECT_NE(other.data(), held.data());
  EXPECT_TRUE(memory->Disagrees());
  memory = nullptr;  // Blocks keep the arena.
  std::memset(other.data(), 8, 4096);
  EXPECT_EQ(held.data()[4095], 7);
}

TEST(RunMemoryTest, ChargesCountWithTheSession) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create(100000);
  const auto layout = std::make_shared<const MemoryLayout>(RecordChain(pool));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<RunMemory> memory, RunMemory::Replaying(pool, layout));
  memory->BeginStep(0);
  BufferRef block = Take(*memory, 4096);
  EXPECT_OK(memory->Charge(block, 1000));
  EXPECT_EQ(pool->bytes_in_use(), 4u * 4096 + 1000);
  EXPECT_THAT(memory->Charge(block, 90000), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(memory->limit(), 100000u);
  block = BufferRef();
  EXPECT_EQ(pool->bytes_in_use(), 4u * 4096);
}

// A run that does something else each time: whatever it asks for, blocks in use never overlap.
TEST(RunMemoryTest, RandomRunsNeverShareMemory) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    std::shared_ptr<const MemoryLayout> layout;
    for (int run = 0; run < 4; ++run) {
      std::shared_ptr<RunMemory> memory = RunMemory::Recording(pool);
      if (run > 0) {
        ASSERT_OK_AND_ASSIGN(memory, RunMemory::Replaying(pool, layout));
      }
      // The same run twice, then others.
      std::mt19937 choice(static_cast<uint32_t>(round * 10 + (run < 2 ? 0 : run)));
      std::vector<std::pair<BufferRef, uint64_t>> held;
      for (int step = 0; step < 30; ++step) {
        memory->BeginStep(step);
        for (int i = static_cast<int>(choice() % 3); i >= 0; --i) {
          const uint64_t bytes = 512 + choice() % 8192;
          held.emplace_back(Take(*memory, bytes), bytes);
          const char mark = static_cast<char>(random());
          std::memset(held.back().first.data(), mark, bytes);
          for (const auto& [other, other_bytes] : held) {
            if (other == held.back().first) continue;
            const bool apart = other.data() + other_bytes <= held.back().first.data() ||
                               held.back().first.data() + bytes <= other.data();
            ASSERT_TRUE(apart) << "round " << round << ", run " << run << ", step " << step;
          }
        }
        while (held.size() > 4) held.erase(held.begin() + static_cast<int>(choice() % held.size()));
      }
      if (run == 0) layout = std::make_shared<const MemoryLayout>(memory->Finish(0));
      if (run == 1) {
        EXPECT_EQ(memory->Disagrees(), false);
      }
    }
  }
  EXPECT_EQ(pool->bytes_in_use(), 0u);
}

TEST(MemoryLayoutsTest, OneForEachSetOfShapes) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  MemoryLayouts layouts;
  ASSERT_OK_AND_ASSIGN(const Value small, Value::Allocate(DT_FLOAT, {2, 3}, *pool));
  ASSERT_OK_AND_ASSIGN(const Value other, Value::Allocate(DT_FLOAT, {3, 2}, *pool));
  const auto run = [&](const Value& feed, uint64_t bytes) {
    const std::shared_ptr<RunMemory> memory = layouts.Begin({feed}, true, *pool);
    const bool recording = memory->is_recording();
    RunChain(*memory, bytes);
    layouts.End(MemoryLayouts::FeedShapes({feed}), MemoryLayouts::FeedBytes({feed}), *memory);
    return recording;
  };
  EXPECT_EQ(layouts.Largest(), nullptr);
  EXPECT_TRUE(run(small, 4096));
  EXPECT_FALSE(run(small, 4096));
  EXPECT_TRUE(run(other, 8192));
  EXPECT_FALSE(run(small, 4096));
  EXPECT_FALSE(run(other, 8192));
  EXPECT_EQ(layouts.Largest()->largest_live_bytes, 4u * 8192 + 24);
}

TEST(MemoryLayoutsTest, NoArenaWhereThePoolHasNoRoomForOne) {
  const auto record = [](MemoryPool& pool, MemoryLayouts& layouts) {
    const std::shared_ptr<RunMemory> memory = layouts.Begin({}, true, pool);
    const std::vector<BufferRef> results = RunChain(*memory);
    layouts.End({}, 0, *memory);
  };
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create(26000);
  MemoryLayouts layouts;
  record(*pool, layouts);
  EXPECT_NE(layouts.Begin({}, true, *pool), nullptr);
  const BufferRef taken = Take(*pool, 4096);
  EXPECT_EQ(layouts.Begin({}, true, *pool), nullptr);
  // An arena of four blocks there may be, but not the result as well, which the run without one has room for.
  const std::shared_ptr<MemoryPool> narrow = MemoryPool::Create(20000);
  MemoryLayouts of_narrow;
  record(*narrow, of_narrow);
  EXPECT_EQ(of_narrow.Begin({}, true, *narrow), nullptr);
}

TEST(MemoryLayoutsTest, ManyThreadsAtATime) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  MemoryLayouts layouts;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::shared_ptr<RunMemory> memory = layouts.Begin({}, true, *pool);
        if (memory == nullptr) continue;
        const std::vector<BufferRef> results = RunChain(*memory);
        std::memset(results[0].data(), t, 4096);
        layouts.End({}, 0, *memory);
        EXPECT_EQ(results[0].data()[2000], t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool->bytes_in_use(), 0u);
}

}  // namespace
}  // namespace cryograph
