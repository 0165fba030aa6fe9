#include "runtime/compute/gemm.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/compute/product.h"

namespace cryograph {
namespace compute {
namespace {

// Copies columns [column, column + width) of `rows` rows of b to a part of a panel, zeros behind column n. b
// need not be aligned. `scale` may be null.
template <typename T>
void PackPanel(const T* b, int64_t rows, int64_t n, int64_t row_stride, int64_t column_stride, int64_t column,
               int64_t width, const T* scale, T* panel) {
  const int64_t live = std::min(width, n - column);
  const T* from = b + column * column_stride;
  if (scale != nullptr) scale += column;
  for (int64_t i = 0; i < rows; ++i, panel += width) {
    const T* row = from + i * row_stride;
    if (column_stride == 1) {
      std::memcpy(panel, row, live * sizeof(T));
    } else {
      for (int64_t j = 0; j < live; ++j) std::memcpy(panel + j, row + j * column_stride, sizeof(T));
    }
    std::fill(panel + live, panel + width, T(0));
    for (int64_t j = 0; scale != nullptr && j < live; ++j) panel[j] *= scale[j];
  }
}

}  // namespace

template <typename T>
int64_t PackedMatrix<T>::Elements(int64_t k, int64_t n) {
  const int64_t lanes = Tiles<T>().lanes;
  return k * ((n + lanes - 1) / lanes * lanes);
}

template <typename T>
PackedMatrix<T> PackedMatrix<T>::Pack(const T* b, int64_t k, int64_t n, int64_t row_stride,
                                      int64_t column_stride, T* memory, const T* scale) {
  PackedMatrix packed;
  packed.k_ = k;
  packed.n_ = n;
  if (memory == nullptr) {
    packed.own_ = NewBuffer<T>(Elements(k, n));
    memory = packed.own_.get();
    if (memory == nullptr) return packed;
  }
  packed.data_ = memory;
  const int64_t lanes = Tiles<T>().lanes;
  const int64_t vectors = (n + lanes - 1) / lanes;
  // A few rows at a time for all panels, so that b is read front to back.
  constexpr int64_t kRows = 32;
  for (int64_t row = 0; row < k; row += kRows) {
    int width;
    for (int64_t v = 0; v < vectors; v += width) {
      width = PanelVectors(vectors - v);
      PackPanel(b + row * row_stride, std::min(kRows, k - row), n, row_stride, column_stride, v * lanes,
                width * lanes, scale, memory + v * lanes * k + row * width * lanes);
    }
  }
  return packed;
}

template <typename T>
void PackedMatrix<T>::Unpack(T* b) const {
  const int64_t lanes = Tiles<T>().lanes;
  const int64_t vectors = (n_ + lanes - 1) / lanes;
  int width;
  for (int64_t v = 0; v < vectors; v += width) {
    width = PanelVectors(vectors - v);
    const int64_t column = v * lanes, live = std::min(width * lanes, n_ - column);
    const T* panel = data_ + column * k_;
    for (int64_t i = 0; i < k_; ++i) {
      const T* row = panel + i * width * lanes;
      std::copy(row, row + live, b + i * n_ + column);
    }
  }
}

template <typename T>
void MatMul(int64_t m, const T* a, int64_t a_stride, const PackedMatrix<T>& b, T* c, int64_t c_stride,
            const Epilogue<T>& epilogue, ThreadPool* pool) {
  const auto rows = [&](int64_t begin, int64_t count, const T** pointers) {
    for (int64_t i = 0; i < count; ++i) pointers[i] = a + (begin + i) * a_stride;
  };
  Product<T>({m, 1, b.k(), rows}, {b.n(), b.data(), 0, nullptr}, c, c_stride, epilogue, pool);
}

template <typename T>
bool MatMul(const MatMulShape& shape, const T* a, const T* b, T* c, const Epilogue<T>& epilogue,
            ThreadPool* pool) {
  const int64_t m = shape.m, k = shape.k, n = shape.n;
  if (m <= 0 || n <= 0) return true;
  Buffer<T> transposed;
  if (shape.transpose_a && m > 1 && k > 0) {
    transposed = NewBuffer<T>(m * k);
    if (transposed == nullptr) return false;
    // By squares of which both sides stay in the cache.
    constexpr int64_t kSide = 16;
    for (int64_t row = 0; row < m; row += kSide) {
      for (int64_t i = 0; i < k; ++i) {
        for (int64_t r = row; r < std::min(m, row + kSide); ++r) transposed[r * k + i] = a[i * m + r];
      }
    }
    a = transposed.get();
  }
  // Packing b costs about as much as a handful of rows; a small b stays in the cache as it is.
  constexpr int64_t kFewRows = 8, kSmall = 16 * 1024;
  if (shape.transpose_b || (m > kFewRows && k * n > kSmall)) {
    const PackedMatrix<T> packed =
        shape.transpose_b ? PackedMatrix<T>::Pack(b, k, n, 1, k) : PackedMatrix<T>::Pack(b, k, n, n, 1);
    if (!packed.ok()) return false;
    MatMul(m, a, k, packed, c, n, epilogue, pool);
    return true;
  }
  const int64_t lanes = Tiles<T>().lanes;
  const int64_t vectors = (n + lanes - 1) / lanes;
  Buffer<T> last;
  if (n % lanes != 0 && k > 0) {
    int64_t v = 0;
    while (v + PanelVectors(vectors - v) < vectors) v += PanelVectors(vectors - v);
    const int64_t width = (vectors - v) * lanes;
    last = NewBuffer<T>(k * width);
    if (last == nullptr) return false;
    PackPanel<T>(b, k, n, n, 1, v * lanes, width, nullptr, last.get());
  }
  const auto rows = [&](int64_t begin, int64_t count, const T** pointers) {
    for (int64_t i = 0; i < count; ++i) pointers[i] = a + (begin + i) * k;
  };
  Product<T>({m, 1, k, rows}, {n, b, n, last.get()}, c, n, epilogue, pool);
  return true;
}

#define CRYOGRAPH_MATMUL(T)                                                                                 \
  template class PackedMatrix<T>;                                                                           \
  template void MatMul(int64_t, const T*, int64_t, const PackedMatrix<T>&, T*, int64_t, const Epilogue<T>&, \
                       ThreadPool*);                                                                        \
  template bool MatMul(const MatMulShape&, const T*, const T*, T*, const Epilogue<T>&, ThreadPool*);
CRYOGRAPH_MATMUL(float)
CRYOGRAPH_MATMUL(double)
CRYOGRAPH_MATMUL(int32_t)
CRYOGRAPH_MATMUL(int64_t)
#undef CRYOGRAPH_MATMUL

}  // namespace compute
}  // namespace cryograph
