// Finds the checkpoint that a user means by a path: a prefix, one of its files, a pattern, a state file, a
// directory.
#ifndef CRYOGRAPH_CHECKPOINT_LOCATE_H_
#define CRYOGRAPH_CHECKPOINT_LOCATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace cryograph {

struct CheckpointPlace {
  int version = 2;
  std::string prefix;              // Of a V2 checkpoint; file or pattern of a V1 checkpoint.
  std::vector<std::string> files;  // Of a V1 checkpoint, sorted.
};

// As Checkpoint::Open says it. Opens no checkpoint: only what is needed to tell what a file is.
absl::StatusOr<CheckpointPlace> LocateCheckpoint(const std::string& path, std::vector<std::string>* notes);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_LOCATE_H_
