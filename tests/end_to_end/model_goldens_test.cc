// Every sample model beside the project gives what TensorFlow gave, within its tolerance, on one thread and
// on two; where an error is expected, it names what it should. One of them:
// --gtest_filter='*/t1_while_loop'.
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/golden_model.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

// What the manifest calls it: our words.
constexpr const char* kOtherWords[][2] = {
    {"dtype", "it is float, not double"},
    {"tensor name", "tensor 'fc0/weights'"},
    {"data file", "model.ckpt.data-00000-of-00001"},
    {"truncated", "its end is missing"},
    {"not a table", "does not end as a table does"},
};

bool Names(absl::string_view message, const std::string& word) {
  if (absl::StrContains(absl::AsciiStrToLower(message), absl::AsciiStrToLower(word))) return true;
  for (const auto& [theirs, ours] : kOtherWords) {
    if (word == theirs && absl::StrContains(message, ours)) return true;
  }
  return false;
}

absl::StatusOr<GoldenModel> OpenModelNamed(const std::string& name) {
  return GoldenModel::Open(absl::StrCat(SharedData("models"), "/", name));
}

std::vector<std::string> ModelsThat(bool (GoldenModel::*wanted)() const) {
  std::vector<std::string> names;
  for (const std::string& name : GoldenModel::All()) {
    const absl::StatusOr<GoldenModel> model = OpenModelNamed(name);
    if (!model.ok() || ((*model).*wanted)()) names.push_back(name);  // The test says what is wrong with it.
  }
  return names;
}

std::string NameOf(const testing::TestParamInfo<std::string>& model) { return model.param; }

class ModelGoldensTest : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelGoldensTest);
INSTANTIATE_TEST_SUITE_P(Models, ModelGoldensTest, testing::ValuesIn(ModelsThat(&GoldenModel::has_runs)),
                         NameOf);

TEST_P(ModelGoldensTest, GivesWhatTensorFlowGave) {
  ASSERT_OK_AND_ASSIGN(const GoldenModel model, OpenModelNamed(GetParam()));
  for (const int threads : {1, 2}) {
    EXPECT_EQ(model.Check(threads), "") << "with " << threads << " threads";
  }
}

class ModelErrorsTest : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelErrorsTest);
INSTANTIATE_TEST_SUITE_P(Models, ModelErrorsTest, testing::ValuesIn(ModelsThat(&GoldenModel::expects_error)),
                         NameOf);

TEST_P(ModelErrorsTest, NamesWhatIsWrong) {
  ASSERT_OK_AND_ASSIGN(const GoldenModel model, OpenModelNamed(GetParam()));
  const absl::Status status = model.RunOnZeros(2);
  ASSERT_FALSE(status.ok());
  for (const std::vector<std::string>& words : model.ErrorWords()) {
    bool named = false;
    for (const std::string& word : words) named = named || Names(status.message(), word);
    EXPECT_TRUE(named) << words[0] << " is not named: " << status;
  }
}

TEST(SampleModelsTest, AreThere) {
  if (GoldenModel::All().empty()) GTEST_SKIP() << "../shared/data/models is not there";
  EXPECT_GE(GoldenModel::All().size(), 100);
}

}  // namespace
}  // namespace cryograph
