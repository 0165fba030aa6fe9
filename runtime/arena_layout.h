// Where blocks lie in one arena, whose sizes and lifetimes are known beforehand.
#ifndef CRYOGRAPH_RUNTIME_ARENA_LAYOUT_H_
#define CRYOGRAPH_RUNTIME_ARENA_LAYOUT_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace cryograph {

// A block that is needed from moment `begin` until before moment `end`.
struct Lifetime {
  uint64_t bytes = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

struct ArenaLayout {
  std::vector<uint64_t> offsets;  // One for each lifetime.
  uint64_t bytes = 0;             // Of the arena.
};

// The most bytes that are alive at one moment: no layout is smaller.
uint64_t LargestLiveSet(absl::Span<const Lifetime> lifetimes);

// Places blocks so that no two that are alive at the same moment overlap. Sizes must be multiples of the
// alignment that offsets shall have. Greedy, in the order of size and in that of size times duration, each
// block into the smallest gap that takes it (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
// Net Inference", 2020); the better one of both. The same lifetimes always give the same layout. Takes time
// with the square of their number.
ArenaLayout LayOut(absl::Span<const Lifetime> lifetimes);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_ARENA_LAYOUT_H_
