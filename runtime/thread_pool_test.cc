#include "runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

using Ranges = std::vector<std::pair<int64_t, int64_t>>;

Ranges RangesOf(ThreadPool* pool, int64_t count, int64_t grain) {
  Ranges ranges;
  std::mutex mutex;
  ParallelFor(pool, count, grain, [&](int64_t begin, int64_t end) {
    std::lock_guard<std::mutex> lock(mutex);
    ranges.emplace_back(begin, end);
  });
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

TEST(ThreadPoolTest, RangesCoverAllOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t count : {1, 2, 3, 7, 8, 9, 1000}) {
      const Ranges ranges = RangesOf(&pool, count, 1);
      EXPECT_THAT(ranges, SizeIs(std::min<int64_t>(threads, count)));
      int64_t end = 0;
      for (const auto& range : ranges) {
        EXPECT_EQ(range.first, end);
        EXPECT_GT(range.second, range.first);
        end = range.second;
      }
      EXPECT_EQ(end, count);
    }
  }
}

TEST(ThreadPoolTest, NoRangeIsShorterThanTheGrain) {
  ThreadPool pool(4);
  EXPECT_THAT(RangesOf(&pool, 100, 40), ElementsAre(std::make_pair(0, 50), std::make_pair(50, 100)));
  EXPECT_THAT(RangesOf(&pool, 100, 101), ElementsAre(std::make_pair(0, 100)));
  EXPECT_THAT(RangesOf(&pool, 3, 0), SizeIs(3));
}

TEST(ThreadPoolTest, NothingToDo) {
  ThreadPool pool(2);
  EXPECT_THAT(RangesOf(&pool, 0, 1), SizeIs(0));
  EXPECT_THAT(RangesOf(&pool, -1, 1), SizeIs(0));
  EXPECT_THAT(RangesOf(nullptr, 0, 1), SizeIs(0));
}

TEST(ThreadPoolTest, NoPoolIsTheCallerAlone) {
  EXPECT_THAT(RangesOf(nullptr, 10, 1), ElementsAre(std::make_pair(0, 10)));
}

TEST(ThreadPoolTest, ThreadsBelowOneAreOne) {
  EXPECT_EQ(ThreadPool(0).threads(), 1);
  EXPECT_EQ(ThreadPool(-7).threads(), 1);
}

TEST(ThreadPoolTest, LoopsInsideLoopsAndLoopAfterLoop) {
  ThreadPool pool(3);
  std::vector<int> hits(64 * 64);
  for (int round = 0; round < 200; ++round) {
    pool.ParallelFor(64, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        pool.ParallelFor(64, 1, [&, i](int64_t first, int64_t last) {
          for (int64_t j = first; j < last; ++j) ++hits[i * 64 + j];
        });
      }
    });
  }
  EXPECT_THAT(hits, Each(200));
}

TEST(ThreadPoolTest, ManyCallersAtOnce) {
  ThreadPool pool(2);
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        pool.ParallelFor(100, 1, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) sum += i;
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 100 * 4950);
}

}  // namespace
}  // namespace cryograph
