#include "base/staged_directory.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace cryograph {

namespace fs = std::filesystem;

absl::StatusOr<std::unique_ptr<StagedDirectory>> StagedDirectory::Create(const std::string& target) {
  auto staged = absl::WrapUnique(new StagedDirectory);
  staged->target_ = target;
  while (staged->target_.size() > 1 && staged->target_.back() == '/') staged->target_.pop_back();
  std::error_code error;
  if (fs::exists(staged->target_, error) &&
      !(fs::is_directory(staged->target_, error) && fs::is_empty(staged->target_, error))) {
    return absl::AlreadyExistsError(absl::StrCat(target,
                                                 ": there is something already, and a SavedModel is not "
                                                 "written over it\ntry: another name, or remove it"));
  }
  const fs::path parent = fs::path(staged->target_).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  std::string temporary = absl::StrCat(staged->target_, ".tmp-XXXXXX");
  if (mkdtemp(temporary.data()) == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(target, ": cannot create a folder beside it: ", strerror(errno)));
  }
  staged->temporary_ = temporary;
  fs::permissions(temporary, fs::perms(0755), error);
  return staged;
}

StagedDirectory::~StagedDirectory() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

absl::Status StagedDirectory::Commit() {
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error) return absl::UnavailableError(absl::StrCat(target_, ": cannot rename: ", error.message()));
  temporary_.clear();
  return absl::OkStatus();
}

absl::Status CopyTree(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy(from, to, fs::copy_options::recursive, error);
  if (error)
    return absl::UnavailableError(absl::StrCat("cannot copy ", from, " to ", to, ": ", error.message()));
  return absl::OkStatus();
}

}  // namespace cryograph
