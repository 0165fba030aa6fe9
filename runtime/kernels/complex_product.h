// Products of complex matrices.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_COMPLEX_PRODUCT_H_
#define CRYOGRAPH_RUNTIME_KERNELS_COMPLEX_PRODUCT_H_

#include <algorithm>
#include <complex>
#include <cstdint>

#include "runtime/compute/gemm.h"

namespace cryograph {

// c = a b, as the definition says: complex matrices are rare. `adjoint`: transposed factors are conjugated,
// too.
template <typename T>
void ComplexProduct(const compute::MatMulShape& shape, bool adjoint, const T* a, const T* b, T* c) {
  const bool conjugate_a = adjoint && shape.transpose_a, conjugate_b = adjoint && shape.transpose_b;
  for (int64_t i = 0; i < shape.m; ++i) {
    T* row = c + i * shape.n;
    std::fill(row, row + shape.n, T(0));
    for (int64_t k = 0; k < shape.k; ++k) {
      T left = shape.transpose_a ? a[k * shape.m + i] : a[i * shape.k + k];
      if (conjugate_a) left = std::conj(left);
      for (int64_t j = 0; j < shape.n; ++j) {
        const T right = shape.transpose_b ? b[j * shape.k + k] : b[k * shape.n + j];
        row[j] += left * (conjugate_b ? std::conj(right) : right);
      }
    }
  }
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_COMPLEX_PRODUCT_H_
