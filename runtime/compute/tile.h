// The innermost loop of matrix products and convolutions: one tile of the result, held in registers.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_TILE_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_TILE_H_

#include <cstdint>

#include "runtime/compute/epilogue.h"
#include "runtime/compute/isa.h"

namespace cryograph {
namespace compute {

// A panel of b is one, two or three vectors wide; most are two. A panel's width is the only thing about
// packed data that depends on the instruction set.
constexpr int kMaxPanelVectors = 3;
constexpr int kMaxTileRows = 12;

// c[r][j] = sum over taps t and i < run of rows[t * tap_stride + r][offset + i] * b[t * run + i][j].
// A plain matrix has one tap, a convolution one for each position in its window: a row of `rows` then points
// to the pixels of the input that the window of one output pixel sees.
template <typename T>
struct TileArgs {
  const T* const* rows;
  int64_t tap_stride;
  int64_t offset;
  int64_t taps;
  int64_t run;
  const T* b;
  int64_t b_stride;  // From one row of b to the next, in elements; at least the panel's width.
  T* c;
  int64_t c_stride;
  int64_t columns;  // Of c, counted from its first; beyond them the panel is padding.
  bool continues;   // c holds the sum over what comes before.
  // Null unless this is the last part of the sum. Its pointers are those of c's first row and column.
  const Epilogue<T>* epilogue;
};

template <typename T>
using TileFunction = void(const TileArgs<T>& args);

// The tiles of one instruction set: function[vectors][rows], for rows from 1 to most_rows[vectors].
template <typename T>
struct TileSet {
  int lanes;  // Elements in a vector.
  int most_rows[kMaxPanelVectors + 1];
  TileFunction<T>* function[kMaxPanelVectors + 1][kMaxTileRows + 1];
};

CRYOGRAPH_FOR_EACH_ISA(const TileSet<float>& FloatTiles(); const TileSet<double>& DoubleTiles();)
namespace portable {  // Integers: rare, so compiled once.
const TileSet<int32_t>& Int32Tiles();
const TileSet<int64_t>& Int64Tiles();
}  // namespace portable

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_TILE_H_
