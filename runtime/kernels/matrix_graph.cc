#include "runtime/kernels/matrix_graph.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"

namespace cryograph {

std::string N(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
              const std::string& attrs) {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "' ");
  for (const std::string& input : inputs) absl::StrAppend(&text, "input: '", input, "' ");
  return absl::StrCat(text, attrs, "}\n");
}

std::string Placeholder() {
  return N("x", "Placeholder", {}, "attr { key: 'dtype' value { type: DT_FLOAT } } ");
}

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

std::unique_ptr<Executor> Load(const std::string& text, const ExecutorOptions& options) {
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

}  // namespace cryograph
