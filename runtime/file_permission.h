// Whether a graph may write files while it runs: it may name any path, so not unless its user says so.
#ifndef CRYOGRAPH_RUNTIME_FILE_PERMISSION_H_
#define CRYOGRAPH_RUNTIME_FILE_PERMISSION_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runtime/resource.h"

namespace cryograph {

// From now on, the runs of a session with these resources may write wherever the process may.
void AllowFileWrites(ResourceManager& resources);

// PermissionDenied, naming the path, unless AllowFileWrites() was called. For kernels that write.
absl::Status CheckMayWrite(const ResourceManager& resources, absl::string_view path);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_FILE_PERMISSION_H_
