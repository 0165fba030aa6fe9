// The C functions as they are in libcryograph.so, with nothing else of the project.
#include "cryograph/cryograph.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kDigits = "tests/models/digits/";
const char* const kFetches[] = {"probabilities"};
const int64_t kShape[] = {3, 12, 12, 1};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The elements of an .npy file of version 1, whose header numpy pads to 128 bytes.
std::string NpyBytes(const std::string& path) { return ReadFile(path).substr(128); }

cryograph_tensor ImageTensor(const std::string& bytes) {
  return {CRYOGRAPH_FLOAT, 4, kShape, bytes.data(), bytes.size()};
}

class CryographTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cryograph_model_load((kDigits + "frozen.pb").c_str(), nullptr, &model_), CRYOGRAPH_OK)
        << cryograph_last_error();
    ASSERT_EQ(cryograph_call_new(model_, &call_), CRYOGRAPH_OK);
  }
  void TearDown() override {
    cryograph_call_release(call_);
    cryograph_model_release(model_);
  }

  const std::string image_ = NpyBytes(kDigits + "sample_image.npy");
  const std::string golden_ = NpyBytes(kDigits + "sample_probabilities.npy");
  cryograph_model* model_ = nullptr;
  cryograph_call* call_ = nullptr;

  // Feeds, runs, fetches; the worst difference from what TensorFlow computes.
  float WorstDifference(cryograph_call* call) const {
    const cryograph_tensor image = ImageTensor(image_);
    cryograph_tensor result;
    if (cryograph_feed(call, "image", &image) != CRYOGRAPH_OK) return INFINITY;
    if (cryograph_run(call, kFetches, 1) != CRYOGRAPH_OK) return INFINITY;
    if (cryograph_fetch(call, kFetches[0], &result) != CRYOGRAPH_OK) return INFINITY;
    if (result.dtype != CRYOGRAPH_FLOAT || result.rank != 2 || result.shape[0] != 3 ||
        result.shape[1] != 10 || result.bytes != golden_.size()) {
      return INFINITY;
    }
    float worst = 0;
    for (size_t at = 0; at < golden_.size(); at += sizeof(float)) {
      float expected, got;
      std::memcpy(&expected, golden_.data() + at, sizeof(float));
      std::memcpy(&got, static_cast<const char*>(result.data) + at, sizeof(float));
      worst = std::fmax(worst, std::fabs(expected - got));
    }
    return worst;
  }
};

TEST_F(CryographTest, ComputesWhatTensorFlowDoes) { EXPECT_LT(WorstDifference(call_), 1e-5); }

TEST_F(CryographTest, CallsOutliveTheModel) {
  cryograph_model_release(model_);
  model_ = nullptr;
  EXPECT_LT(WorstDifference(call_), 1e-5);
}

