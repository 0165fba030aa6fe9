// Constants show the bytes of the file, whatever their alignment, and are there once.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
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

// Large constants are the bytes of the graph, which lie anywhere. Four names of different length shift them.
TEST(ConstantsTest, ConstantsAnywhereInTheFile) {
  for (int shift = 0; shift < 4; ++shift) {
    const std::string name = "c" + std::string(shift, 'c');
    const int64_t rows = 130, columns = 160;  // More than 64 KiB.
    const std::string graph =
        absl::StrCat(Placeholder(), Const(name, rows, columns), N("read", "Identity", {name}),
                     N("product", "MatMul", {"x", "read"}), N("sum", "AddV2", {"product", name}),
                     N("alone", "MatMul", {"x", "other"}), Const("other", rows, columns));
    for (const std::vector<std::string>& fetches :
         {std::vector<std::string>{"product", "alone"}, {"sum", "read", name}}) {
      std::unique_ptr<Executor> executor = Load(graph);
      ASSERT_NE(executor, nullptr);
      ASSERT_OK_AND_ASSIGN(auto plan, executor->MakePlan({{"x"}, fetches, {}}));
      EXPECT_EQ(executor->Memory(*plan).weight_bytes, rows * columns * 4u * (fetches[0] == "sum" ? 1 : 2));
      Value x = Filled(rows, rows, 0, executor->pool());
      ASSERT_OK_AND_ASSIGN(const std::vector<Value> result, executor->Run(*plan, {x}));
      plan = nullptr;
      executor = nullptr;  // Fetched constants keep the graph's bytes.
      const auto constant = [&](int64_t i) { return static_cast<float>(i % 7) - 3; };
      for (int64_t i = 0; i < rows; i += 17) {
        for (int64_t j = 0; j < columns; ++j) {
          float sum = 0;
          for (int64_t k = 0; k < rows; ++k) sum += x.data<float>()[i * rows + k] * constant(k * columns + j);
          if (fetches[0] == "sum") {
            ASSERT_EQ(result[0].data<float>()[i * columns + j], sum + constant(i * columns + j));
            ASSERT_EQ(result[1].data<float>()[i * columns + j], constant(i * columns + j));
            ASSERT_EQ(result[2].data<float>()[i * columns + j], constant(i * columns + j));
            ASSERT_TRUE(result[2].aligned());
          } else {
            ASSERT_EQ(result[0].data<float>()[i * columns + j], sum);
            ASSERT_EQ(result[1].data<float>()[i * columns + j], sum);
          }
        }
      }
    }
  }
}

// What is packed is not kept as well.
TEST(ConstantsTest, PackedWeightsAreThereOnce) {
  const int64_t size = 512;
  const std::unique_ptr<Executor> executor = Load(absl::StrCat(
      Placeholder(), Const("w", size, size), N("read", "Identity", {"w"}), N("y", "MatMul", {"x", "read"})));
  ASSERT_NE(executor, nullptr);
  executor->pool().ResetPeak();
  ASSERT_OK_AND_ASSIGN(const auto plan, executor->MakePlan({{"x"}, {"y"}, {}}));
  EXPECT_EQ(executor->pool().bytes_in_use(), size * size * 4u);
  EXPECT_EQ(executor->pool().peak_bytes(), size * size * 4u);
}

}  // namespace
}  // namespace cryograph
