#include "runtime/compute/elementwise.h"

#include "runtime/compute/rows.h"

namespace cryograph {
namespace compute {

void Exp(const float* x, float* y, int64_t count) { CRYOGRAPH_CHOSEN(ExpRow)(x, y, count); }
void Tanh(const float* x, float* y, int64_t count) { CRYOGRAPH_CHOSEN(TanhRow)(x, y, count); }
void Sigmoid(const float* x, float* y, int64_t count) { CRYOGRAPH_CHOSEN(SigmoidRow)(x, y, count); }
void Erf(const float* x, float* y, int64_t count) { CRYOGRAPH_CHOSEN(ErfRow)(x, y, count); }

void ApplyEpilogue(int64_t rows, int64_t columns, const float* x, float* y, const Epilogue<float>& epilogue) {
  const auto apply = CRYOGRAPH_CHOSEN(EpilogueRow);
  // Without a bias the matrix is one long row.
  if (epilogue.bias == nullptr && (epilogue.addend == nullptr || epilogue.addend_stride == columns)) {
    apply(x, y, rows * columns, epilogue);
    return;
  }
  Epilogue<float> row = epilogue;
  for (int64_t r = 0; r < rows; ++r) {
    apply(x + r * columns, y + r * columns, columns, row);
    if (row.addend != nullptr) row.addend += epilogue.addend_stride;
  }
}

void Normalize(int64_t rows, int64_t columns, const float* x, const float* mean, const float* factor,
               const float* offset, float* y) {
  const auto apply = CRYOGRAPH_CHOSEN(NormalizeRow);
  for (int64_t r = 0; r < rows; ++r) apply(x + r * columns, mean, factor, offset, y + r * columns, columns);
}

}  // namespace compute
}  // namespace cryograph
