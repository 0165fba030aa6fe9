// Values from numpy's files.
#ifndef CRYOGRAPH_TOOLS_ARRAY_FEEDS_H_
#define CRYOGRAPH_TOOLS_ARRAY_FEEDS_H_

#include <string>

#include "absl/status/statusor.h"
#include "runtime/memory.h"
#include "runtime/value.h"

namespace cryograph {

// `path` is FILE.npy, FILE.npz[KEY], or FILE.npz of one array. NotFound with the keys that there are; the
// errors of the file.
absl::StatusOr<Value> FeedFromArrayFile(const std::string& path, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_ARRAY_FEEDS_H_
