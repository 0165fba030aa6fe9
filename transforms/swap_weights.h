// Gives the constants of a frozen graph the values of another checkpoint.
#ifndef CRYOGRAPH_TRANSFORMS_SWAP_WEIGHTS_H_
#define CRYOGRAPH_TRANSFORMS_SWAP_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/variable_keys.h"
#include "graph/model.h"

namespace cryograph {

struct SwappedWeight {
  std::string node, key, slice_spec;
  std::string how;  // "node name", "variable map" …: how the key was found.
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  uint64_t bytes = 0;
};

struct SwapReport {
  std::vector<SwappedWeight> swapped;    // In graph order.
  std::vector<std::string> kept;         // Floating-point constants of several elements without a key.
  std::vector<std::string> unused_keys;  // Of the checkpoint, sorted.
  std::vector<std::string> notes;
  uint64_t bytes = 0;
};

// Each Const of the main graph whose name leads to a key of the checkpoint, as that of a variable would, gets
// that key's value: type and shape must be the same. Values are fetched when the graph is written.
// FailedPrecondition, before any edit: a value of another type or shape (CG118, CG119; all are listed), or no
// constant has a key at all (CG116).
absl::StatusOr<SwapReport> SwapWeights(Model& model, const Checkpoint& checkpoint, const KeyOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_SWAP_WEIGHTS_H_
