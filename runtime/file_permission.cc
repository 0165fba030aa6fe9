#include "runtime/file_permission.h"

#include <memory>

#include "absl/strings/str_cat.h"

namespace cryograph {
namespace {

// Its type, which no op makes, is what counts: a graph can give its objects any name.
class Permission final : public Object {
 public:
  const char* kind() const override { return "permission to write files"; }
};

constexpr absl::string_view kName = "\npermission to write files";

}  // namespace

void AllowFileWrites(ResourceManager& resources) { resources.Set(kName, std::make_shared<Permission>()); }

absl::Status CheckMayWrite(const ResourceManager& resources, absl::string_view path) {
  if (std::dynamic_pointer_cast<Permission>(resources.Find(kName)) != nullptr) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "the graph would write '", path, "', and graphs may not write files unless they are told so\n",
      "try: run_graph --allow_file_writes, if you know where the graph is from"));
}

}  // namespace cryograph
