// Constants show the bytes of the file, whatever their alignment, and are there once.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"

namespace cryograph {
namespace {

constexpr char kFloat[] = "attr { key: 'T' value { type: DT_FLOAT } } ";

std::string N(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
              const std::string& attrs = kFloat) {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "' ");
  for (const std::string& input : inputs) absl::StrAppend(&text, "input: '", input, "' ");
  return absl::StrCat(text, attrs, "}\n");
}

std::string Placeholder() {
  return N("x", "Placeholder", {}, "attr { key: 'dtype' value { type: DT_FLOAT } } ");
}

// [rows, columns], element i is (i % 7) - 3.
std::string Const(const std::string& name, int64_t rows, int64_t columns) {
  std::string content;
  for (int64_t i = 0; i < rows * columns; ++i) {
    const float element = static_cast<float>(i % 7) - 3;
    uint32_t bits;
    std::memcpy(&bits, &element, sizeof(bits));
    for (int byte = 0; byte < 4; ++byte)
      absl::StrAppend(&content, "\\x", absl::Hex(bits >> 8 * byte & 255, absl::kZeroPad2));
  }
  return N(name, "Const", {},
           absl::StrCat(
               "attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { tensor { dtype: "
               "DT_FLOAT tensor_shape { dim { size: ",
               rows, " } dim { size: ", columns, " } } tensor_content: '", content, "' } } } "));
}

std::unique_ptr<Executor> Load(const std::string& text, const ExecutorOptions& options = ExecutorOptions()) {
  auto bytes = GraphDefFromText(text, "graph");
  EXPECT_OK(bytes);
  if (!bytes.ok()) return nullptr;
  const auto owner = std::make_shared<const std::string>(*std::move(bytes));
  auto model = ImportGraphDef(*owner, owner, "graph");
  EXPECT_OK(model);
  if (!model.ok()) return nullptr;
  auto executor = Executor::Create(*std::move(model), options);
  EXPECT_OK(executor);
  return executor.ok() ? *std::move(executor) : nullptr;
}

Value Filled(int64_t rows, int64_t columns, float first, MemoryPool& pool) {
  auto value = Value::Allocate(DT_FLOAT, {rows, columns}, pool);
  EXPECT_OK(value);
  for (int64_t i = 0; i < value->num_elements(); ++i)
    value->mutable_data<float>()[i] = first + static_cast<float>(i % 5);
  return *std::move(value);
}

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
  // For a moment there is a copy if the graph's bytes are not aligned.
  EXPECT_LE(executor->pool().peak_bytes(), 2 * size * size * 4u);
}

}  // namespace
}  // namespace cryograph
