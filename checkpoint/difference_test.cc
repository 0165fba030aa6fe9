// Differences of tensors, and statistics of them.
#include "checkpoint/difference.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/status_matchers.h"
#include "checkpoint/bundle_reader.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/statistics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

std::unique_ptr<BundleReader> Written(const std::string& name,
                                      const std::vector<std::pair<std::string, Tensor>>& tensors) {
  const std::string prefix = testing::TempDir() + "/" + name;
  absl::StatusOr<std::unique_ptr<BundleWriter>> writer = BundleWriter::Create(prefix);
  EXPECT_OK(writer);
  for (const auto& [key, tensor] : tensors) EXPECT_OK((*writer)->Add(key, tensor));
  EXPECT_OK((*writer)->Finish());
  absl::StatusOr<std::unique_ptr<BundleReader>> reader = BundleReader::Open(prefix);
  EXPECT_OK(reader);
  return *std::move(reader);
}

std::vector<TensorDifference> Compare(const CheckpointReader& a, const CheckpointReader& b,
                                      const DifferenceOptions& options) {
  absl::StatusOr<EditedKeys> first = EditKeys(a.entries(), "", {}), second = EditKeys(b.entries(), "", {});
  EXPECT_OK(first);
  EXPECT_OK(second);
  absl::StatusOr<std::vector<TensorDifference>> result =
      CompareTensors(a, first->keys, b, second->keys, options);
  EXPECT_OK(result);
  return *std::move(result);
}

TEST(DifferenceTest, EveryKind) {
  const float nan = std::nanf("");
  const auto a = Written("a", {{"a_only", Tensor::Of<float>(DT_FLOAT, {}, {1})},
                               {"same", Tensor::Of<float>(DT_FLOAT, {2}, {1, nan})},
                               {"shape", Tensor::Of<float>(DT_FLOAT, {2}, {1, 2})},
                               {"text", Tensor::OfStrings({2}, {"x", "y"})},
                               {"type", Tensor::Of<float>(DT_FLOAT, {1}, {1})},
                               {"values", Tensor::Of<float>(DT_FLOAT, {2, 2}, {1, 2, 3, nan})}});
  const auto b = Written("b", {{"b_only", Tensor::Of<float>(DT_FLOAT, {}, {1})},
                               {"same", Tensor::Of<float>(DT_FLOAT, {2}, {1, nan})},
                               {"shape", Tensor::Of<float>(DT_FLOAT, {1, 2}, {1, 2})},
                               {"text", Tensor::OfStrings({2}, {"x", "z"})},
                               {"type", Tensor::Of<int32_t>(DT_INT32, {1}, {1})},
                               {"values", Tensor::Of<float>(DT_FLOAT, {2, 2}, {1, 2.5, 3.25, nan})}});
  const std::vector<TensorDifference> all = Compare(*a, *b, {});
  std::vector<std::string> names;
  for (const TensorDifference& each : all) names.push_back(each.name);
  ASSERT_THAT(names, testing::ElementsAre("a_only", "b_only", "shape", "text", "type", "values"));
  EXPECT_EQ(all[0].kind, TensorDifference::kOnlyInFirst);
  EXPECT_EQ(all[1].kind, TensorDifference::kOnlyInSecond);
  EXPECT_EQ(all[2].kind, TensorDifference::kShape);
  EXPECT_EQ(all[3].num_different, 1u);
  EXPECT_EQ(all[3].second_value, "b'z'");
  EXPECT_EQ(all[4].kind, TensorDifference::kType);
  EXPECT_EQ(all[5].num_different, 2u);
  EXPECT_EQ(all[5].first_different, 1u);
  EXPECT_EQ(all[5].largest, 0.5);
  EXPECT_EQ(all[5].first_value, "2.0");
  DifferenceOptions tolerant;
  tolerant.atol = 0.3;
  EXPECT_EQ(Compare(*a, *b, tolerant).back().num_different, 1u);
  tolerant.rtol = 0.2;
  EXPECT_EQ(Compare(*a, *b, tolerant).back().name, "type");
  DifferenceOptions names_only;
  names_only.names_only = true;
  EXPECT_EQ(Compare(*a, *b, names_only).size(), 4u);
}

TEST(DifferenceTest, ANumberAgainstNoNumberIsNeverWithinTolerance) {
  const auto a = Written("n", {{"w", Tensor::Of<float>(DT_FLOAT, {2}, {std::nanf(""), INFINITY})}});
  const auto b = Written("m", {{"w", Tensor::Of<float>(DT_FLOAT, {2}, {0, 1})}});
  DifferenceOptions tolerant;
  tolerant.atol = 1e30;
  tolerant.rtol = 1e30;
  const std::vector<TensorDifference> all = Compare(*a, *b, tolerant);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].num_different, 2u);
  EXPECT_TRUE(std::isnan(all[0].largest));
}

TEST(StatisticsTest, OfManyBlocks) {
  std::vector<double> values;
  for (int i = 0; i < 50000; ++i) values.push_back(i % 1000);
  values.push_back(std::nan(""));
  values.push_back(-INFINITY);
  const Statistics all =
      StatisticsOf(Tensor::Of<double>(DT_DOUBLE, {static_cast<int64_t>(values.size())}, values));
  EXPECT_EQ(all.num_values, 50002u);
  EXPECT_EQ(all.num_nan, 1u);
  EXPECT_EQ(all.num_inf, 1u);
  EXPECT_EQ(all.num_zero, 50u);
  EXPECT_EQ(all.min, 0);
  EXPECT_EQ(all.max, 999);
  EXPECT_DOUBLE_EQ(all.mean, 499.5);
  EXPECT_NEAR(all.std, std::sqrt((1000.0 * 1000 - 1) / 12), 1e-9);  // Of a uniform distribution.
}

TEST(StatisticsTest, OfEveryKindOfNumber) {
  const auto text = [](const Tensor& tensor) { return StatisticsText(StatisticsOf(tensor)); };
  EXPECT_EQ(text(Tensor::Of<uint16_t>(DT_HALF, {2}, {0x3c00, 0xc000})),
            "min -2 max 1 mean -0.5 std 1.5 zeros 0 nan 0 inf 0 of 2");
  EXPECT_EQ(text(Tensor::Of<uint16_t>(DT_BFLOAT16, {2}, {0x3f80, 0x7f80})),
            "min 1 max 1 mean 1 std 0 zeros 0 nan 0 inf 1 of 2");
  EXPECT_EQ(text(Tensor::Of<float>(DT_COMPLEX64, {1}, {3, -1})),
            "min -1 max 3 mean 1 std 2 zeros 0 nan 0 inf 0 of 2");
  EXPECT_EQ(text(Tensor::Of<uint8_t>(DT_INT4, {2}, {0xf, 0x3})),
            "min -1 max 3 mean 1 std 2 zeros 0 nan 0 inf 0 of 2");
  EXPECT_EQ(text(Tensor::OfStrings({1}, {"x"})), "no numbers");
}

}  // namespace
}  // namespace cryograph
