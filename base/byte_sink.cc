#include "base/byte_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace cryograph {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

// mkdir -p for the directory of `path`. Returns 0 or errno.
int CreateDirectoryOf(const std::string& path, bool* created) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return 0;
  const std::string directory = path.substr(0, slash);
  struct stat info;
  if (stat(directory.c_str(), &info) == 0) return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
  if (const int error = CreateDirectoryOf(directory, created); error != 0) return error;
  if (mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) return errno;
  if (created != nullptr) *created = true;
  return 0;
}

// The file that `path` names, through symbolic links, so that a link to a model stays a link.
std::string ResolveLinks(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return path;
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  const std::string target = resolved;
  free(resolved);
  return target;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileSink>> FileSink::Create(const std::string& path, bool* created_directory) {
  auto sink = std::unique_ptr<FileSink>(new FileSink);
  if (created_directory != nullptr) *created_directory = false;
  if (path == "-") {
    sink->path_ = "<stdout>";
    sink->standard_output_ = true;
    std::FILE* file = std::tmpfile();
    if (file == nullptr) return sink->Fail(errno, "cannot create a temporary file");
    sink->fd_ = dup(fileno(file));
    std::fclose(file);
    if (sink->fd_ < 0) return sink->Fail(errno, "cannot create a temporary file");
    return sink;
  }
  sink->path_ = ResolveLinks(path);
  if (const int error = CreateDirectoryOf(sink->path_, created_directory); error != 0) {
    return sink->Fail(error, "cannot create the directory");
  }
  struct stat info;
  const bool exists = stat(sink->path_.c_str(), &info) == 0;
  if (exists && !S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", S_ISDIR(info.st_mode) ? "is a directory" : "is not a regular file"));
  }
  // A file without a name, where the file system has such, leaves nothing behind when the process is killed.
  const size_t slash = sink->path_.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : sink->path_.substr(0, slash + 1);
  sink->fd_ = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (sink->fd_ < 0) {
    std::string name = absl::StrCat(sink->path_, ".tmp-XXXXXX");
    sink->fd_ = mkostemp(name.data(), O_CLOEXEC);
    if (sink->fd_ < 0) return sink->Fail(errno, "cannot create a file beside it");
    sink->temporary_ = name;
  }
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(sink->fd_, exists ? info.st_mode & 07777 : 0666 & ~mask) != 0) {
    return sink->Fail(errno, "cannot set permissions");
  }
  return sink;
}

FileSink::~FileSink() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status FileSink::Fail(int error, absl::string_view what) {
  const std::string message = absl::StrCat(path_, ": ", what, ": ", strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      status_ = absl::NotFoundError(message);
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      status_ = absl::PermissionDeniedError(message);
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      status_ = absl::ResourceExhaustedError(message);
      break;
    default:
      status_ = absl::UnavailableError(message);
  }
  return status_;
}

int FileSink::GiveName() {
  const std::string source = absl::StrCat("/proc/self/fd/", fd_);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::string name = absl::StrCat(path_, ".tmp-", getpid(), "-", attempt);
    if (linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary_ = name;
      return 0;
    }
    if (errno != EEXIST) return errno;
  }
  return EEXIST;
}

absl::Status FileSink::WriteFully(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return Fail(errno, "cannot write");
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status FileSink::Append(absl::string_view bytes) {
  if (!status_.ok()) return status_;
  size_ += static_cast<int64_t>(bytes.size());
  if (buffer_.size() + bytes.size() <= kBufferBytes) {
    buffer_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  if (absl::Status status = WriteFully(buffer_); !status.ok()) return status;
  buffer_.clear();
  if (bytes.size() < kBufferBytes / 4) {
    buffer_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  return WriteFully(bytes);
}

absl::Status FileSink::Overwrite(int64_t offset, absl::string_view bytes) {
  if (!status_.ok()) return status_;
  if (offset < 0 || offset > size_ || static_cast<int64_t>(bytes.size()) > size_ - offset) {
    return absl::OutOfRangeError(
        absl::StrCat(path_, ": ", bytes.size(), " bytes at offset ", offset, " were not written before"));
  }
  const int64_t flushed = size_ - static_cast<int64_t>(buffer_.size());
  if (offset >= flushed) {
    buffer_.replace(static_cast<size_t>(offset - flushed), bytes.size(), bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  if (absl::Status status = WriteFully(buffer_); !status.ok()) return status;
  buffer_.clear();
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Fail(errno, "cannot write");
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
  return absl::OkStatus();
}

absl::Status FileSink::Commit() {
  if (!status_.ok()) return status_;
  if (absl::Status status = WriteFully(buffer_); !status.ok()) return status;
  buffer_.clear();
  if (standard_output_) {
    if (lseek(fd_, 0, SEEK_SET) != 0) return Fail(errno, "cannot rewind");
    std::string chunk(kBufferBytes, '\0');
    const int source = fd_;
    for (;;) {
      const ssize_t got = read(source, chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Fail(errno, "cannot read back");
      if (got == 0) break;
      fd_ = STDOUT_FILENO;
      absl::Status status = WriteFully(absl::string_view(chunk.data(), static_cast<size_t>(got)));
      fd_ = source;
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  if (temporary_.empty()) {
    if (const int error = GiveName(); error != 0) return Fail(error, "cannot create a file beside it");
  }
  if (close(fd_) != 0) {
    fd_ = -1;
    return Fail(errno, "cannot close");
  }
  fd_ = -1;
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return Fail(errno, "cannot rename");
  temporary_.clear();
  return absl::OkStatus();
}

absl::Status WriteFile(const std::string& path, absl::string_view bytes) {
  absl::StatusOr<std::unique_ptr<FileSink>> sink = FileSink::Create(path);
  if (!sink.ok()) return sink.status();
  if (absl::Status status = (*sink)->Append(bytes); !status.ok()) return status;
  return (*sink)->Commit();
}

}  // namespace cryograph
