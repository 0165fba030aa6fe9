#include "cryograph/inference.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Code = absl::StatusCode;

const std::string kDigits = "tests/models/digits/";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The floats of an .npy file of version 1, whose header numpy pads to 128 bytes.
std::vector<float> NpyFloats(const std::string& path) {
  const std::string bytes = ReadFile(path).substr(128);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

Inference LoadDigits(const Inference::Options& options = {}) {
  absl::StatusOr<Inference> inference = Inference::Load(kDigits + "frozen.pb", options);
  EXPECT_OK(inference);
  return *std::move(inference);
}

std::vector<float> Images() { return NpyFloats(kDigits + "sample_image.npy"); }

// TensorFlow's own results, to rounding; the worst difference.
float WorstDifference(const Inference& inference) {
  const std::vector<float> golden = NpyFloats(kDigits + "sample_probabilities.npy");
  const absl::StatusOr<Inference::View> view = inference.Fetch("probabilities");
  if (!view.ok() || view->as<float>() == nullptr ||
      view->num_elements != static_cast<int64_t>(golden.size())) {
    return INFINITY;
  }
  float worst = 0;
  for (size_t i = 0; i < golden.size(); ++i) {
    worst = std::fmax(worst, std::fabs(view->as<float>()[i] - golden[i]));
  }
  return worst;
}

TEST(InferenceTest, ComputesWhatTensorFlowDoes) {
  const std::vector<float> images = Images();
  ASSERT_EQ(images.size(), 3u * 12 * 12);
  Inference inference = LoadDigits();
  ASSERT_OK(inference.Feed("image:0", images.data(), images.size(), {3, 12, 12, 1}));
  ASSERT_OK(inference.Run({"probabilities"}));
  EXPECT_LT(WorstDifference(inference), 1e-5);
  const absl::StatusOr<Inference::View> view = inference.Fetch("probabilities:0");
  ASSERT_OK(view);
  EXPECT_EQ(view->type, Inference::kFloat);
  EXPECT_THAT(view->shape, ElementsAre(3, 10));
  EXPECT_EQ(view->num_bytes, 120u);
  EXPECT_EQ(view->as<int32_t>(), nullptr);
}

TEST(InferenceTest, RestoresVariables) {
  const std::vector<float> images = Images();
  Inference::Options options;
  options.checkpoint = kDigits + "model.ckpt";
  for (const auto& [path, checkpoint] : std::vector<std::pair<std::string, std::string>>{
           {"graph.pb", kDigits + "model.ckpt"}, {"saved_model", ""}}) {
    options.checkpoint = checkpoint;
    absl::StatusOr<Inference> inference = Inference::Load(kDigits + path, options);
    ASSERT_OK(inference) << path;
    ASSERT_OK(inference->Feed("image", images.data(), images.size(), {3, 12, 12, 1}));
    ASSERT_OK(inference->Run({"probabilities"}));
    EXPECT_LT(WorstDifference(*inference), 1e-5) << path;
  }
}

TEST(InferenceTest, ManyThreadsRunOneModel) {
  const std::vector<float> images = Images();
  Inference::Options options;
  options.threads = 2;
  const Inference model = LoadDigits(options);
  std::vector<float> worst(8, INFINITY);
  std::vector<std::thread> threads;
  for (float& mine : worst) {
    threads.emplace_back([&images, &model, &mine] {
      Inference inference = model.Share();
      float seen = 0;
      for (int run = 0; run < 50; ++run) {
        if (!inference.Feed("image", images.data(), images.size(), {3, 12, 12, 1}).ok()) return;
        if (!inference.Run({"probabilities"}).ok()) return;
        seen = std::fmax(seen, WorstDifference(inference));
      }
      mine = seen;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const float mine : worst) EXPECT_LT(mine, 1e-5);
}

TEST(InferenceTest, ASharedOneOutlivesTheFirst) {
  const std::vector<float> images = Images();
  absl::StatusOr<Inference> first = Inference::Load(kDigits + "frozen.pb");
  ASSERT_OK(first);
  Inference second = first->Share();
  first = absl::CancelledError();
  ASSERT_OK(second.Feed("image", images.data(), images.size(), {3, 12, 12, 1}));
  ASSERT_OK(second.Run({"probabilities"}));
  EXPECT_LT(WorstDifference(second), 1e-5);
}

TEST(InferenceTest, FeedsHoldForOneRun) {
  const std::vector<float> images = Images();
  Inference inference = LoadDigits();
  ASSERT_OK(inference.Feed("image", images.data(), images.size(), {3, 12, 12, 1}));
  ASSERT_OK(inference.Run({"probabilities"}));
  EXPECT_THAT(inference.Run({"probabilities"}), StatusIs(Code::kInvalidArgument, HasSubstr("image")));
  EXPECT_THAT(inference.Fetch("probabilities"), StatusIs(Code::kNotFound));
}

TEST(InferenceTest, WrongNamesSayNearOnes) {
  const float zero = 0;
  Inference inference = LoadDigits();
  EXPECT_THAT(inference.Feed("imag", &zero, 1, {}),
              StatusIs(Code::kNotFound, AllOf(HasSubstr("'imag'"), HasSubstr("did you mean 'image'"))));
  EXPECT_THAT(inference.Run({"probabilites"}),
              StatusIs(Code::kNotFound, HasSubstr("did you mean 'probabilities'")));
  const std::vector<float> images = Images();
  ASSERT_OK(inference.Feed("image", images.data(), images.size(), {3, 12, 12, 1}));
  ASSERT_OK(inference.Run({"probabilities"}));
  EXPECT_THAT(inference.Fetch("probabilites"),
              StatusIs(Code::kNotFound, HasSubstr("did you mean 'probabilities'")));
}

TEST(InferenceTest, SaysWhatATensorIs) {
  const Inference inference = LoadDigits();
  const absl::StatusOr<Inference::Type> type = inference.TypeOfTensor("image");
  ASSERT_OK(type);
  EXPECT_EQ(*type, Inference::kFloat);
  const auto image = inference.ShapeOfTensor("image:0");
  ASSERT_OK(image);
  ASSERT_TRUE(image->has_value());
  EXPECT_THAT(**image, ElementsAre(-1, 12, 12, 1));
  const auto probabilities = inference.ShapeOfTensor("probabilities");
  ASSERT_OK(probabilities);
  EXPECT_FALSE(probabilities->has_value());
  EXPECT_THAT(inference.ShapeOfTensor("imag"), StatusIs(Code::kNotFound, HasSubstr("did you mean 'image'")));
}

TEST(InferenceTest, WrongFeeds) {
  const std::vector<float> images = Images();
  Inference inference = LoadDigits();
  const auto feed = [&](const std::vector<int64_t>& shape) {
    return inference.Feed("image", images.data(), images.size(), shape);
  };
  EXPECT_THAT(feed({3, 12, 12}), IsOk());
  EXPECT_THAT(inference.Run({"probabilities"}), StatusIs(Code::kInvalidArgument, HasSubstr("image")));
  EXPECT_THAT(feed({2, 12, 12, 1}),
              StatusIs(Code::kInvalidArgument, HasSubstr("shape [2,12,12,1] takes 1152 bytes, not 1728")));
  EXPECT_THAT(feed({-3, 12, -12, 1}), StatusIs(Code::kInvalidArgument, HasSubstr("is no shape")));
  EXPECT_THAT(feed({int64_t{1} << 40, int64_t{1} << 40}),
              StatusIs(Code::kInvalidArgument, HasSubstr("is no shape")));
  const std::vector<int32_t> numbers(432);
  EXPECT_THAT(inference.Feed("image", numbers.data(), numbers.size(), {3, 12, 12, 1}),
              StatusIs(Code::kInvalidArgument, HasSubstr("expected float, not int32")));
  EXPECT_THAT(inference.FeedStrings("image", {"a"}, {}),
              StatusIs(Code::kInvalidArgument, HasSubstr("expected float, not string")));
  EXPECT_THAT(inference.Feed("image", Inference::kFloat, {1}, nullptr, 4),
              StatusIs(Code::kInvalidArgument, HasSubstr("no data")));
  EXPECT_THAT(inference.Run({}), StatusIs(Code::kInvalidArgument, HasSubstr("nothing to run")));
}

TEST(InferenceTest, Limits) {
  const std::vector<float> images = Images();
  Inference::Options options;
  options.time_limit_seconds = 1e-9;
  Inference inference = LoadDigits(options);
  ASSERT_OK(inference.Feed("image", images.data(), images.size(), {3, 12, 12, 1}));
  EXPECT_THAT(inference.Run({"probabilities"}), StatusIs(Code::kDeadlineExceeded));
  options.threads = 0;
  EXPECT_THAT(Inference::Load(kDigits + "frozen.pb", options), StatusIs(Code::kInvalidArgument));
}

TEST(InferenceTest, FilesThatAreNoModel) {
  EXPECT_THAT(Inference::Load(kDigits + "missing.pb"), StatusIs(Code::kNotFound, HasSubstr("missing.pb")));
  const std::string path = testing::TempDir() + "/truncated.pb";
  const std::string whole = ReadFile(kDigits + "frozen.pb");
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() * 2 / 3);
  const absl::StatusOr<Inference> inference = Inference::Load(path);
  ASSERT_FALSE(inference.ok());
  EXPECT_THAT(std::string(inference.status().message()), HasSubstr("truncated.pb"));
}

TEST(InferenceTest, Strings) {
  const std::string path = testing::TempDir() + "/join.pbtxt";
  std::ofstream(path)
      << "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_STRING } } }\n"
         "node { name: 'y' op: 'Identity' input: 'x' attr { key: 'T' value { type: DT_STRING } } }\n";
  absl::StatusOr<Inference> inference = Inference::Load(path);
  ASSERT_OK(inference);
  ASSERT_OK(inference->FeedStrings("x", {"a", std::string("b\0c", 3)}, {2}));
  ASSERT_OK(inference->Run({"y"}));
  const absl::StatusOr<Inference::View> view = inference->Fetch("y");
  ASSERT_OK(view);
  ASSERT_NE(view->as<std::string>(), nullptr);
  EXPECT_EQ(view->as<std::string>()[1], std::string("b\0c", 3));
  EXPECT_THAT(inference->FeedStrings("x", {"a"}, {2}),
              StatusIs(Code::kInvalidArgument, HasSubstr("takes 2 strings, not 1")));
}

}  // namespace
}  // namespace cryograph
