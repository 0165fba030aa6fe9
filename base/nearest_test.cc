#include "base/nearest.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NearestNamesTest, TyposByNumberOfEdits) {
  EXPECT_THAT(
      NearestNames("fold_fused_batchnorm", {"fold_batch_norms", "fold_fused_batch_norm", "remove_nodes"}, 1),
      ElementsAre("fold_fused_batch_norm"));
  EXPECT_THAT(NearestNames("softmxa", {"softmin", "softmax", "relu"}), ElementsAre("softmax", "softmin"));
  EXPECT_THAT(NearestNames("sotfmax", {"soft_max", "softmax"}), ElementsAre("softmax", "soft_max"));
}

TEST(NearestNamesTest, CaseAloneIsNearest) {
  EXPECT_THAT(NearestNames("Logits", {"Logit", "logits"}), ElementsAre("logits", "Logit"));
}

TEST(NearestNamesTest, PartsOfThePath) {
  EXPECT_THAT(NearestNames("conv1", {"net/pool", "net/conv1", "fc"}), ElementsAre("net/conv1"));
  EXPECT_THAT(NearestNames("model/net/conv1", {"pool", "net/conv1"}), ElementsAre("net/conv1"));
  EXPECT_THAT(NearestNames("dense", {"x", "dense/BiasAdd", "dense/MatMul", "y"}),
              ElementsAre("dense/BiasAdd", "dense/MatMul"));
  EXPECT_THAT(NearestNames("tower_7/block/conv1/kernel", {"other/bias", "a/block/conv1/kernel", "z/kernel"}),
              ElementsAre("a/block/conv1/kernel", "z/kernel"));
}

TEST(NearestNamesTest, NothingIsSaidWithoutLikeness) {
  EXPECT_THAT(NearestNames("logits", {"global_step", "save/Const", "", "x"}), IsEmpty());
  EXPECT_THAT(NearestNames("a", {"b", "c"}), IsEmpty());
  EXPECT_THAT(NearestNames("", {"a"}), IsEmpty());
  EXPECT_THAT(NearestNames("x", {}), IsEmpty());
  EXPECT_THAT(NearestNames("x", {"x"}, 0), IsEmpty());
}

TEST(NearestNamesTest, TiesGoToTheEarlier) {
  EXPECT_THAT(NearestNames("node", {"node_b", "nodes", "mode", "note"}, 2), ElementsAre("nodes", "mode"));
}

// The plain matrix, to hold the bit vectors and the band against.
int Matrix(const std::string& a, const std::string& b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = static_cast<int>(i + j);
        continue;
      }
      d[i][j] = std::min({d[i - 1][j - 1] + (a[i - 1] != b[j - 1]), d[i - 1][j] + 1, d[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

TEST(NearestNamesTest, OrderAgreesWithThePlainMatrix) {
  uint32_t state = 1;
  const auto random = [&state](uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  for (const size_t length : {9u, 40u, 63u, 64u, 65u, 200u}) {
    for (int round = 0; round < 200; ++round) {
      std::string wanted;
      for (size_t i = 0; i < length; ++i) wanted += static_cast<char>('a' + random(4));
      std::vector<std::string> names;
      for (int k = 0; k < 4; ++k) {
        std::string name = wanted;
        for (uint32_t edits = random(4); edits > 0; --edits) {
          const size_t at = random(static_cast<uint32_t>(name.size() - 1));
          switch (random(4)) {
            case 0:
              name.erase(at, 1);
              break;
            case 1:
              name.insert(at, 1, 'b');
              break;
            case 2:
              name[at] = 'c';
              break;
            default:
              std::swap(name[at], name[at + 1]);
          }
        }
        names.push_back("z" + name.substr(1));  // No shared beginning: edits alone decide.
        names.back() += 'y';
      }
      std::vector<absl::string_view> candidates(names.begin(), names.end());
      const std::vector<std::string> nearest = NearestNames(wanted, candidates, 4);
      std::vector<int> expected, found;
      for (const std::string& name : names) {
        if (Matrix(wanted, name) <= static_cast<int>(std::min(name.size(), length) + 2) / 3) {
          expected.push_back(Matrix(wanted, name));
        }
      }
      for (const std::string& name : nearest) found.push_back(Matrix(wanted, name));
      std::sort(expected.begin(), expected.end());
      ASSERT_EQ(found, expected) << wanted << " " << length;
    }
  }
}

TEST(NearestNamesTest, AMillionCandidatesAreNoWait) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000000; ++i)
    names.push_back(absl::StrCat("block_", i / 1000, "/unit_", i % 1000, "/conv/kernel"));
  const std::vector<absl::string_view> candidates(names.begin(), names.end());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(NearestNames("block_999/unit_998/conv/kerenl", candidates, 1),
              ElementsAre("block_999/unit_998/conv/kernel"));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 60);  // A third of a second on an idle machine.
  RecordProperty("milliseconds", static_cast<int>(seconds.count() * 1000));
}

TEST(DidYouMeanTest, Wording) {
  EXPECT_EQ(DidYouMean({}), "");
  EXPECT_EQ(DidYouMean({"a"}), "; did you mean 'a'?");
  EXPECT_EQ(DidYouMean({"a", "b"}), "; did you mean 'a' or 'b'?");
  EXPECT_EQ(DidYouMean({"a", "b", "c"}), "; did you mean 'a', 'b' or 'c'?");
}

}  // namespace
}  // namespace cryograph
