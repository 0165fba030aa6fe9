#include "checkpoint/state_file.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/directory.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string TestDirectory(absl::string_view name) {
  return absl::StrCat(testing::TempDir(), "/state_", name);
}

// The state files of the samples were written by TensorFlow.
TEST(StateFileTest, WritesTheBytesOfTensorFlow) {
  int compared = 0;
  for (const char* name : {"formats/v2_saver_tf115/checkpoint", "formats/v2_saver_sharded_tf115/checkpoint",
                           "formats/v1_saver_tf115/checkpoint", "formats/v1_saver_sharded_tf115/checkpoint",
                           "formats/v2_object_tf221/checkpoint"}) {
    SCOPED_TRACE(name);
    const std::string path = SharedData(name);
    if (path.empty()) continue;
    ASSERT_OK_AND_ASSIGN(const CheckpointState state, ReadCheckpointState(path));
    EXPECT_EQ(CheckpointStateText(state), FileBytes(path));
    ++compared;
  }
  if (compared == 0) GTEST_SKIP() << "the sample files are not there";
  EXPECT_EQ(compared, 5);
}

// The example of the format's description, and what needs escapes.
TEST(StateFileTest, ReadsAllFields) {
  ASSERT_OK_AND_ASSIGN(const CheckpointState state,
                       ParseCheckpointState("model_checkpoint_path: \"ckpt-4\"\n"
                                            "all_model_checkpoint_paths: \"ckpt-3\"\n"
                                            "all_model_checkpoint_paths: \"c\\303\\244\\\"-4\"\n"
                                            "all_model_checkpoint_timestamps: 1795299996.9926856\n"
                                            "last_preserved_timestamp: 1795299995.9624407\n",
                                            "checkpoint"));
  EXPECT_EQ(state.latest, "ckpt-4");
  EXPECT_THAT(state.all, ElementsAre("ckpt-3", "c\xc3\xa4\"-4"));
  EXPECT_THAT(state.timestamps, ElementsAre(1795299996.9926856));
  EXPECT_EQ(state.last_preserved_timestamp, 1795299995.9624407);
  ASSERT_OK_AND_ASSIGN(const CheckpointState again,
                       ParseCheckpointState(CheckpointStateText(state), "again"));
  EXPECT_EQ(again.all, state.all);
  EXPECT_EQ(again.timestamps, state.timestamps);
}

TEST(StateFileTest, RefusesWhatIsNone) {
  EXPECT_THAT(ParseCheckpointState("model_checkpoint_path: 3", "dir/checkpoint").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dir/checkpoint: the state file")));
  EXPECT_THAT(ParseCheckpointState("all_model_checkpoint_paths: \"a\"", "x").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("names no model_checkpoint_path")));
  EXPECT_THAT(ReadCheckpointState(TestDirectory("none") + "/checkpoint").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/checkpoint")));
}

TEST(StateFileTest, LatestCheckpointIsThatOfTensorFlow) {
  const std::string directory = TestDirectory("latest");
  const auto latest = [&](std::vector<std::string>* notes) { return LatestCheckpoint(directory, notes); };
  std::vector<std::string> notes;
  // No state file.
  ASSERT_OK_AND_ASSIGN(absl::optional<std::string> found, latest(&notes));
  EXPECT_FALSE(found.has_value());
  EXPECT_THAT(notes, IsEmpty());
  // It names what is not there.
  ASSERT_OK(WriteCheckpointState(directory + "/checkpoint", {"model-7", {"model-7"}, {}, 0}));
  ASSERT_OK_AND_ASSIGN(found, latest(&notes));
  EXPECT_FALSE(found.has_value());
  EXPECT_THAT(notes, ElementsAre(HasSubstr("'model-7', which does not exist")));
  // A relative name; V2 by its index, V1 by the file.
  ASSERT_OK(WriteFile(directory + "/model-7.index", "x"));
  ASSERT_OK_AND_ASSIGN(found, latest(nullptr));
  EXPECT_EQ(found.value_or(""), directory + "/model-7");
  ASSERT_OK(WriteFile(directory + "/v1-00000-of-00001", "x"));
  ASSERT_OK(WriteCheckpointState(directory + "/checkpoint", {ShardPattern("v1", 1), {}, {}, 0}));
  ASSERT_OK_AND_ASSIGN(found, latest(nullptr));
  EXPECT_EQ(found.value_or(""), ShardPattern(directory + "/v1", 1));
  // An absolute name of another machine.
  notes.clear();
  ASSERT_OK(WriteCheckpointState(directory + "/checkpoint", {"/gone/run/model-7", {}, {}, 0}));
  ASSERT_OK_AND_ASSIGN(found, latest(&notes));
  EXPECT_EQ(found.value_or(""), directory + "/model-7");
  EXPECT_THAT(notes, ElementsAre(HasSubstr("names '/gone/run/model-7', which does not exist: using")));
  // No text at all: nothing, with a warning. An empty name: an error.
  notes.clear();
  ASSERT_OK(WriteFile(directory + "/checkpoint", "\x01\x02"));
  ASSERT_OK_AND_ASSIGN(found, latest(&notes));
  EXPECT_FALSE(found.has_value());
  EXPECT_THAT(notes, ElementsAre(HasSubstr("cannot be read")));
  ASSERT_OK(WriteFile(directory + "/checkpoint", "model_checkpoint_path: \"\""));
  EXPECT_THAT(latest(nullptr).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("Invalid checkpoint state loaded from " + directory)));
}

}  // namespace
}  // namespace cryograph
