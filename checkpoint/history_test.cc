#include "checkpoint/history.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/directory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HistoryTest : public testing::Test {
 protected:
  std::string Path(absl::string_view name) const { return absl::StrCat(directory_, "/", name); }

  // Something of the shape of a checkpoint.
  std::string Save(int step) {
    const std::string prefix = CheckpointName(Path("m"), step);
    for (const char* suffix : {".index", ".data-00000-of-00002", ".data-00001-of-00002", ".meta"}) {
      EXPECT_OK(WriteFile(prefix + suffix, "x"));
    }
    return prefix;
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const std::string& path : MatchingFiles(Path("*"))) names.push_back(BaseName(path));
    return names;
  }

  CheckpointState State() const {
    absl::StatusOr<CheckpointState> state = ReadCheckpointState(Path("checkpoint"));
    EXPECT_OK(state);
    return state.ok() ? *std::move(state) : CheckpointState();
  }

  const std::string directory_ = absl::StrCat(testing::TempDir(), "/history_",
                                              testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(HistoryTest, Names) {
  EXPECT_EQ(CheckpointName("dir/m", 7), "dir/m-7");
  EXPECT_EQ(CheckpointName("m", 7, true), "m-00000007");
  EXPECT_EQ(MetaGraphName("m-7"), "m-7.meta");
  EXPECT_EQ(MetaGraphName(ShardPattern("m-7", 2)), "m-7.meta");
  EXPECT_EQ(MetaGraphName("m-7", "graph"), "m-7.graph");
}

TEST_F(HistoryTest, KeepsTheNewestAndListsThem) {
  CheckpointHistory::Options options;
  options.max_to_keep = 2;
  ASSERT_OK_AND_ASSIGN(CheckpointHistory history, CheckpointHistory::Open(directory_, options, 100));
  std::vector<std::string> removed;
  for (int step = 1; step <= 3; ++step) {
    ASSERT_OK_AND_ASSIGN(removed, history.Record(Save(step), 100 + step));
  }
  EXPECT_THAT(removed, ElementsAre(Path("m-1")));
  EXPECT_THAT(Files(), ElementsAre("checkpoint", "m-2.data-00000-of-00002", "m-2.data-00001-of-00002",
                                   "m-2.index", "m-2.meta", "m-3.data-00000-of-00002",
                                   "m-3.data-00001-of-00002", "m-3.index", "m-3.meta"));
  EXPECT_EQ(State().latest, "m-3");
  EXPECT_THAT(State().all, ElementsAre("m-2", "m-3"));
  EXPECT_THAT(State().timestamps, IsEmpty());
  // The next process goes on with the list; a checkpoint that somebody removed is not on it.
  ASSERT_OK(RemoveCheckpoint(Path("m-2")));
  ASSERT_OK_AND_ASSIGN(CheckpointHistory next, CheckpointHistory::Open(directory_, options, 200));
  EXPECT_THAT(next.checkpoints(), ElementsAre(Path("m-3")));
}

TEST_F(HistoryTest, SavingAgainMovesToTheEnd) {
  ASSERT_OK_AND_ASSIGN(CheckpointHistory history,
                       CheckpointHistory::Open(directory_, CheckpointHistory::Options(), 0));
  for (const int step : {1, 2, 1}) ASSERT_OK(history.Record(Save(step), step));
  EXPECT_THAT(State().all, ElementsAre("m-2", "m-1"));
}

// As TensorFlow has it: nothing is deleted, and the state lists the newest alone.
TEST_F(HistoryTest, ZeroKeepsAll) {
  CheckpointHistory::Options options;
  options.max_to_keep = 0;
  ASSERT_OK_AND_ASSIGN(CheckpointHistory history, CheckpointHistory::Open(directory_, options, 0));
  for (int step = 1; step <= 8; ++step) {
    ASSERT_OK_AND_ASSIGN(const std::vector<std::string> removed, history.Record(Save(step), step));
    EXPECT_THAT(removed, IsEmpty());
  }
  EXPECT_THAT(State().all, ElementsAre("m-8"));
}

TEST_F(HistoryTest, PreservesOneOfEveryPeriod) {
  CheckpointHistory::Options options;
  options.max_to_keep = 1;
  options.keep_every_n_hours = 1;
  options.timestamps = true;
  ASSERT_OK_AND_ASSIGN(CheckpointHistory history, CheckpointHistory::Open(directory_, options, 0));
  std::vector<std::string> removed;
  for (int step = 1; step <= 6; ++step) {
    ASSERT_OK_AND_ASSIGN(const std::vector<std::string> now, history.Record(Save(step), 1300.5 * step));
    removed.insert(removed.end(), now.begin(), now.end());
  }
  // Of the saves at 1300, 2601, 3901, 5202 and 6502 seconds the third is more than an hour after the start.
  EXPECT_THAT(removed, ElementsAre(Path("m-1"), Path("m-2"), Path("m-4"), Path("m-5")));
  EXPECT_THAT(State().timestamps, ElementsAre(6 * 1300.5));
  EXPECT_EQ(State().last_preserved_timestamp, 3 * 1300.5);
}

TEST_F(HistoryTest, RemovesShardsOfVersion1) {
  for (const char* name : {"v-00000-of-00002", "v-00001-of-00002", "v.meta", "v-00000-of-00003"}) {
    ASSERT_OK(WriteFile(Path(name), "x"));
  }
  ASSERT_OK(RemoveCheckpoint(ShardPattern(Path("v"), 2)));
  EXPECT_THAT(Files(), ElementsAre("v-00000-of-00003"));
  ASSERT_OK(RemoveCheckpoint(Path("not_there")));
}

TEST_F(HistoryTest, NamesThatCannotBe) {
  CheckpointHistory::Options options;
  options.state_file = "a/b";
  EXPECT_THAT(CheckpointHistory::Open(directory_, options, 0).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'latest_filename' must not contain path components")));
  options.state_file = "m-1";
  ASSERT_OK_AND_ASSIGN(CheckpointHistory history, CheckpointHistory::Open(directory_, options, 0));
  EXPECT_THAT(history.Record(Save(1), 1).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'latest_filename' collides with 'save_path': 'm-1'")));
}

}  // namespace
}  // namespace cryograph
