#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/mapped_pages.h"

namespace cryograph {
namespace {

absl::Status FileError(int error, absl::string_view path, absl::string_view what) {
  const std::string message = absl::StrCat(path, ": ", what, ": ", strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path) {
  std::string bytes;
  constexpr size_t kChunk = 1 << 16;
  for (;;) {
    const size_t old_size = bytes.size();
    bytes.resize(old_size + kChunk);
    const ssize_t got = read(fd, &bytes[old_size], kChunk);
    if (got < 0 && errno == EINTR) {
      bytes.resize(old_size);
      continue;
    }
    if (got < 0) return FileError(errno, path, "cannot read");
    bytes.resize(old_size + static_cast<size_t>(got));
    if (got == 0) return bytes;
  }
}

void ReleasePages(absl::string_view slice) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(slice.data()) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(slice.data()) + slice.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

// All mappings there are, by where they end.
class Mappings {
 public:
  static Mappings& Get() {
    static auto* const mappings = new Mappings;
    return *mappings;
  }

  void Add(absl::string_view bytes) {
    absl::MutexLock lock(&mutex_);
    begin_by_end_.emplace(bytes.data() + bytes.size(), bytes.data());
  }
  // Unmaps under the lock, so that nobody is told of an address that has become something else.
  void Unmap(void* map, absl::string_view bytes) {
    absl::MutexLock lock(&mutex_);
    begin_by_end_.erase(bytes.data() + bytes.size());
    munmap(map, bytes.size());
  }
  void Release(absl::string_view slice) {
    absl::MutexLock lock(&mutex_);
    const auto found = begin_by_end_.upper_bound(slice.data());
    if (found == begin_by_end_.end() || slice.data() < found->second) return;
    if (slice.data() + slice.size() <= found->first) ReleasePages(slice);
  }

 private:
  absl::Mutex mutex_;
  std::map<const char*, const char*> begin_by_end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  if (path == "-") {
    absl::StatusOr<std::string> bytes = ReadAll(STDIN_FILENO, "standard input");
    if (!bytes.ok()) return bytes.status();
    return FromString("<stdin>", *std::move(bytes));
  }
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return FileError(errno, path, "cannot open");
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info;
  if (fstat(fd, &info) != 0) return FileError(errno, path, "cannot stat");
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", S_ISDIR(info.st_mode) ? "is a directory" : "is not a regular file"));
  }
  auto file = std::shared_ptr<MappedFile>(new MappedFile);
  file->path_ = path;
  const size_t size = static_cast<size_t>(info.st_size);
  if (size > 0) {
    void* map = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return FileError(errno, path, "cannot map");
    file->map_ = map;
    file->bytes_ = absl::string_view(static_cast<const char*>(map), size);
    Mappings::Get().Add(file->bytes_);
  }
  return std::shared_ptr<const MappedFile>(std::move(file));
}

std::shared_ptr<const MappedFile> MappedFile::FromString(std::string path, std::string bytes) {
  auto file = std::shared_ptr<MappedFile>(new MappedFile);
  file->path_ = std::move(path);
  file->copy_ = std::move(bytes);
  file->bytes_ = file->copy_;
  return file;
}

MappedFile::~MappedFile() {
  if (map_ != nullptr) Mappings::Get().Unmap(map_, bytes_);
}

void MappedFile::WillReadSequentially() const {
  if (map_ != nullptr) madvise(map_, bytes_.size(), MADV_SEQUENTIAL);
}

void MappedFile::Release(absl::string_view slice) const {
  if (map_ != nullptr) ReleasePages(slice);
}

void ReleaseIfMapped(absl::string_view slice) { Mappings::Get().Release(slice); }

}  // namespace cryograph
