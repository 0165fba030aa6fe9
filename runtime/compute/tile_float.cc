#include "runtime/compute/tile_loop.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {

const TileSet<float>& FloatTiles() {
  static const TileSet<float> tiles = MakeTiles<float>();
  return tiles;
}

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph
