// Sizes of shapes that may have no elements: of one dimension 0 and others without end.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_WRAPPING_PRODUCT_H_
#define CRYOGRAPH_RUNTIME_KERNELS_WRAPPING_PRODUCT_H_

#include <cstdint>

namespace cryograph {

// a * b, modulo 2^64. Of dimensions of a value it is exact unless the value has no elements.
inline int64_t WrappingProduct(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_WRAPPING_PRODUCT_H_
