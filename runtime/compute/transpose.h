// The transpose of matrices, of which a change between channels last and channels first is one.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_TRANSPOSE_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_TRANSPOSE_H_

#include <algorithm>
#include <cstdint>

#include "runtime/thread_pool.h"

namespace cryograph {
namespace compute {

// y[b][c][r] = x[b][r][c] for b < batch, r < rows, c < columns: [N, H * W, C] to [N, C, H * W] and back. x
// and y do not overlap. T only gives the width of an element.
template <typename T>
void Transpose(int64_t batch, int64_t rows, int64_t columns, const T* x, T* y, ThreadPool* pool = nullptr) {
  // By squares of which both sides stay in the cache.
  constexpr int64_t kSide = 32;
  const int64_t row_squares = (rows + kSide - 1) / kSide, column_squares = (columns + kSide - 1) / kSide;
  ParallelFor(pool, batch * row_squares * column_squares, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / column_squares / row_squares;
      const int64_t row = i / column_squares % row_squares * kSide, column = i % column_squares * kSide;
      const int64_t row_end = std::min(rows, row + kSide), column_end = std::min(columns, column + kSide);
      const T* from = x + b * rows * columns;
      T* to = y + b * rows * columns;
      for (int64_t c = column; c < column_end; ++c) {
        for (int64_t r = row; r < row_end; ++r) to[c * rows + r] = from[r * columns + c];
      }
    }
  });
}

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_TRANSPOSE_H_
