// A file's bytes in memory without reading them: what every reader of models and checkpoints stands on.
#ifndef CRYOGRAPH_BASE_MAPPED_FILE_H_
#define CRYOGRAPH_BASE_MAPPED_FILE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

// Read-only bytes of a whole file. Shared: whoever keeps a slice of bytes() keeps the shared_ptr as its
// owner.
class MappedFile {
 public:
  // Maps the regular file `path` (symbolic links are followed). "-" reads all of standard input into memory.
  // NotFound if there is none; InvalidArgument for a directory or device; PermissionDenied; the message names
  // `path`.
  static absl::StatusOr<std::shared_ptr<const MappedFile>> Open(const std::string& path);

  // Bytes that are in memory already, under the name that messages shall show.
  static std::shared_ptr<const MappedFile> FromString(std::string path, std::string bytes);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  absl::string_view bytes() const { return bytes_; }
  const std::string& path() const { return path_; }

  // Tells the kernel that bytes() is read once, front to back.
  void WillReadSequentially() const;

  // Lets the kernel take back the pages of `slice` (a part of bytes()): what a stream has passed needs no
  // memory.
  void Release(absl::string_view slice) const;

 private:
  MappedFile() = default;

  std::string path_;
  absl::string_view bytes_;
  std::string copy_;
  void* map_ = nullptr;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_MAPPED_FILE_H_
