// Many small lists in one allocation: the inputs and the readers of every node of a graph.
#ifndef CRYOGRAPH_GRAPH_POOL_LISTS_H_
#define CRYOGRAPH_GRAPH_POOL_LISTS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace cryograph {

// A list in a PoolLists. Zero-initialised: the empty list.
struct PoolList {
  uint32_t begin = 0;
  uint32_t size = 0;
  uint32_t capacity = 0;
};

// Lists that grow to any length, append in amortised constant time, and give freed room back to other lists.
template <typename T>
class PoolLists {
 public:
  absl::Span<T> Items(const PoolList& list) { return absl::MakeSpan(pool_.data() + list.begin, list.size); }
  absl::Span<const T> Items(const PoolList& list) const {
    return absl::MakeConstSpan(pool_.data() + list.begin, list.size);
  }

  void Append(PoolList& list, T value) {
    if (list.size == list.capacity) Grow(list, list.capacity == 0 ? 1 : list.capacity * 2);
    pool_[list.begin + list.size++] = value;
  }

  // Room for exactly `size` items, so that lists whose length is known waste none. `list` must be empty.
  void Reserve(PoolList& list, uint32_t size) {
    if (size > list.capacity) Grow(list, size);
  }

  void RemoveLast(PoolList& list) { --list.size; }

  void Free(PoolList& list) {
    if (list.capacity > 0) FreeList(list.capacity).push_back(list.begin);
    list = PoolList();
  }

 private:
  // Room of [2^k, 2^(k+1)) items is listed at k.
  std::vector<uint32_t>& FreeList(uint32_t capacity) {
    size_t k = 0;
    while (capacity >> (k + 1) != 0) ++k;
    if (free_.size() <= k) free_.resize(k + 1);
    return free_[k];
  }

  void Grow(PoolList& list, uint32_t capacity) {
    PoolList grown;
    grown.capacity = capacity;
    grown.size = list.size;
    // Only room of a power of two is sure to be as large as its place in free_ says.
    std::vector<uint32_t>* spare = (capacity & (capacity - 1)) == 0 ? &FreeList(capacity) : nullptr;
    if (spare != nullptr && !spare->empty()) {
      grown.begin = spare->back();
      spare->pop_back();
    } else {
      grown.begin = static_cast<uint32_t>(pool_.size());
      pool_.resize(pool_.size() + capacity);
    }
    for (uint32_t i = 0; i < list.size; ++i) pool_[grown.begin + i] = pool_[list.begin + i];
    Free(list);
    list = grown;
  }

  std::vector<T> pool_;
  std::vector<std::vector<uint32_t>> free_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_POOL_LISTS_H_
