// A directory that appears under its name only when it is whole.
#ifndef CRYOGRAPH_BASE_STAGED_DIRECTORY_H_
#define CRYOGRAPH_BASE_STAGED_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cryograph {

// Fill path(), then Commit(); without that nothing is left.
class StagedDirectory {
 public:
  // Makes a temporary directory beside `target`, and missing ones above it. AlreadyExists if there is
  // something at `target` but an empty folder; else the errors of the operating system.
  static absl::StatusOr<std::unique_ptr<StagedDirectory>> Create(const std::string& target);
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  const std::string& path() const { return temporary_; }
  // Renames it to its target.
  absl::Status Commit();

 private:
  StagedDirectory() = default;
  std::string target_, temporary_;
};

// Copies the file or folder `from` with all below to `to`, which must not exist; links in it are followed.
// The errors of the operating system with the path.
absl::Status CopyTree(const std::string& from, const std::string& to);

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_STAGED_DIRECTORY_H_
