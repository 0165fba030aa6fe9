// A shape seen from one of its dimensions: what is outside of it, its size, what is inside.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_AXIS_LOOP_H_
#define CRYOGRAPH_RUNTIME_KERNELS_AXIS_LOOP_H_

#include <cstdint>

#include "runtime/kernels/wrapping_product.h"
#include "runtime/value.h"

namespace cryograph {

// Element (o, i, n) lies at (o * size + i) * inner + n.
struct AxisLoop {
  AxisLoop(const Shape& shape, int axis) {
    for (int i = 0; i < static_cast<int>(shape.size()); ++i) {
      int64_t& part = i < axis ? outer : i == axis ? size : inner;
      part = WrappingProduct(part, shape[static_cast<size_t>(i)]);
    }
  }
  int64_t outer = 1, size = 1, inner = 1;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_AXIS_LOOP_H_
