// Inputs for a model that nobody gave inputs for: seeded, and of the type, shape and range that the model
// asks for.
#ifndef CRYOGRAPH_RUNTIME_RANDOM_FEEDS_H_
#define CRYOGRAPH_RUNTIME_RANDOM_FEEDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/dtype.h"
#include "graph/op_schema.h"
#include "runtime/memory.h"
#include "runtime/value.h"

namespace cryograph {

// What a feed must be.
struct FeedSpec {
  std::string name;  // "image" or "image:0".
  DataType dtype = DT_INVALID;
  PartialShape shape;
  // Where values lie: floating-point numbers in [low, high), integers in [low, high]. If both are 0: [-1, 1)
  // for floating-point numbers, the whole range for 8-bit integers, 0 and 1 for others, which may be indices.
  double low = 0, high = 0;
};

struct RandomFeedOptions {
  uint64_t seed = 1;
  int64_t batch = 1;        // An unknown first dimension.
  int64_t unknown_dim = 8;  // Any other unknown dimension.
};

// One value for each spec. A feed depends on its name, the seed and `round`, but not on the other feeds, so
// that models with inputs in another order see the same. InvalidArgument: a type that cannot be drawn
// (strings, resources), or a shape of unknown rank; the message says what to do. ResourceExhausted beyond the
// pool's limit.
absl::StatusOr<std::vector<Value>> RandomFeeds(absl::Span<const FeedSpec> specs,
                                               const RandomFeedOptions& options, int round, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_RANDOM_FEEDS_H_
