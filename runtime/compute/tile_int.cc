#define CRYOGRAPH_ISA portable
#include "runtime/compute/tile_loop.h"

namespace cryograph {
namespace compute {
namespace portable {

const TileSet<int32_t>& Int32Tiles() {
  static const TileSet<int32_t> tiles = MakeTiles<int32_t>();
  return tiles;
}

const TileSet<int64_t>& Int64Tiles() {
  static const TileSet<int64_t> tiles = MakeTiles<int64_t>();
  return tiles;
}

}  // namespace portable
}  // namespace compute
}  // namespace cryograph
