#include "checkpoint/locate.h"

#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One fresh directory for each test.
class LocateTest : public testing::Test {
 protected:
  LocateTest()
      : root_(absl::StrCat(testing::TempDir(), "/locate_",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {}

  std::string Path(absl::string_view name) const { return absl::StrCat(root_, "/", name); }

  void WriteV2(absl::string_view name, int64_t time = 1000) {
    const std::string prefix = Path(name);
    ASSERT_OK(WriteFile(Path("made"), ""));  // Creates the directory.
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix));
    ASSERT_OK(writer->Add("w", Tensor::OfBytes(DT_UINT8, {3}, "abc")));
    ASSERT_OK(writer->Finish());
    SetTime(prefix + ".index", time);
  }
  void WriteV1(absl::string_view name, const std::vector<V1Slice>& slices) {
    ASSERT_OK(WriteFile(Path(name), BuildTable(V1Entries(slices))));
    SetTime(Path(name), 10);
  }
  void Write(absl::string_view name, const std::string& text) { ASSERT_OK(WriteFile(Path(name), text)); }
  static void SetTime(const std::string& path, int64_t seconds) {
    const timeval times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimes(path.c_str(), times), 0);
  }

  // Opens `path` and expects that it leads to `prefix`; the notes are in notes_.
  void ExpectOpens(const std::string& path, const std::string& prefix) {
    SCOPED_TRACE(path);
    notes_.clear();
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(path, &notes_));
    EXPECT_EQ(checkpoint->prefix(), prefix);
    EXPECT_NE(checkpoint->Find("w"), nullptr);
    EXPECT_OK(checkpoint->Read("w"));
    EXPECT_OK(Checkpoint::Open(path));  // Notes are optional.
  }

  const std::string root_;
  std::vector<std::string> notes_;
};

TEST_F(LocateTest, EveryFileOfACheckpointLeadsToIt) {
  WriteV2("model.ckpt-7");
  Write("model.ckpt-7.meta", "\x12\x00");
  ExpectOpens(Path("model.ckpt-7"), Path("model.ckpt-7"));
  EXPECT_THAT(notes_, IsEmpty());
  for (const char* file : {"model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001", "model.ckpt-7.meta"}) {
    ExpectOpens(Path(file), Path("model.ckpt-7"));
    EXPECT_THAT(notes_, ElementsAre(AllOf(HasSubstr(file), HasSubstr("(CG111)"))));
  }
}

TEST_F(LocateTest, StateFilesAndTheirDirectories) {
  WriteV2("ckpt-1", 2000);
  WriteV2("ckpt-2", 1000);
  Write("checkpoint", "# saved\nmodel_checkpoint_path: 'ckpt-2'\nall_model_checkpoint_paths: \"ckpt-1\"\n");
  Write("latest", absl::StrCat("model_checkpoint_path: \"", Path("ckpt-1"), "\"\n"));
  for (const char* name : {"", "checkpoint"}) {
    ExpectOpens(Path(name), Path("ckpt-2"));
    EXPECT_THAT(notes_, ElementsAre(AllOf(HasSubstr("names the latest"), HasSubstr("(CG112)"))));
  }
  ExpectOpens(root_, Path("ckpt-2"));
  ExpectOpens(Path("latest"), Path("ckpt-1"));
}

TEST_F(LocateTest, StalePathsOfStateFilesAreLookedForBesideIt) {
  WriteV2("ckpt-2");
  Write("checkpoint", "model_checkpoint_path: \"/nowhere/train/ckpt-2\"\n");
  ExpectOpens(root_, Path("ckpt-2"));
  EXPECT_THAT(notes_, ElementsAre(AllOf(HasSubstr("/nowhere/train/ckpt-2"), HasSubstr("beside it"))));
  Write("checkpoint", "model_checkpoint_path: \"/nowhere/train/ckpt-9\"\n");
  EXPECT_THAT(Checkpoint::Open(root_),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("ckpt-9"), HasSubstr("state file"), HasSubstr("(CG110)"))));
  for (const char* bad :
       {"all_model_checkpoint_paths: \"ckpt-2\"\n", "model_checkpoint_path: \"ckpt-2\" nonsense: 1\n"}) {
    Write("checkpoint", bad);
    EXPECT_THAT(Checkpoint::Open(root_), StatusIs(StatusCode::kInvalidArgument, HasSubstr("(CG112)"))) << bad;
  }
}

