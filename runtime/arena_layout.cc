#include "runtime/arena_layout.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cryograph {
namespace {

bool Meet(const Lifetime& a, const Lifetime& b) { return a.begin < b.end && b.begin < a.end; }

ArenaLayout PlaceInOrder(absl::Span<const Lifetime> lifetimes, const std::vector<size_t>& order) {
  ArenaLayout layout;
  layout.offsets.resize(lifetimes.size());
  std::vector<size_t> placed;  // By offset.
  for (size_t block : order) {
    const uint64_t bytes = lifetimes[block].bytes;
    uint64_t best_offset = 0, best_gap = ~uint64_t{0}, free_from = 0;
    for (size_t other : placed) {
      if (!Meet(lifetimes[block], lifetimes[other])) continue;
      const uint64_t offset = layout.offsets[other];
      if (offset > free_from && offset - free_from >= bytes && offset - free_from < best_gap) {
        best_gap = offset - free_from;
        best_offset = free_from;
      }
      free_from = std::max(free_from, offset + lifetimes[other].bytes);
    }
    const uint64_t offset = best_gap == ~uint64_t{0} ? free_from : best_offset;
    layout.offsets[block] = offset;
    layout.bytes = std::max(layout.bytes, offset + bytes);
    const auto behind = [&](uint64_t at, size_t other) { return at < layout.offsets[other]; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset, behind), block);
  }
  return layout;
}

}  // namespace

uint64_t LargestLiveSet(absl::Span<const Lifetime> lifetimes) {
  std::vector<std::pair<int64_t, int64_t>> changes;  // When, and by how much; what ends, first.
  for (const Lifetime& lifetime : lifetimes) {
    if (lifetime.begin >= lifetime.end) continue;
    changes.emplace_back(lifetime.begin, static_cast<int64_t>(lifetime.bytes));
    changes.emplace_back(lifetime.end, -static_cast<int64_t>(lifetime.bytes));
  }
  std::sort(changes.begin(), changes.end());
  int64_t live = 0, most = 0;
  for (const auto& [moment, change] : changes) {
    live += change;
    most = std::max(most, live);
  }
  return static_cast<uint64_t>(most);
}

ArenaLayout LayOut(absl::Span<const Lifetime> lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto sort_by = [&](auto weight) {
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      const auto weight_a = weight(lifetimes[a]), weight_b = weight(lifetimes[b]);
      return weight_a != weight_b ? weight_a > weight_b : a < b;
    });
  };
  sort_by([](const Lifetime& each) { return each.bytes; });
  ArenaLayout best = PlaceInOrder(lifetimes, order);
  if (best.bytes == LargestLiveSet(lifetimes)) return best;
  sort_by([](const Lifetime& each) {
    return static_cast<double>(each.bytes) * static_cast<double>(each.end - each.begin);
  });
  ArenaLayout other = PlaceInOrder(lifetimes, order);
  return other.bytes < best.bytes ? other : best;
}

}  // namespace cryograph