TEST_F(CryographTest, ManyThreads) {
  std::vector<float> worst(8, INFINITY);
  std::vector<int> wrong_names(worst.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < worst.size(); ++i) {
    threads.emplace_back([this, &mine = worst[i], &wrong = wrong_names[i], i] {
      cryograph_call* call = nullptr;
      if (cryograph_call_new(model_, &call) != CRYOGRAPH_OK) return;
      const std::string name = "imag" + std::to_string(i);
      float seen = 0;
      for (int run = 0; run < 25; ++run) {
        const cryograph_tensor image = ImageTensor(image_);
        if (cryograph_feed(call, name.c_str(), &image) == CRYOGRAPH_NOT_FOUND &&
            std::strstr(cryograph_last_error(), name.c_str()) != nullptr) {
          ++wrong;  // Messages of other threads do not get between.
        }
        seen = std::fmax(seen, WorstDifference(call));
      }
      mine = seen;
      cryograph_call_release(call);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const float mine : worst) EXPECT_LT(mine, 1e-5);
  for (const int wrong : wrong_names) EXPECT_EQ(wrong, 25);
}

TEST_F(CryographTest, WrongNames) {
  const cryograph_tensor image = ImageTensor(image_);
  EXPECT_EQ(cryograph_feed(call_, "imag", &image), CRYOGRAPH_NOT_FOUND);
  EXPECT_THAT(cryograph_last_error(), AllOf(HasSubstr("'imag'"), HasSubstr("did you mean 'image'")));
  const char* const fetches[] = {"probabilites"};
  EXPECT_EQ(cryograph_run(call_, fetches, 1), CRYOGRAPH_NOT_FOUND);
  EXPECT_THAT(cryograph_last_error(), HasSubstr("did you mean 'probabilities'"));
  cryograph_tensor result;
  EXPECT_EQ(cryograph_fetch(call_, "probabilities", &result), CRYOGRAPH_NOT_FOUND);
}

TEST_F(CryographTest, WrongTensors) {
  cryograph_tensor image = ImageTensor(image_);
  image.bytes -= 4;
  EXPECT_EQ(cryograph_feed(call_, "image", &image), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_THAT(cryograph_last_error(), HasSubstr("takes 1728 bytes, not 1724"));
  image = ImageTensor(image_);
  image.dtype = CRYOGRAPH_INT32;
  EXPECT_EQ(cryograph_feed(call_, "image", &image), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_THAT(cryograph_last_error(), HasSubstr("expected float, not int32"));
  image.dtype = -7;
  EXPECT_EQ(cryograph_feed(call_, "image", &image), CRYOGRAPH_INVALID_ARGUMENT);
  image = ImageTensor(image_);
  for (const int32_t rank : {-1, 255}) {
    image.rank = rank;
    EXPECT_EQ(cryograph_feed(call_, "image", &image), CRYOGRAPH_INVALID_ARGUMENT);
  }
}

TEST_F(CryographTest, NullArguments) {
  cryograph_tensor image = ImageTensor(image_);
  const char* const no_name[] = {nullptr};
  cryograph_model* model = nullptr;
  EXPECT_EQ(cryograph_model_load(nullptr, nullptr, &model), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_STREQ(cryograph_last_error(), "cryograph_model_load: path is NULL");
  EXPECT_EQ(cryograph_model_load("x", nullptr, nullptr), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_call_new(nullptr, &call_), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_call_new(model_, nullptr), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_feed(nullptr, "image", &image), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_feed(call_, nullptr, &image), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_feed(call_, "image", nullptr), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_run(nullptr, kFetches, 1), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_run(call_, nullptr, 1), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_run(call_, nullptr, 0), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_run(call_, no_name, 1), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_fetch(nullptr, "y", &image), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_fetch(call_, nullptr, &image), CRYOGRAPH_INVALID_ARGUMENT);
  EXPECT_EQ(cryograph_fetch(call_, "y", nullptr), CRYOGRAPH_INVALID_ARGUMENT);
  image.shape = nullptr;
  EXPECT_EQ(cryograph_feed(call_, "image", &image), CRYOGRAPH_INVALID_ARGUMENT);
  image = ImageTensor(image_);
  image.data = nullptr;
  EXPECT_EQ(cryograph_feed(call_, "image", &image), CRYOGRAPH_INVALID_ARGUMENT);
  cryograph_model_release(nullptr);
  cryograph_call_release(nullptr);
}

TEST_F(CryographTest, Files) {
  cryograph_model* model = nullptr;
  EXPECT_EQ(cryograph_model_load((kDigits + "missing.pb").c_str(), nullptr, &model), CRYOGRAPH_NOT_FOUND);
  const std::string path = testing::TempDir() + "/truncated.pb";
  const std::string whole = ReadFile(kDigits + "frozen.pb");
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() * 2 / 3);
  EXPECT_NE(cryograph_model_load(path.c_str(), nullptr, &model), CRYOGRAPH_OK);
  EXPECT_THAT(cryograph_last_error(), HasSubstr("truncated.pb"));
  EXPECT_EQ(model, nullptr);
}

TEST_F(CryographTest, OptionsAndVariables) {
  const std::string checkpoint = kDigits + "model.ckpt";
  cryograph_options options = {};
  options.checkpoint = checkpoint.c_str();
  options.threads = 2;
  cryograph_model* model = nullptr;
  cryograph_call* call = nullptr;
  ASSERT_EQ(cryograph_model_load((kDigits + "graph.pb").c_str(), &options, &model), CRYOGRAPH_OK)
      << cryograph_last_error();
  ASSERT_EQ(cryograph_call_new(model, &call), CRYOGRAPH_OK);
  EXPECT_LT(WorstDifference(call), 1e-5);
  cryograph_call_release(call);
  cryograph_model_release(model);
}

// A variable that a node of the graph sets.
TEST(CryographInitNodesTest, RunAtLoading) {
  const std::string path = testing::TempDir() + "/variable.pbtxt";
  const std::string type = "attr { key: 'dtype' value { type: DT_FLOAT } }";
  std::ofstream(path) << "node { name: 'v' op: 'VarHandleOp' " + type +
                             " attr { key: 'shape' value { shape {} } } }\n"
                             "node { name: 'five' op: 'Const' " +
                             type +
                             " attr { key: 'value' value { tensor { dtype: DT_FLOAT tensor_shape {} "
                             "float_val: 5 } } } }\n"
                             "node { name: 'set' op: 'AssignVariableOp' input: 'v' input: 'five' " +
                             type + " }\nnode { name: 'y' op: 'ReadVariableOp' input: 'v' " + type + " }\n";
  cryograph_options options = {};
  options.init_nodes = "set";
  cryograph_model* model = nullptr;
  cryograph_call* call = nullptr;
  ASSERT_EQ(cryograph_model_load(path.c_str(), &options, &model), CRYOGRAPH_OK) << cryograph_last_error();
  ASSERT_EQ(cryograph_call_new(model, &call), CRYOGRAPH_OK);
  const char* const fetches[] = {"y"};
  ASSERT_EQ(cryograph_run(call, fetches, 1), CRYOGRAPH_OK) << cryograph_last_error();
  cryograph_tensor result;
  ASSERT_EQ(cryograph_fetch(call, "y", &result), CRYOGRAPH_OK) << cryograph_last_error();
  EXPECT_EQ(*static_cast<const float*>(result.data), 5);
  cryograph_call_release(call);
  cryograph_model_release(model);

  options.init_nodes = "sett";
  model = nullptr;
  EXPECT_EQ(cryograph_model_load(path.c_str(), &options, &model), CRYOGRAPH_NOT_FOUND);
  EXPECT_THAT(cryograph_last_error(), HasSubstr("'set'"));
  EXPECT_EQ(model, nullptr);
}

TEST(CryographStringsTest, ThereAndBack) {
  const std::string path = testing::TempDir() + "/join.pbtxt";
  std::ofstream(path)
      << "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_STRING } } }\n"
         "node { name: 'y' op: 'Identity' input: 'x' attr { key: 'T' value { type: DT_STRING } } }\n";
  cryograph_model* model = nullptr;
  cryograph_call* call = nullptr;
  ASSERT_EQ(cryograph_model_load(path.c_str(), nullptr, &model), CRYOGRAPH_OK) << cryograph_last_error();
  ASSERT_EQ(cryograph_call_new(model, &call), CRYOGRAPH_OK);
  const cryograph_string strings[] = {{"a", 1}, {"b\0c", 3}, {nullptr, 0}};
  const int64_t shape[] = {3};
  const cryograph_tensor fed = {CRYOGRAPH_STRING, 1, shape, strings, sizeof(strings)};
  ASSERT_EQ(cryograph_feed(call, "x", &fed), CRYOGRAPH_OK) << cryograph_last_error();
  const char* const fetches[] = {"y"};
  ASSERT_EQ(cryograph_run(call, fetches, 1), CRYOGRAPH_OK) << cryograph_last_error();
  cryograph_tensor result;
  ASSERT_EQ(cryograph_fetch(call, "y:0", &result), CRYOGRAPH_OK) << cryograph_last_error();
  ASSERT_EQ(result.dtype, CRYOGRAPH_STRING);
  ASSERT_EQ(result.bytes, sizeof(strings));
  const auto* got = static_cast<const cryograph_string*>(result.data);
  EXPECT_EQ(std::string(got[1].data, got[1].size), std::string("b\0c", 3));
  EXPECT_EQ(got[2].size, 0u);
  const cryograph_string broken[] = {{nullptr, 1}, {"", 0}, {"", 0}};
  const cryograph_tensor bad = {CRYOGRAPH_STRING, 1, shape, broken, sizeof(broken)};
  EXPECT_EQ(cryograph_feed(call, "x", &bad), CRYOGRAPH_INVALID_ARGUMENT);
  const cryograph_tensor odd = {CRYOGRAPH_STRING, 1, shape, strings, sizeof(strings) - 1};
  EXPECT_EQ(cryograph_feed(call, "x", &odd), CRYOGRAPH_INVALID_ARGUMENT);
  cryograph_call_release(call);
  cryograph_model_release(model);
}

}  // namespace
