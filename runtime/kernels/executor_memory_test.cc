// Where values lie does not show: results stay what they are while other runs go on, whatever they share.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"
#include "runtime/kernels/matrix_graph.h"

namespace cryograph {
namespace {

std::vector<float> Elements(const Value& value) {
  return std::vector<float>(value.span<float>().begin(), value.span<float>().end());
}

// x -> Neg -> Abs -> …, where every other node can work in place, and every fourth is added to its
// predecessor's predecessor.
std::string LongChain(int length) {
  std::string graph = Placeholder();
  std::string last = "x", before = "x";
  for (int i = 0; i < length; ++i) {
    const std::string name = absl::StrCat("n", i);
    const std::string older = std::exchange(before, last);
    if (i % 4 == 3) {
      absl::StrAppend(&graph, N(name, "AddV2", {last, older}));
    } else {
      absl::StrAppend(&graph, N(name, i % 2 == 0 ? "Neg" : "Square", {last}));
    }
    last = name;
    if (i % 4 == 1) {
      absl::StrAppend(&graph, N(name + "/tanh", "Tanh", {name}));
      last = name + "/tanh";
    }
  }
  return absl::StrCat(graph, N("end", "Identity", {last}));
}

TEST(ExecutorMemoryTest, ResultsStayWhatTheyAreWhileOtherRunsGoOn) {
  const std::unique_ptr<Executor> executor = Load(LongChain(24));
  ASSERT_NE(executor, nullptr);
  const std::vector<std::string> fetches = {"n0", "end", "n11", "x", "n11", "n23"};
  ASSERT_OK_AND_ASSIGN(const auto plan, executor->MakePlan({{"x"}, fetches, {}}));
  std::vector<std::vector<Value>> results;
  std::vector<std::vector<std::vector<float>>> copies;
  for (int run = 0; run < 6; ++run) {
    const Value feed = Filled(20 + run % 2, 64, static_cast<float>(run), executor->pool());
    ASSERT_OK_AND_ASSIGN(results.emplace_back(), executor->Run(*plan, {feed}));
    copies.emplace_back();
    for (const Value& value : results.back()) copies.back().push_back(Elements(value));
    for (int other = 0; other <= run; ++other) {
      for (size_t i = 0; i < fetches.size(); ++i) {
        ASSERT_EQ(Elements(results[other][i]), copies[other][i])
            << fetches[i] << " of run " << other << " after " << run;
      }
    }
  }
  // Runs of one shape: the second and later ones lie in an arena, and give what the first gave.
  const Value feed = Filled(20, 64, 0, executor->pool());
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> again, executor->Run(*plan, {feed}));
  for (size_t i = 0; i < fetches.size(); ++i) EXPECT_EQ(Elements(again[i]), copies[0][i]) << fetches[i];
}

TEST(ExecutorMemoryTest, FetchesMayBeWrittenByWhoeverHasThem) {
  const std::unique_ptr<Executor> executor = Load(LongChain(8));
  ASSERT_NE(executor, nullptr);
  ASSERT_OK_AND_ASSIGN(const auto plan, executor->MakePlan({{"x"}, {"end"}, {}}));
  std::vector<float> expected;
  for (int run = 0; run < 4; ++run) {
    ASSERT_OK_AND_ASSIGN(std::vector<Value> result,
                         executor->Run(*plan, {Filled(9, 99, 1, executor->pool())}));
    if (run == 0) expected = Elements(result[0]);
    ASSERT_EQ(Elements(result[0]), expected) << run;
    ASSERT_TRUE(result[0].writable_alone());
    std::fill_n(result[0].mutable_data<float>(), result[0].num_elements(), -1.0f);
  }
}

TEST(ExecutorMemoryTest, TheLiveSetOfAChainIsTwoValues) {
  const std::unique_ptr<Executor> executor = Load(LongChain(3) + N("y", "Tanh", {"n2"}));
  ASSERT_NE(executor, nullptr);
  ASSERT_OK_AND_ASSIGN(const auto plan, executor->MakePlan({{"x"}, {"y"}, {}}));
  EXPECT_EQ(executor->Memory(*plan).largest_live_bytes, 0u);
  const Value feed = Filled(64, 64, 0, executor->pool());
  for (int run = 0; run < 3; ++run) {
    ASSERT_OK(executor->Run(*plan, {feed}));
    const PlanMemory memory = executor->Memory(*plan);
    EXPECT_LE(memory.largest_live_bytes, 3u * 64 * 64 * 4);
    EXPECT_LE(memory.arena_bytes, 2u * 64 * 64 * 4);
    EXPECT_EQ(memory.weight_bytes, 0u);
    EXPECT_EQ(executor->pool().bytes_in_use(), 64u * 64 * 4);
  }
}

TEST(ExecutorMemoryTest, ManyRunsAtATime) {
  for (int threads : {1, 2}) {
    ExecutorOptions options;
    options.threads = threads;
    const std::unique_ptr<Executor> executor = Load(LongChain(16), options);
    ASSERT_NE(executor, nullptr);
    ASSERT_OK_AND_ASSIGN(const auto plan, executor->MakePlan({{"x"}, {"end", "n7"}, {}}));
    std::vector<std::vector<float>> expected;
    for (int t = 0; t < 6; ++t) {
      const std::unique_ptr<Executor> alone = Load(LongChain(16));
      const Value feed = Filled(30 + t % 3, 50, static_cast<float>(t), alone->pool());
      ASSERT_OK_AND_ASSIGN(const std::vector<Value> result, alone->RunOnce({{"x", feed}}, {"end"}));
      expected.push_back(Elements(result[0]));
    }
    std::vector<std::thread> runs;
    for (int t = 0; t < 6; ++t) {
      runs.emplace_back([&, t] {
        const Value feed = Filled(30 + t % 3, 50, static_cast<float>(t), executor->pool());
        std::vector<Value> kept;
        for (int run = 0; run < 40; ++run) {
          auto result = executor->Run(*plan, {feed});
          ASSERT_OK(result);
          EXPECT_EQ(Elements((*result)[0]), expected[t]);
          if (run % 10 == 0) kept.push_back((*result)[0]);
        }
        for (const Value& value : kept) EXPECT_EQ(Elements(value), expected[t]);
      });
    }
    for (std::thread& run : runs) run.join();
    EXPECT_EQ(executor->pool().bytes_in_use(), 0u);
  }
}

TEST(ExecutorMemoryTest, RunsWhereTheLimitLeavesNoRoomForAnArena) {
  ExecutorOptions options;
  options.memory_limit = 5 * 64 * 64 * 4;
  const std::unique_ptr<Executor> executor = Load(LongChain(12), options);
  ASSERT_NE(executor, nullptr);
  ASSERT_OK_AND_ASSIGN(const auto plan, executor->MakePlan({{"x"}, {"end"}, {}}));
  const Value feed = Filled(64, 64, 0, executor->pool());
  std::vector<std::vector<Value>> kept;
  absl::Status last;
  for (int run = 0; run < 8 && last.ok(); ++run) {
    auto result = executor->Run(*plan, {feed});
    last = result.status();
    if (result.ok()) kept.push_back(*std::move(result));
  }
  EXPECT_THAT(last, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_GE(kept.size(), 1u);
  for (const auto& result : kept) EXPECT_EQ(Elements(result[0]), Elements(kept[0][0]));
  kept.clear();
  EXPECT_OK(executor->Run(*plan, {feed}));
}

}  // namespace
}  // namespace cryograph
