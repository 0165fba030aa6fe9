#include "checkpoint/saver.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/directory.h"
#include "checkpoint/state_file.h"
#include "gmock/gmock.h"
#include "graph/tensor_sources.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string TestPath(absl::string_view name) { return absl::StrCat(testing::TempDir(), "/saver_", name); }

Tensor Floats(std::vector<int64_t> dims, std::vector<float> values) {
  return Tensor::Of<float>(DT_FLOAT, std::move(dims), values);
}

NamedVariable Variable(std::string key, std::string name, std::vector<int64_t> dims) {
  return {std::move(key), std::move(name), DT_FLOAT, {false, std::move(dims)}, ""};
}

std::vector<float> Loaded(const Saver::Value& value) {
  const absl::StatusOr<Tensor> tensor = value->Load();
  EXPECT_OK(tensor);
  return tensor.ok() ? tensor->Copy<float>() : std::vector<float>();
}

// v1 = [1,2], v2 = [[3,4],[5,6]].
std::string TwoVariables(absl::string_view name) {
  const std::string prefix = TestPath(name);
  absl::StatusOr<std::unique_ptr<BundleWriter>> writer = BundleWriter::Create(prefix);
  EXPECT_OK(writer);
  EXPECT_OK((*writer)->Add("v1", Floats({2}, {1, 2})));
  EXPECT_OK((*writer)->Add("v2", Floats({2, 2}, {3, 4, 5, 6})));
  EXPECT_OK((*writer)->Finish());
  return prefix;
}

TEST(SaverTest, RestoresASubsetUnderOtherNames) {
  const std::string prefix = TwoVariables("subset");
  ASSERT_OK_AND_ASSIGN(const Saver saver, Saver::Create({Variable("v2", "mine", {2, 2})}));
  ASSERT_OK_AND_ASSIGN(const std::vector<Saver::Value> values, saver.Restore(prefix));
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(Loaded(values[0]), (std::vector<float>{3, 4, 5, 6}));
}

TEST(SaverTest, SavesUnderOtherNamesAndRestoresThem) {
  for (const int version : {1, 2}) {
    for (const int shards : {1, 2}) {
      SCOPED_TRACE(absl::StrCat("version ", version, ", shards ", shards));
      const std::string directory = TestPath(absl::StrCat("renamed", version, shards));
      Saver::Options options;
      options.version = version;
      options.num_shards = shards;
      options.history.max_to_keep = 2;
      ASSERT_OK_AND_ASSIGN(
          const Saver saver,
          Saver::Create({Variable("new/b", "b", {2}), Variable("new/a", "a", {1})}, options));
      EXPECT_EQ(saver.variables()[0].key, "new/a");
      const std::vector<Saver::Value> values = {SourceOf(Floats({1}, {7})), SourceOf(Floats({2}, {8, 9}))};
      std::string last;
      for (int step = 1; step <= 3; ++step) {
        ASSERT_OK_AND_ASSIGN(last, saver.Save(values, directory + "/m", step, step));
      }
      EXPECT_EQ(last, version == 1 && shards == 2 ? ShardPattern(directory + "/m-3", 2) : directory + "/m-3");
      EXPECT_FALSE(CheckpointExists(directory + "/m-1"));
      ASSERT_OK_AND_ASSIGN(const absl::optional<std::string> latest, LatestCheckpoint(directory));
      EXPECT_EQ(latest.value_or(""), last);
      ASSERT_OK_AND_ASSIGN(const std::vector<Saver::Value> restored, saver.Restore(last));
      EXPECT_EQ(Loaded(restored[0]), std::vector<float>{7});
      EXPECT_EQ(Loaded(restored[1]), (std::vector<float>{8, 9}));
    }
  }
}

TEST(SaverTest, PartitionedVariablesShareAKey) {
  NamedVariable first = Variable("p", "p/part_0", {1, 2}), second = Variable("p", "p/part_1", {1, 2});
  first.slice_spec = "2 2 0,1:0,2";
  second.slice_spec = "2 2 1,1:0,2";
  ASSERT_OK_AND_ASSIGN(const Saver parts, Saver::Create({first, second}));
  ASSERT_OK_AND_ASSIGN(const std::string prefix,
                       parts.Save({SourceOf(Floats({1, 2}, {1, 2})), SourceOf(Floats({1, 2}, {3, 4}))},
                                  TestPath("parts/m"), absl::nullopt, 0));
  EXPECT_EQ(prefix, TestPath("parts/m"));
  // The whole is restored by one variable, and a part by another partition.
  ASSERT_OK_AND_ASSIGN(const Saver whole, Saver::Create({Variable("p", "p", {2, 2})}));
  ASSERT_OK_AND_ASSIGN(std::vector<Saver::Value> values, whole.Restore(prefix));
  EXPECT_EQ(Loaded(values[0]), (std::vector<float>{1, 2, 3, 4}));
  NamedVariable column = Variable("p", "column", {2, 1});
  column.slice_spec = "2 2 -:1,1";
  ASSERT_OK_AND_ASSIGN(const Saver other, Saver::Create({column}));
  ASSERT_OK_AND_ASSIGN(values, other.Restore(prefix));
  EXPECT_EQ(Loaded(values[0]), (std::vector<float>{2, 4}));
}

TEST(SaverTest, ShapesThatAreNotKnownTakeAny) {
  const std::string prefix = TwoVariables("unknown");
  ASSERT_OK_AND_ASSIGN(const Saver saver, Saver::Create({Variable("v2", "v2", {-1, 7})}));
  ASSERT_OK_AND_ASSIGN(const std::vector<Saver::Value> values, saver.Restore(prefix));
  EXPECT_THAT(values[0]->dims(), ElementsAre(2, 2));
}

