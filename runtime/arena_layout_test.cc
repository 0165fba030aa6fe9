#include "runtime/arena_layout.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;

bool Valid(const std::vector<Lifetime>& blocks, const ArenaLayout& layout) {
  if (layout.offsets.size() != blocks.size()) return false;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (layout.offsets[i] + blocks[i].bytes > layout.bytes || layout.offsets[i] % 64 != 0) return false;
    for (size_t j = 0; j < i; ++j) {
      const bool both_alive = blocks[i].begin < blocks[j].end && blocks[j].begin < blocks[i].end;
      const bool apart = layout.offsets[i] + blocks[i].bytes <= layout.offsets[j] ||
                         layout.offsets[j] + blocks[j].bytes <= layout.offsets[i];
      if (both_alive && !apart) return false;
    }
  }
  return true;
}

// Moment by moment.
uint64_t SlowLargestLiveSet(const std::vector<Lifetime>& blocks, int64_t moments) {
  uint64_t most = 0;
  for (int64_t moment = 0; moment < moments; ++moment) {
    uint64_t live = 0;
    for (const Lifetime& block : blocks) {
      if (block.begin <= moment && moment < block.end) live += block.bytes;
    }
    most = std::max(most, live);
  }
  return most;
}

// The best of all orders in which blocks can be put at the lowest place that is free: some order gives the
// smallest arena there is.
uint64_t SmallestArena(const std::vector<Lifetime>& blocks) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  uint64_t smallest = ~uint64_t{0};
  do {
    std::vector<uint64_t> offsets(blocks.size());
    uint64_t bytes = 0;
    for (size_t at = 0; at < order.size(); ++at) {
      const Lifetime& block = blocks[order[at]];
      uint64_t offset = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (size_t before = 0; before < at; ++before) {
          const Lifetime& other = blocks[order[before]];
          const uint64_t other_offset = offsets[order[before]];
          if (block.begin >= other.end || other.begin >= block.end) continue;
          if (offset >= other_offset + other.bytes || other_offset >= offset + block.bytes) continue;
          offset = other_offset + other.bytes;
          moved = true;
        }
      }
      offsets[order[at]] = offset;
      bytes = std::max(bytes, offset + block.bytes);
    }
    smallest = std::min(smallest, bytes);
  } while (std::next_permutation(order.begin(), order.end()));
  return smallest;
}

std::vector<Lifetime> RandomBlocks(std::mt19937& random, int count, int64_t moments) {
  std::vector<Lifetime> blocks(count);
  for (Lifetime& block : blocks) {
    block.bytes = 64 * (1 + random() % 20);
    block.begin = static_cast<int64_t>(random() % (moments - 1));
    block.end = block.begin + 1 + static_cast<int64_t>(random() % std::min<int64_t>(moments / 2, 12));
  }
  return blocks;
}

TEST(ArenaLayoutTest, NothingNeedsNothing) {
  EXPECT_EQ(LayOut({}).bytes, 0u);
  EXPECT_EQ(LargestLiveSet({}), 0u);
}

TEST(ArenaLayoutTest, AChainTakesTwoPlaces) {
  const std::vector<Lifetime> chain = {{128, 0, 2}, {128, 1, 3}, {128, 2, 4}, {128, 3, 5}};
  const ArenaLayout layout = LayOut(chain);
  EXPECT_THAT(layout.offsets, ElementsAre(0, 128, 0, 128));
  EXPECT_EQ(layout.bytes, 256u);
}

TEST(ArenaLayoutTest, WhatEndsWhenAnotherBeginsMakesPlaceForIt) {
  EXPECT_EQ(LayOut({{64, 0, 1}, {64, 1, 2}}).bytes, 64u);
  EXPECT_EQ(LargestLiveSet({{64, 0, 1}, {64, 1, 2}}), 64u);
}

TEST(ArenaLayoutTest, TakesTheSmallestGap) {
  // Between the first two there is a gap of 192 bytes once the third has gone; the last fits into it.
  const std::vector<Lifetime> blocks = {{640, 0, 10}, {320, 0, 3}, {256, 0, 10}, {192, 4, 10}};
  const ArenaLayout layout = LayOut(blocks);
  EXPECT_TRUE(Valid(blocks, layout));
  EXPECT_EQ(layout.bytes, 640u + 320 + 256);
}

TEST(ArenaLayoutTest, ManyRandomBlocksNeverOverlapWhileTheyLive) {
  std::mt19937 random(1);
  double arena = 0, bound = 0;
  for (int round = 0; round < 300; ++round) {
    const int count = 1 + static_cast<int>(random() % 120);
    const std::vector<Lifetime> blocks = RandomBlocks(random, count, 40);
    const ArenaLayout layout = LayOut(blocks);
    ASSERT_TRUE(Valid(blocks, layout)) << "round " << round;
    const uint64_t live = LargestLiveSet(blocks);
    ASSERT_EQ(live, SlowLargestLiveSet(blocks, 60)) << "round " << round;
    ASSERT_GE(layout.bytes, live);
    ASSERT_EQ(LayOut(blocks).offsets, layout.offsets);
    arena += static_cast<double>(layout.bytes);
    bound += static_cast<double>(live);
  }
  EXPECT_LT(arena, 1.15 * bound);
}

TEST(ArenaLayoutTest, IsNearTheBestOfAllOrders) {
  std::mt19937 random(2);
  double arena = 0, best = 0;
  for (int round = 0; round < 60; ++round) {
    const std::vector<Lifetime> blocks = RandomBlocks(random, 6, 10);
    const uint64_t smallest = SmallestArena(blocks);
    const uint64_t ours = LayOut(blocks).bytes;
    ASSERT_GE(smallest, LargestLiveSet(blocks));
    ASSERT_GE(ours, smallest);
    ASSERT_LE(static_cast<double>(ours), 1.5 * static_cast<double>(smallest)) << "round " << round;
    arena += static_cast<double>(ours);
    best += static_cast<double>(smallest);
  }
  EXPECT_LT(arena, 1.05 * best);
}

}  // namespace
}  // namespace cryograph
