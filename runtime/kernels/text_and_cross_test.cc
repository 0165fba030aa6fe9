// Letters beyond ASCII and sparse crosses, at what TensorFlow 2.21 gave for the same operands.
#include <cstdint>
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

using ::testing::ElementsAre;

std::string N(const std::string& name, const std::string& op, const std::string& rest) {
  return absl::StrCat("node { name: '", name, "' op: '", op, "' ", rest, " }\n");
}

// `values`: "string_val: ['a', 'b']".
std::string Const(const std::string& name, const std::string& type, const std::vector<int64_t>& dims,
                  const std::string& values) {
  std::string shape;
  for (const int64_t dim : dims) absl::StrAppend(&shape, "dim { size: ", dim, " } ");
  return N(name, "Const",
           absl::StrCat("attr { key: 'dtype' value { type: ", type,
                        " } } attr { key: 'value' value { tensor { dtype: ", type, " tensor_shape { ", shape,
                        "} ", values, " } } }"));
}

template <typename T>
std::vector<T> Fetch(const std::string& text, const std::string& tensor) {
  auto bytes = GraphDefFromText(text, "graph");
  EXPECT_OK(bytes);
  if (!bytes.ok()) return {};
  const auto owner = std::make_shared<const std::string>(*std::move(bytes));
  auto model = ImportGraphDef(*owner, owner, "graph");
  EXPECT_OK(model);
  auto executor = Executor::Create(*std::move(model));
  EXPECT_OK(executor);
  auto results = (*executor)->RunOnce({}, {tensor});
  EXPECT_OK(results);
  if (!results.ok()) return {};
  const auto elements = (*results)[0].span<T>();
  return std::vector<T>(elements.begin(), elements.end());
}

TEST(StringCaseTest, MapsAllOfUnicode) {
  const std::string utf8 = "attr { key: 'encoding' value { s: 'utf-8' } }";
  EXPECT_THAT(
      Fetch<std::string>(Const("x", "DT_STRING", {3}, "string_val: ['ΑΣ ΣΑΣ.', 'İSTANBUL', 'A\u0301Σ']") +
                             N("y", "StringLower", absl::StrCat("input: 'x' ", utf8)),
                         "y"),
      ElementsAre("ας σας.", "i\u0307stanbul", "a\u0301ς"));
  EXPECT_THAT(Fetch<std::string>(Const("x", "DT_STRING", {2}, "string_val: ['straße ﬁ', 'a\\xffb']") +
                                     N("y", "StringUpper", absl::StrCat("input: 'x' ", utf8)),
                                 "y"),
              ElementsAre("STRASSE FI", "A\ufffdB"));
}

// Two sparse columns and a dense one.
std::string Columns() {
  return Const("i0", "DT_INT64", {3, 2}, "int64_val: [0, 0, 0, 1, 1, 0]") +
         Const("i1", "DT_INT64", {3, 2}, "int64_val: [0, 0, 1, 0, 1, 1]") +
         Const("v0", "DT_STRING", {3}, "string_val: ['a', 'b', 'c']") +
         Const("v1", "DT_INT64", {3}, "int64_val: [7, 8, 9]") +
         Const("s", "DT_INT64", {2}, "int64_val: [2, 2]") +
         Const("d", "DT_STRING", {2, 1}, "string_val: ['x', 'y']");
}
const char kColumns[] =
    "input: ['i0', 'i1', 'v0', 'v1', 's', 's', 'd'] attr { key: 'N' value { i: 2 } } "
    "attr { key: 'sparse_types' value { list { type: [DT_STRING, DT_INT64] } } } "
    "attr { key: 'dense_types' value { list { type: DT_STRING } } } ";

TEST(SparseCrossTest, JoinsStrings) {
  const std::string graph = Columns() + Const("sep", "DT_STRING", {}, "string_val: '_X_'") +
                            N("y", "SparseCrossV2", absl::StrCat(kColumns, "input: 'sep'"));
  EXPECT_THAT(Fetch<int64_t>(graph, "y"), ElementsAre(0, 0, 0, 1, 1, 0, 1, 1));
  EXPECT_THAT(Fetch<std::string>(graph, "y:1"),
              ElementsAre("a_X_7_X_x", "b_X_7_X_x", "c_X_8_X_y", "c_X_9_X_y"));
  EXPECT_THAT(Fetch<int64_t>(graph, "y:2"), ElementsAre(2, 2));
}

TEST(SparseCrossTest, Hashes) {
  const std::string first = absl::StrCat(
      kColumns,
      "attr { key: 'hashed_output' value { b: true } } attr { key: 'num_buckets' value { i: 100 } } "
      "attr { key: 'hash_key' value { i: 956888297470 } } attr { key: 'out_type' value { type: DT_INT64 } } "
      "attr { key: 'internal_type' value { type: DT_INT64 } }");
  EXPECT_THAT(Fetch<int64_t>(Columns() + N("y", "SparseCross", first), "y:1"), ElementsAre(54, 95, 53, 77));
}

}  // namespace
}  // namespace cryograph
