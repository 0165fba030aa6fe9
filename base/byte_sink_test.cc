#include "base/byte_sink.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A new directory for each test.
std::string NewDirectory() {
  std::string path = testing::TempDir() + "/sink-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

std::string Get(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> List(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path.c_str());
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(directory);
  return names;
}

int Mode(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 07777) : -1;
}

TEST(StringSinkTest, Collects) {
  StringSink sink;
  EXPECT_OK(sink.Append("a"));
  EXPECT_OK(sink.Append("bc"));
  EXPECT_EQ(sink.bytes(), "abc");
}

TEST(FileSinkTest, AppearsAtCommitAndNotBefore) {
  const std::string directory = NewDirectory(), path = directory + "/out.pb";
  bool created = true;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileSink> sink, FileSink::Create(path, &created));
  EXPECT_FALSE(created);
  const std::string large(1 << 20, 'x');
  EXPECT_OK(sink->Append("small"));
  EXPECT_OK(sink->Append(large));
  EXPECT_OK(sink->Append("end"));
  EXPECT_EQ(sink->size(), static_cast<int64_t>(8 + large.size()));
  EXPECT_EQ(Mode(path), -1);
  EXPECT_OK(sink->Commit());
  EXPECT_EQ(Get(path), "small" + large + "end");
  EXPECT_THAT(List(directory), ElementsAre("out.pb"));
}

TEST(FileSinkTest, PiecesOfEverySizeKeepTheirOrder) {
  const std::string directory = NewDirectory(), path = directory + "/out";
  std::string expected;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileSink> sink, FileSink::Create(path));
  for (size_t size = 0; size < 600000; size = size * 2 + 7) {
    for (const char c : {'a', 'b', 'c'}) {
      const std::string piece(size, c);
      expected += piece;
      EXPECT_OK(sink->Append(piece));
    }
  }
  EXPECT_OK(sink->Commit());
  EXPECT_EQ(Get(path), expected);
}

TEST(FileSinkTest, OverwritesWhatWasAppended) {
  const std::string path = NewDirectory() + "/overwritten";
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileSink> sink, FileSink::Create(path));
  ASSERT_OK(sink->Append("0123"));
  ASSERT_OK(sink->Overwrite(1, "ab"));  // Still gathered.
  const std::string large(1 << 20, 'x');
  ASSERT_OK(sink->Append(large));
  ASSERT_OK(sink->Append("tail"));
  ASSERT_OK(sink->Overwrite(2, "c"));  // In the file.
  ASSERT_OK(sink->Overwrite(sink->size() - 5, "yz"));
  EXPECT_THAT(sink->Overwrite(sink->size() - 1, "12"), StatusIs(absl::StatusCode::kOutOfRange));
  ASSERT_OK(sink->Commit());
  const std::string all = Get(path);
  EXPECT_EQ(all.substr(0, 4), "0ac3");
  EXPECT_EQ(all.substr(all.size() - 6), "xyzail");
  EXPECT_EQ(all.size(), large.size() + 8);
}

TEST(FileSinkTest, WithoutCommitTheOldFileStays) {
  const std::string directory = NewDirectory(), path = directory + "/out.pb";
  ASSERT_OK(WriteFile(path, "old"));
  {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileSink> sink, FileSink::Create(path));
    EXPECT_OK(sink->Append(std::string(1 << 20, 'x')));
  }
  EXPECT_EQ(Get(path), "old");
  EXPECT_THAT(List(directory), ElementsAre("out.pb"));
}

TEST(FileSinkTest, KeepsPermissionsOfTheOldFile) {
  const std::string path = NewDirectory() + "/out.pb";
  ASSERT_OK(WriteFile(path, "old"));
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  ASSERT_OK(WriteFile(path, "new"));
  EXPECT_EQ(Mode(path), 0640);
  EXPECT_EQ(Get(path), "new");
}

TEST(FileSinkTest, NewFilesObeyUmask) {
  const std::string path = NewDirectory() + "/out.pb";
  const mode_t mask = umask(027);
  const absl::Status status = WriteFile(path, "x");
  umask(mask);
  ASSERT_OK(status);
  EXPECT_EQ(Mode(path), 0640);
}

