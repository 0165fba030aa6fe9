#include "runtime/compute/softmax.h"

#include <cmath>

#include "runtime/compute/rows.h"

namespace cryograph {
namespace compute {
namespace {

int64_t Grain(int64_t columns) { return 20'000 / columns + 1; }

}  // namespace

void Softmax(int64_t rows, int64_t columns, const float* x, float* y, ThreadPool* pool) {
  if (columns <= 0) return;
  ParallelFor(pool, rows, Grain(columns), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* from = x + r * columns;
      float* to = y + r * columns;
      const float most = CRYOGRAPH_CHOSEN(MaxOfRow)(from, columns);
      const float sum = CRYOGRAPH_CHOSEN(ExpAndSumRow)(from, most, to, columns);
      CRYOGRAPH_CHOSEN(DivideRow)(to, sum, to, columns);
    }
  });
}

void LogSoftmax(int64_t rows, int64_t columns, const float* x, float* y, ThreadPool* pool) {
  if (columns <= 0) return;
  ParallelFor(pool, rows, Grain(columns), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* from = x + r * columns;
      float* to = y + r * columns;
      const float most = CRYOGRAPH_CHOSEN(MaxOfRow)(from, columns);
      const float sum = CRYOGRAPH_CHOSEN(ExpAndSumRow)(from, most, nullptr, columns);
      CRYOGRAPH_CHOSEN(SubtractRow)(from, most, to, columns);
      CRYOGRAPH_CHOSEN(SubtractRow)(to, std::log(sum), to, columns);
    }
  });
}

}  // namespace compute
}  // namespace cryograph