TEST_F(LocateTest, WithoutAStateFileTheNewestIsTaken) {
  WriteV2("ckpt-1", 2000);
  WriteV2("ckpt-2", 1000);
  ExpectOpens(root_, Path("ckpt-1"));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("newest")));
}

TEST_F(LocateTest, SavedModels) {
  WriteV2("variables/variables");
  Write("saved_model.pb", std::string("\x08\x01\x12\x04\x12\x02\x22\x00", 8));
  for (const char* name : {"", "variables", "variables/variables"})
    ExpectOpens(Path(name), Path("variables/variables"));
  unlink(Path("variables/variables.index").c_str());
  EXPECT_THAT(Checkpoint::Open(root_), StatusIs(StatusCode::kNotFound, HasSubstr("(CG128)")));
}

TEST_F(LocateTest, V1FilesAndPatterns) {
  const std::vector<V1Slice> halves = {{"w", DT_FLOAT, {2}, {{0, 1}}, FloatValues({1})},
                                       {"w", DT_FLOAT, {2}, {{1, 1}}, FloatValues({2})}};
  WriteV1("old", halves);
  WriteV1("many-00000-of-00002", {halves[0]});
  WriteV1("many-00001-of-00002", {halves[1]});
  Write("old.meta", "\x12\x00");
  Write("many.meta", "\x12\x00");
  ExpectOpens(Path("old"), Path("old"));
  EXPECT_THAT(notes_, IsEmpty());
  ExpectOpens(Path("old.meta"), Path("old"));
  const std::string any(5, '?');
  const std::string pattern = Path(absl::StrCat("many-", any, "-of-00002"));
  ExpectOpens(pattern, pattern);
  EXPECT_THAT(notes_, IsEmpty());
  ExpectOpens(Path("many-00001-of-00002"), pattern);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("one shard")));
  ExpectOpens(Path("many"), Path(absl::StrCat("many-", any, "-of-", any)));
  ExpectOpens(Path("many.meta"), Path(absl::StrCat("many-", any, "-of-", any)));
  Write("checkpoint", absl::StrCat("model_checkpoint_path: \"many-", any, "-of-00002\"\n"));
  ExpectOpens(root_, pattern);
  unlink(Path("many-00000-of-00002").c_str());
  EXPECT_THAT(Checkpoint::Open(pattern),
              StatusIs(StatusCode::kDataLoss, AllOf(HasSubstr("one of 2"), HasSubstr("(CG113)"))));
}

TEST_F(LocateTest, WhatIsThereIsListedNewestFirst) {
  WriteV2("ckpt-1", 1000);
  WriteV2("ckpt-2", 3000);
  WriteV1("old", {});
  Write("ckpt-3.index.tempstate123", "");
  EXPECT_THAT(
      Checkpoint::Open(Path("ckpt-3")),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr("' is there (CG110)\nwhy: "), HasSubstr("newest first: ckpt-2, ckpt-1, old\n"),
                     HasSubstr(absl::StrCat("try: use '", Path("ckpt-2"), "'")))));
  EXPECT_THAT(Checkpoint::Open(Path("no/such/place")),
              StatusIs(StatusCode::kNotFound, HasSubstr("there is no directory")));
  unlink(Path("ckpt-1.index").c_str());
  for (const char* name : {"ckpt-1", "ckpt-1.data-00000-of-00001"}) {
    EXPECT_THAT(Checkpoint::Open(Path(name)),
                StatusIs(StatusCode::kNotFound, HasSubstr("ckpt-1.index' is missing")));
  }
}

TEST_F(LocateTest, OtherFormatsAreNamed) {
  Write("w.h5", "\x89HDF\r\n\x1a\n");
  EXPECT_THAT(Checkpoint::Open(Path("w.h5")),
              StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("HDF5"), HasSubstr("(CG114)\nwhy: "))));
  Write("m.tflite", std::string("\x1c\0\0\0TFL3........", 16));
  EXPECT_THAT(Checkpoint::Open(Path("m.tflite")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("tflite")));
  Write("index_under_another_name", BuildTable({{"", std::string("\x08\x01\x1a\x02\x08\x01", 6)}}));
  EXPECT_THAT(Checkpoint::Open(Path("index_under_another_name")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("index of a V2 checkpoint")));
  EXPECT_THAT(Checkpoint::Open(""), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(LocateTest, CharactersOfPatternsInPrefixesAreLiteral) {
  WriteV2("a[1]*?");
  ExpectOpens(Path("a[1]*?"), Path("a[1]*?"));
}

}  // namespace
}  // namespace cryograph
