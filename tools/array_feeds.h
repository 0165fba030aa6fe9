// Values from numpy's files.
#ifndef CRYOGRAPH_TOOLS_ARRAY_FEEDS_H_
#define CRYOGRAPH_TOOLS_ARRAY_FEEDS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "checkpoint/reader.h"
#include "runtime/memory.h"
#include "runtime/value.h"

namespace cryograph {

// The arrays of a .npz file, or the one of a .npy file, told by content. InvalidArgument for another file, a
// pickle among them.
absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenArrayFile(const std::string& path);

// `path` is FILE.npy, FILE.npz[KEY], or FILE.npz of one array. NotFound with the keys that there are; the
// errors of the file.
absl::StatusOr<Value> FeedFromArrayFile(const std::string& path, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_ARRAY_FEEDS_H_