TEST(FileSinkTest, ALinkStaysALink) {
  const std::string directory = NewDirectory();
  ASSERT_OK(WriteFile(directory + "/real.pb", "old"));
  ASSERT_EQ(symlink("real.pb", (directory + "/link.pb").c_str()), 0);
  ASSERT_OK(WriteFile(directory + "/link.pb", "new"));
  struct stat info;
  ASSERT_EQ(lstat((directory + "/link.pb").c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  EXPECT_EQ(Get(directory + "/real.pb"), "new");
}

TEST(FileSinkTest, CreatesDirectoriesAndSaysSo) {
  const std::string directory = NewDirectory();
  bool created = false;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileSink> sink, FileSink::Create(directory + "/a/b/out.pb", &created));
  EXPECT_TRUE(created);
  ASSERT_OK(sink->Commit());
  EXPECT_EQ(Get(directory + "/a/b/out.pb"), "");
}

TEST(FileSinkTest, RefusesPlacesThatCannotBe) {
  const std::string directory = NewDirectory();
  EXPECT_THAT(FileSink::Create(directory),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is a directory")));
  EXPECT_THAT(FileSink::Create("/dev/null"), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK(WriteFile(directory + "/file", ""));
  EXPECT_THAT(FileSink::Create(directory + "/file/out.pb"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("file")));
}

// What runs in a child of its own: limits and deaths must not touch the test.
template <typename Body>
int InChild(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(FileSinkTest, AFullDiskLeavesTheOldFileAndNoRubbish) {
  const std::string directory = NewDirectory(), path = directory + "/out.pb";
  ASSERT_OK(WriteFile(path, "old"));
  const int status = InChild([&path] {
    const rlimit limit = {100000,
                          100000};  // A write beyond fails with EFBIG, as a full disk does with ENOSPC.
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    absl::StatusOr<std::unique_ptr<FileSink>> sink = FileSink::Create(path);
    if (!sink.ok()) return 3;
    absl::Status last;
    for (int i = 0; i < 100; ++i) last = (*sink)->Append(std::string(10000, 'x'));
    const absl::Status commit = (*sink)->Commit();
    if (last.code() != absl::StatusCode::kResourceExhausted || commit != last) return 4;
    if (last.message().find(path) == absl::string_view::npos) return 5;
    return 0;
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(Get(path), "old");
  EXPECT_THAT(List(directory), ElementsAre("out.pb"));
}

TEST(FileSinkTest, ADiskFullAtTheLastFlushFailsTheCommit) {
  const std::string directory = NewDirectory(), path = directory + "/out.pb";
  const int status = InChild([&path] {
    const rlimit limit = {10, 10};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    return WriteFile(path, "more than ten bytes").code() == absl::StatusCode::kResourceExhausted ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_THAT(List(directory), IsEmpty());
}

TEST(FileSinkTest, KilledAtAnyMomentTheFileIsTheOldOneOrTheNewOne) {
  const std::string directory = NewDirectory(), path = directory + "/out.pb";
  const std::string old_bytes(300000, 'o'), new_bytes(3000000, 'n');
  int old_files = 0, new_files = 0;
  for (int round = 0; round < 60; ++round) {
    ASSERT_OK(WriteFile(path, old_bytes));
    const pid_t child = fork();
    if (child == 0) _exit(WriteFile(path, new_bytes).ok() ? 0 : 1);
    usleep(static_cast<useconds_t>(round * 60));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    const std::string found = Get(path);
    ASSERT_TRUE(found == old_bytes || found == new_bytes)
        << "round " << round << ": " << found.size() << " bytes";
    (found == old_bytes ? old_files : new_files)++;
  }
  RecordProperty("old_files", old_files);
  RecordProperty("new_files", new_files);
}

TEST(FileSinkTest, StandardOutputPrintsNothingUntilCommit) {
  const std::string directory = NewDirectory(), path = directory + "/captured";
  for (const bool commit : {false, true}) {
    const int status = InChild([&path, commit] {
      if (freopen(path.c_str(), "wb", stdout) == nullptr) return 1;
      absl::StatusOr<std::unique_ptr<FileSink>> sink = FileSink::Create("-");
      if (!sink.ok() || !(*sink)->Append(std::string(1 << 20, 'x')).ok()) return 2;
      return !commit || (*sink)->Commit().ok() ? 0 : 3;
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(Get(path), commit ? std::string(1 << 20, 'x') : "");
  }
}

TEST(FileSinkTest, AFullStandardOutputFailsTheCommit) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  const int status = InChild([] {
    if (freopen("/dev/full", "wb", stdout) == nullptr) return 1;
    absl::StatusOr<std::unique_ptr<FileSink>> sink = FileSink::Create("-");
    if (!sink.ok() || !(*sink)->Append("x").ok()) return 2;
    return (*sink)->Commit().code() == absl::StatusCode::kResourceExhausted ? 0 : 3;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cryograph
