// Halves the size of a frozen graph: large float constants are stored as half, and cast when the graph runs.
#ifndef CRYOGRAPH_TRANSFORMS_HALF_WEIGHTS_H_
#define CRYOGRAPH_TRANSFORMS_HALF_WEIGHTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace cryograph {

// The half (IEEE 754 binary16) nearest to `value`, the even one of two; what is too large becomes infinity.
uint16_t HalfOf(float value);

struct HalfWeights {
  int constants = 0;
  uint64_t saved_bytes = 0;
};

// Each float Const of at least `min_elements` elements becomes a Cast of its name, which reads the values as
// half from a Const "<name>/half". Values are converted when the graph is written; that fails with
// InvalidArgument, naming the constant, if a finite value is too large for a half (65504).
absl::StatusOr<HalfWeights> StoreWeightsAsHalf(Graph& graph, int64_t min_elements);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_HALF_WEIGHTS_H_
