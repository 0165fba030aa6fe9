#include "base/mapped_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "base/mapped_pages.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::HasSubstr;

std::string TempPath(const std::string& name) { return testing::TempDir() + "/" + name; }

void Put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(MappedFileTest, ShowsTheBytesOfTheFile) {
  const std::string path = TempPath("plain");
  const std::string bytes("a\0b\xff", 4);
  Put(path, bytes);
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  EXPECT_EQ(file->bytes(), bytes);
  EXPECT_EQ(file->path(), path);
}

TEST(MappedFileTest, BytesOutliveTheDirectoryEntry) {
  const std::string path = TempPath("gone");
  Put(path, std::string(100000, 'x'));
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  unlink(path.c_str());
  file->WillReadSequentially();
  file->Release(file->bytes().substr(0, 50000));  // Gives memory back, not contents.
  EXPECT_EQ(file->bytes(), std::string(100000, 'x'));
}

TEST(MappedFileTest, EmptyFile) {
  const std::string path = TempPath("empty");
  Put(path, "");
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  EXPECT_TRUE(file->bytes().empty());
  file->Release(file->bytes());
}

TEST(MappedFileTest, FollowsLinks) {
  Put(TempPath("target"), "linked");
  unlink(TempPath("link").c_str());
  ASSERT_EQ(symlink("target", TempPath("link").c_str()), 0);
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(TempPath("link")));
  EXPECT_EQ(file->bytes(), "linked");
}

TEST(MappedFileTest, RefusesWhatIsNoFile) {
  EXPECT_THAT(MappedFile::Open(TempPath("missing")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("missing: cannot open: No such file")));
  EXPECT_THAT(MappedFile::Open(TempPath("plain") + "/below"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(MappedFile::Open(testing::TempDir()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("directory")));
  EXPECT_THAT(MappedFile::Open("/dev/null"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
  const std::string pipe = TempPath("pipe");
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(MappedFile::Open(pipe),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
}

TEST(MappedFileTest, PagesThatAreReleasedAreReadAgain) {
  const std::string bytes(100000, 'x');
  Put(TempPath("large"), bytes);
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(TempPath("large")));
  ReleaseIfMapped(file->bytes());
  ReleaseIfMapped(file->bytes().substr(5000, 60000));
  EXPECT_EQ(file->bytes(), bytes);
  std::string own = bytes;  // Other memory stays what it is.
  own.back() = 'y';
  ReleaseIfMapped(own);
  EXPECT_EQ(own.back(), 'y');
  EXPECT_EQ(own.substr(0, 99999), bytes.substr(1));
}

TEST(MappedFileTest, StandardInput) {
  Put(TempPath("input"), "from a pipe");
  ASSERT_NE(std::freopen(TempPath("input").c_str(), "rb", stdin), nullptr);
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open("-"));
  EXPECT_EQ(file->bytes(), "from a pipe");
  EXPECT_EQ(file->path(), "<stdin>");
}

TEST(MappedFileTest, FromString) {
  const std::shared_ptr<const MappedFile> file = MappedFile::FromString("name", "ab");
  EXPECT_EQ(file->bytes(), "ab");
  EXPECT_EQ(file->path(), "name");
  file->Release(file->bytes());
  EXPECT_EQ(file->bytes(), "ab");
}

}  // namespace
}  // namespace cryograph
