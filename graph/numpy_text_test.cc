// Arrays printed beside what numpy printed of them; tests/oracle/numpy_text_cases.py wrote that down.
#include "graph/numpy_text.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

struct Case {
  std::string array, text;
};

// Cases of one file, in its order.
std::vector<Case> ReadCases(const std::string& name) {
  std::ifstream file("graph/testdata/numpy_text/" + name + ".txt");
  std::stringstream all;
  all << file.rdbuf();
  std::vector<Case> cases;
  for (absl::string_view part : absl::StrSplit(all.str(), "\n\n", absl::SkipWhitespace())) {
    std::vector<std::string> lines = absl::StrSplit(part, '\n');
    for (size_t i = 1; i < lines.size(); ++i) lines[i].erase(0, 1);
    cases.push_back({lines[0], absl::StrJoin(lines.begin() + 1, lines.end(), "\n")});
  }
  return cases;
}

Tensor TensorOf(const std::vector<std::string>& fields) {
  std::vector<int64_t> dims;
  for (absl::string_view dim : absl::StrSplit(fields[1], ',', absl::SkipEmpty())) {
    EXPECT_TRUE(absl::SimpleAtoi(dim, &dims.emplace_back()));
  }
  if (fields[0] == "string") {
    std::vector<std::string> values;
    for (absl::string_view each : absl::StrSplit(fields[3], ','))
      values.push_back(absl::HexStringToBytes(each));
    return Tensor::OfStrings(dims, values);
  }
  DataType dtype = DT_INVALID;
  EXPECT_TRUE(ParseDataType(fields[0], &dtype)) << fields[0];
  return Tensor::OfBytes(dtype, dims, absl::HexStringToBytes(fields[3]));
}

NumpyTextOptions OptionsOf(absl::string_view text) {
  NumpyTextOptions options;
  for (absl::string_view pair : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    int64_t number = 0;
    (void)absl::SimpleAtoi(parts[1], &number);
    if (parts[0] == "precision") options.precision = number;
    if (parts[0] == "threshold") options.threshold = number;
    if (parts[0] == "edgeitems") options.edgeitems = number;
    if (parts[0] == "linewidth") options.linewidth = number;
    if (parts[0] == "suppress") options.suppress = parts[1] == "True";
    if (parts[0] == "nanstr") options.nanstr = parts[1];
    if (parts[0] == "infstr") options.infstr = parts[1];
    if (parts[0] == "floatmode") options.floatmode = parts[1];
    if (parts[0] == "sign") options.sign = parts[1].empty() ? " " : parts[1];
  }
  return options;
}

void Check(const Case& each, bool old_numpy) {
  const std::vector<std::string> fields = absl::StrSplit(each.array, '|');
  ASSERT_EQ(fields.size(), 4u);
  const Tensor tensor = TensorOf(fields);
  NumpyTextOptions options = OptionsOf(fields[2]);
  options.old_numpy = old_numpy;
  ASSERT_OK_AND_ASSIGN(const std::string text, NumpyText(tensor, options));
  EXPECT_EQ(text, each.text) << (old_numpy ? "old " : "new ") << each.array.substr(0, 200);
}

TEST(NumpyTextTest, NewNumpy) {
  const std::vector<Case> cases = ReadCases("new");
  EXPECT_GT(cases.size(), 700u);
  for (const Case& each : cases) Check(each, false);
}

TEST(NumpyTextTest, OldNumpy) {
  std::vector<Case> others = ReadCases("old");
  EXPECT_GT(others.size(), 20u);
  // Both files have their cases in one order; old.txt those that differ.
  size_t next = 0;
  for (const Case& each : ReadCases("new")) {
    if (next < others.size() && others[next].array == each.array) {
      Check(others[next++], true);
    } else {
      Check(each, true);
    }
  }
  EXPECT_EQ(next, others.size());
}

TEST(NumpyTextTest, TypesThatNumpyDoesNotKnow) {
  // As TensorFlow 2.21 prints them (2.3 for 1.15).
  const Tensor bfloat16 = Tensor::Of<uint16_t>(DT_BFLOAT16, {4}, {0x3f80, 0xc020, 0x4049, 0x7f80});
  EXPECT_EQ(*NumpyText(bfloat16), "[1 -2.5 3.14062 inf]");
  NumpyTextOptions old;
  old.old_numpy = true;
  EXPECT_EQ(*NumpyText(bfloat16, old), "[bfloat16(1) bfloat16(-2.5) bfloat16(3.140625) bfloat16(inf)]");
  EXPECT_EQ(*NumpyText(Tensor::Of<uint8_t>(DT_FLOAT8_E4M3B11FNUZ, {3}, {0x58, 0x80, 0x01})),
            "[1 nan 0.00012207]");
  EXPECT_EQ(*NumpyText(Tensor::Of<uint8_t>(DT_FLOAT8_E5M2FNUZ, {3}, {0x40, 0x80, 0x01})),
            "[1 nan 7.62939e-06]");
  EXPECT_EQ(*NumpyText(Tensor::Of<uint8_t>(DT_FLOAT8_E4M3FN, {3}, {0x38, 0xc0, 0x7f})), "[1 -2 nan]");
  EXPECT_EQ(*NumpyText(Tensor::Of<uint8_t>(DT_FLOAT4_E2M1FN, {3}, {2, 10, 7})), "[1 -1 6]");
  EXPECT_EQ(*NumpyText(Tensor::Of<uint8_t>(DT_INT4, {3}, {1, 0xf8, 7})), "[1 -8 7]");
  EXPECT_EQ(*NumpyText(Tensor::Of<int8_t>(DT_QINT8, {3}, {1, -20, 3})), "[  1 -20   3]");
  Tensor variant;
  variant.dtype = DT_VARIANT;
  EXPECT_THAT(NumpyText(variant), StatusIs(absl::StatusCode::kUnimplemented));
}

}  // namespace
}  // namespace cryograph
