// The loops around the tiles, for matrix products and convolutions alike.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_PRODUCT_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_PRODUCT_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "runtime/compute/epilogue.h"
#include "runtime/compute/tile.h"
#include "runtime/thread_pool.h"

namespace cryograph {
namespace compute {

// The tiles of the chosen instruction set.
template <typename T>
const TileSet<T>& Tiles();

// Width, in vectors, of the panel that begins when so many vectors are left: 3 or 1 only at the end.
inline int PanelVectors(int64_t vectors_left) {
  return vectors_left == 3 || vectors_left == 1 ? static_cast<int>(vectors_left) : 2;
}

// Where the panels of the right factor are.
template <typename T>
struct RightFactor {
  int64_t n;
  const T* panels;     // Packed: the panel of column c at panels + c * k, its rows as long as it is wide.
  int64_t stride = 0;  // If not 0, nothing is packed: panels is a matrix with rows of so many elements …
  const T* last = nullptr;  // … but for its last panel, where that would reach beyond the end of a row.
};

// The left factor: row r of m is `taps` runs of `run` elements each, one after the other.
// fill(begin, count, pointers) writes where they are: the run of tap t of row begin + i to pointers[t * count
// + i].
template <typename T>
struct LeftFactor {
  int64_t m;
  int64_t taps;
  int64_t run;
  absl::FunctionRef<void(int64_t begin, int64_t count, const T** pointers)> fill;
};

// c = left right, and then the epilogue.
template <typename T>
void Product(const LeftFactor<T>& left, const RightFactor<T>& right, T* c, int64_t c_stride,
             const Epilogue<T>& epilogue, ThreadPool* pool);

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_PRODUCT_H_
