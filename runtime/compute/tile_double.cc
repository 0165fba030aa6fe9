#include "runtime/compute/tile_loop.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {

const TileSet<double>& DoubleTiles() {
  static const TileSet<double> tiles = MakeTiles<double>();
  return tiles;
}

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph
