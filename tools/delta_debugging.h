// Makes a set as small as it can be while something stays true of it.
#ifndef CRYOGRAPH_TOOLS_DELTA_DEBUGGING_H_
#define CRYOGRAPH_TOOLS_DELTA_DEBUGGING_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/functional/function_ref.h"

namespace cryograph {

// A part of `all`, in its order, of which `holds` is true and of which it is no longer true if any one
// element is taken out. `holds` must be true of `all`; it is asked of ever smaller parts, of the empty one
// first, O(n log n) times if few elements matter and O(n^2) at worst. `go_on` may end the search early. The
// ddmin algorithm: Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input (2002).
template <typename T>
std::vector<T> SmallestPart(const std::vector<T>& all, absl::FunctionRef<bool(const std::vector<T>&)> holds,
                            absl::FunctionRef<bool()> go_on) {
  if (all.empty() || holds({})) return {};
  std::vector<T> kept = all;
  size_t parts = 2;
  while (kept.size() > 1 && go_on()) {
    const size_t size = (kept.size() + parts - 1) / parts;
    bool reduced = false;
    for (size_t begin = 0; begin < kept.size() && !reduced && go_on(); begin += size) {
      const auto from = kept.begin() + static_cast<ptrdiff_t>(begin);
      const auto to = kept.begin() + static_cast<ptrdiff_t>(std::min(kept.size(), begin + size));
      const std::vector<T> part(from, to);
      std::vector<T> rest(kept.begin(), from);
      rest.insert(rest.end(), to, kept.end());
      if (holds(part)) {
        kept = part;
        parts = 2;
        reduced = true;
      } else if (parts > 2 && holds(rest)) {
        kept = rest;
        parts = std::max<size_t>(parts - 1, 2);
        reduced = true;
      }
    }
    if (reduced) continue;
    if (parts >= kept.size()) break;
    parts = std::min(kept.size(), parts * 2);
  }
  return kept;
}

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_DELTA_DEBUGGING_H_
