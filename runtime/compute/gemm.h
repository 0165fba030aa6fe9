// Matrix products. T is float, double, int32_t or int64_t (integers wrap); half and bfloat16 are computed as
// float, see convert.h. Every element of a result is summed up in the order of k, one after the other,
// whatever the number of threads; with avx2 and avx512 in fused multiply-adds.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_GEMM_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_GEMM_H_

#include <cstdint>

#include "runtime/compute/buffer.h"
#include "runtime/compute/epilogue.h"
#include "runtime/thread_pool.h"

namespace cryograph {
namespace compute {

// The right factor of a product, laid out as the innermost loop reads it. Make it once, when a plan is made,
// and use it from as many threads as you like. The layout depends on the instruction set: never store one.
template <typename T>
class PackedMatrix {
 public:
  PackedMatrix() = default;

  // How many elements a packed matrix of k by n takes: n rounded up to whole vectors. Where n is small, that
  // is a multiple of k * n.
  static int64_t Elements(int64_t k, int64_t n);

  // Packs b, k by n, of which element (i, j) is b[i * row_stride + j * column_stride]: strides (n, 1) for a
  // row-major matrix, (1, k) for the transpose of one. b need not be aligned, and is not needed afterwards.
  // `memory` takes the result, Elements(k, n) of them, and must outlive it; null: own memory, and if there is
  // none, ok() is false. `scale`: by what each column is multiplied, n of them; null: by 1.
  static PackedMatrix Pack(const T* b, int64_t k, int64_t n, int64_t row_stride, int64_t column_stride,
                           T* memory = nullptr, const T* scale = nullptr);

  // Writes the matrix back to b, k by n, row-major.
  void Unpack(T* b) const;

  bool ok() const { return data_ != nullptr; }
  int64_t k() const { return k_; }
  int64_t n() const { return n_; }
  // Panels one after the other; the one that begins with column c, at data() + c * k().
  const T* data() const { return data_; }

 private:
  int64_t k_ = 0, n_ = 0;
  const T* data_ = nullptr;
  Buffer<T> own_;
};

// c = a b and then the epilogue, for a (m by b.k()) and c (m by b.n()) with rows of a_stride and c_stride
// elements. c must overlap neither with a nor with what the epilogue reads. b.k() = 0 is a sum of nothing:
// zeros.
template <typename T>
void MatMul(int64_t m, const T* a, int64_t a_stride, const PackedMatrix<T>& b, T* c, int64_t c_stride,
            const Epilogue<T>& epilogue = {}, ThreadPool* pool = nullptr);

// The product of two matrices that are both known only now. transpose_a: a is stored as its transpose, k by
// m; transpose_b: b as n by k. All row-major without gaps.
struct MatMulShape {
  int64_t m = 0, k = 0, n = 0;
  bool transpose_a = false, transpose_b = false;
};
template <typename T>
bool MatMul(const MatMulShape& shape, const T* a, const T* b, T* c, const Epilogue<T>& epilogue = {},
            ThreadPool* pool = nullptr);

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_GEMM_H_
