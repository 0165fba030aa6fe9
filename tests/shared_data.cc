#include "tests/shared_data.h"

#include <sys/stat.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace cryograph {
namespace {

bool Exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

// The folder that holds the project, found through a runfile, which is a link into the source tree.
std::string ParentOfProject() {
  char* resolved = realpath("tests/shared_data.h", nullptr);
  if (resolved == nullptr) return "";
  std::string path = resolved;
  free(resolved);
  for (int i = 0; i < 3; ++i) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return "";
    path.resize(slash);
  }
  return path;
}

}  // namespace

std::string SharedData(absl::string_view path) {
  const char* const override_root = std::getenv("CRYOGRAPH_SHARED_DATA");
  const std::string root =
      override_root != nullptr ? std::string(override_root) : absl::StrCat(ParentOfProject(), "/shared/data");
  const std::string whole = absl::StrCat(root, "/", path);
  return Exists(whole) ? whole : "";
}

}  // namespace cryograph