TEST(SaverTest, ReshapesIfAskedTo) {
  const std::string prefix = TwoVariables("reshape");
  Saver::Options options;
  options.reshape = true;
  ASSERT_OK_AND_ASSIGN(const Saver saver, Saver::Create({Variable("v2", "v2", {4})}, options));
  ASSERT_OK_AND_ASSIGN(const std::vector<Saver::Value> values, saver.Restore(prefix));
  EXPECT_THAT(values[0]->dims(), ElementsAre(4));
  ASSERT_OK_AND_ASSIGN(const Saver other, Saver::Create({Variable("v2", "v2", {5})}, options));
  EXPECT_THAT(other.Restore(prefix).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("CG118")));
}

void ExpectRefusal(std::vector<NamedVariable> variables, const char* message) {
  EXPECT_THAT(Saver::Create(std::move(variables)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

TEST(SaverTest, MapsThatCannotBe) {
  ExpectRefusal({}, "No variables to save");
  ExpectRefusal({Variable("a", "x", {}), Variable("a", "y", {})},
                "At least two variables have the same name: a");
  ExpectRefusal({Variable("a", "y", {}), Variable("b", "y", {})},
                "The same saveable will be restored with two names: y");
  NamedVariable slice = Variable("a", "x", {1});
  slice.slice_spec = "2 0,1";
  ExpectRefusal({slice, Variable("a", "y", {2})}, "Mixing slices and non-slices with the same name: a");
  slice.slice_spec = "2 x";
  ExpectRefusal({slice}, "2 x");
}

TEST(SaverTest, WhatDoesNotFitIsListed) {
  const std::string prefix = TwoVariables("misfits");
  ASSERT_OK_AND_ASSIGN(
      const Saver missing,
      Saver::Create({Variable("v3", "v3", {2}), Variable("v1", "v1", {2}), Variable("u", "u", {})}));
  EXPECT_THAT(
      missing.Restore(prefix).status(),
      StatusIs(absl::StatusCode::kNotFound,
               testing::AllOf(HasSubstr("2 of 3 keys are not in the checkpoint (CG117)"),
                              HasSubstr("'v3' for variable 'v3'; did you mean 'v1'"), HasSubstr("'u'"))));
  ASSERT_OK_AND_ASSIGN(const Saver shape,
                       Saver::Create({Variable("v1", "v1", {3}), Variable("v2", "w", {4})}));
  EXPECT_THAT(shape.Restore(prefix).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::AllOf(HasSubstr("2 variables have another shape (CG118)"),
                                      HasSubstr("'v1' is [3], 'v1' is [2]"),
                                      HasSubstr("'w' is [4], 'v2' is [2,2]"))));
  NamedVariable number = Variable("v1", "v1", {2});
  number.dtype = DT_INT64;
  ASSERT_OK_AND_ASSIGN(const Saver type, Saver::Create({number}));
  EXPECT_THAT(type.Restore(prefix).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'v1' is int64, 'v1' is float")));
  EXPECT_THAT(type.Restore("").status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                                  HasSubstr("Can't load save_path when it is None.")));
  EXPECT_THAT(type.Restore(TestPath("nowhere")).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("The passed save_path is not a valid checkpoint: " + TestPath("nowhere"))));
  EXPECT_THAT(
      type.Save({SourceOf(Floats({2}, {1, 2}))}, TestPath("m"), 1, 0).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is int64[2], but its value is float[2]")));
  EXPECT_THAT(type.Save({}, TestPath("m"), 1, 0).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 values are given for 1 variables")));
  EXPECT_THAT(
      shape
          .Save({SourceOf(Floats({3}, {1, 2, 3})), SourceOf(Floats({4}, {1, 2, 3, 4}))},
                TestPath("at/checkpoint"), absl::nullopt, 0)
          .status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'latest_filename' collides with 'save_path'")));
}

// A checkpoint of TensorFlow 2: its keys are paths of objects, and the variables' names are in its graph.
TEST(SaverTest, ObjectBasedCheckpointsAreRestoredByFullNames) {
  const std::string index = SharedData("formats/savedmodel_tf221/variables/variables.index");
  if (index.empty()) GTEST_SKIP() << "the sample files are not there";
  const std::string prefix = index.substr(0, index.size() - 6);
  std::vector<std::string> notes;
  NamedVariable v = Variable("v", "v", {});
  v.shape.unknown_rank = true;
  ASSERT_OK_AND_ASSIGN(const Saver saver, Saver::Create({v}));
  ASSERT_OK_AND_ASSIGN(const std::vector<Saver::Value> values, saver.Restore(prefix, &notes));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(prefix));
  ASSERT_OK_AND_ASSIGN(const Tensor expected, checkpoint->Read("lst/0/.ATTRIBUTES/VARIABLE_VALUE"));
  EXPECT_EQ(Loaded(values[0]), expected.Copy<float>());
  EXPECT_THAT(notes, ElementsAre(HasSubstr("is object-based")));
  NamedVariable dup = Variable("dup", "dup", {2});
  ASSERT_OK_AND_ASSIGN(const Saver two, Saver::Create({dup}));
  EXPECT_THAT(two.Restore(prefix).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'dup' is the name of a/.ATTRIBUTES/VARIABLE_VALUE and of b/")));
  ASSERT_OK_AND_ASSIGN(const Saver none, Saver::Create({v, Variable("zz", "zz", {})}));
  EXPECT_THAT(none.Restore(prefix).status(),
              StatusIs(absl::StatusCode::kNotFound,
                       testing::AllOf(HasSubstr("1 of 2 variables are not found by name (CG121)"),
                                      HasSubstr("'zz'"), HasSubstr("nobody asked for:\n  'dup'"))));
}

}  // namespace
}  // namespace cryograph
