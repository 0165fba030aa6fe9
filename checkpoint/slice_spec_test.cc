#include "checkpoint/slice_spec.h"

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SliceSpecTest, ReadsAndPrints) {
  ASSERT_OK_AND_ASSIGN(const SliceSpec spec, ParseSliceSpec("10 3 4,3:-"));
  EXPECT_THAT(spec.dims, ElementsAre(10, 3));
  EXPECT_THAT(spec.slice, ElementsAre(SliceExtent{4, 3}, SliceExtent{}));
  EXPECT_EQ(SliceSpecText(spec), "10 3 4,3:-");
  ASSERT_OK_AND_ASSIGN(const TensorSlice resolved, ResolveSlice(spec.slice, spec.dims));
  EXPECT_THAT(SliceDims(resolved), ElementsAre(3, 3));
  ASSERT_OK_AND_ASSIGN(const SliceSpec scalar, ParseSliceSpec(" "));
  EXPECT_TRUE(scalar.dims.empty());
  EXPECT_EQ(SliceSpecText(scalar), " ");
}

TEST(SliceSpecTest, RefusesWhatIsNone) {
  for (const char* text : {"", "10", "10 3 0,1", "10 0,1:0,1", "x 0,1", "10 0,0", "10 -1,2", "10 9,2",
                           "10 11,1", "10 0,1,2", "10 0", "10  0,1", "-5 0,1", "10 0,9223372036854775808",
                           "10 9223372036854775807,9223372036854775807", "9223372036854775807 3 0,1:0,1"}) {
    EXPECT_THAT(ParseSliceSpec(text), StatusIs(StatusCode::kInvalidArgument)) << text;
  }
  EXPECT_THAT(ParseSliceSpec("10 9,2"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("dimension 0 has size 10")));
}

TEST(SliceTest, TilingFindsGapsAndOverlaps) {
  const std::vector<int64_t> dims = {4, 6};
  EXPECT_OK(CheckTiling({{{0, 4}, {0, 2}}, {{0, 2}, {2, 4}}, {{2, 2}, {2, 4}}}, dims));
  EXPECT_THAT(CheckTiling({{{0, 4}, {0, 2}}, {{0, 2}, {2, 4}}}, dims),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("only 16 of 24")));
  EXPECT_THAT(CheckTiling({{{0, 4}, {0, 3}}, {{2, 2}, {2, 4}}}, dims),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'0,4:0,3' and '2,2:2,4' overlap")));
  EXPECT_OK(CheckTiling({TensorSlice{}}, {}));
  EXPECT_THAT(CheckTiling({TensorSlice{}, TensorSlice{}}, {}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckTiling({}, {}), StatusIs(StatusCode::kInvalidArgument));
}

// Copies element by element and compares, for every pair of boxes in a small space.
TEST(SliceTest, RunsCopyExactlyTheCommonPart) {
  const std::vector<int64_t> dims = {3, 2, 3};
  std::vector<TensorSlice> boxes;
  for (int64_t a = 0; a < 3; ++a)
    for (int64_t b = 1; a + b <= 3; ++b)
      for (int64_t c = 0; c < 2; ++c)
        for (int64_t d = 1; c + d <= 2; ++d)
          for (int64_t e = 0; e < 3; ++e)
            for (int64_t f = 1; e + f <= 3; ++f) boxes.push_back({{a, b}, {c, d}, {e, f}});
  const auto offset = [](const TensorSlice& box, int64_t x, int64_t y, int64_t z) {
    return ((x - box[0].start) * box[1].length + y - box[1].start) * box[2].length + z - box[2].start;
  };
  for (const TensorSlice& source : boxes) {
    for (const TensorSlice& target : boxes) {
      TensorSlice common;
      if (!Intersect(source, target, &common)) continue;
      std::vector<std::pair<int64_t, int64_t>> expected, copied;
      for (int64_t x = 0; x < 3; ++x)
        for (int64_t y = 0; y < 2; ++y)
          for (int64_t z = 0; z < 3; ++z) {
            const auto in = [&](const TensorSlice& box) {
              return x >= box[0].start && x < box[0].start + box[0].length && y >= box[1].start &&
                     y < box[1].start + box[1].length && z >= box[2].start &&
                     z < box[2].start + box[2].length;
            };
            if (in(source) && in(target))
              expected.emplace_back(offset(source, x, y, z), offset(target, x, y, z));
          }
      ForEachRun(common, source, target, [&](const CopyRun& run) {
        for (uint64_t i = 0; i < run.count; ++i) copied.emplace_back(run.from + i, run.to + i);
      });
      ASSERT_EQ(copied, expected) << SliceText(source) << " to " << SliceText(target);
    }
  }
}

TEST(SliceTest, WholeInnerDimensionsMakeOneRun) {
  int runs = 0;
  const TensorSlice part = {{2, 3}, {0, 5}, {0, 7}}, whole = {{0, 10}, {0, 5}, {0, 7}};
  ForEachRun(part, whole, part, [&](const CopyRun& run) {
    ++runs;
    EXPECT_EQ(run.from, 70u);
    EXPECT_EQ(run.to, 0u);
    EXPECT_EQ(run.count, 105u);
  });
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace cryograph
