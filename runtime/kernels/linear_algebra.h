// What decompositions of batches of matrices share. All compute in double, or complex<double>, and round
// once.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_LINEAR_ALGEBRA_H_
#define CRYOGRAPH_RUNTIME_KERNELS_LINEAR_ALGEBRA_H_

#include <algorithm>
#include <cmath>
#include <complex>
#include <type_traits>
#include <utility>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {

using MatrixTypes =
    JoinTypes<TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>, ComplexTypes>;

// What elements of type T are computed in.
template <typename T>
using Wide = std::conditional_t<std::is_floating_point<T>::value, double, std::complex<double>>;
template <typename C>
constexpr DataType kWideType = std::is_same<C, double>::value ? DT_DOUBLE : DT_COMPLEX128;

inline double Conjugate(double x) { return x; }
inline std::complex<double> Conjugate(const std::complex<double>& x) { return std::conj(x); }

// A value as a batch of row-major matrices.
struct Matrices {
  Shape batch;
  int64_t count = 1, rows = 0, columns = 0;

  int64_t size() const { return rows * columns; }

  // InvalidArgument below rank 2; ResourceExhausted for millions of matrices without elements.
  static absl::StatusOr<Matrices> Of(const Value& value) {
    if (value.rank() < 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input must be at least a matrix, not of shape ", ShapeText(value.shape())));
    }
    Matrices matrices;
    matrices.batch.assign(value.shape().begin(), value.shape().end() - 2);
    matrices.rows = value.dim(value.rank() - 2);
    matrices.columns = value.dim(value.rank() - 1);
    ASSIGN_OR_RETURN(matrices.count, NumElements(matrices.batch));
    // Matrices without elements cost no memory, but each costs a moment.
    constexpr int64_t kMostEmpty = 1 << 24;
    if (value.num_elements() == 0 && matrices.count > kMostEmpty) {
      return absl::ResourceExhaustedError(absl::StrCat(matrices.count, " matrices without elements"));
    }
    return matrices;
  }

  // InvalidArgument, too, if the matrices are not square.
  static absl::StatusOr<Matrices> SquareOf(const Value& value) {
    ASSIGN_OR_RETURN(Matrices matrices, Of(value));
    if (matrices.rows != matrices.columns) {
      return absl::InvalidArgumentError(
          absl::StrCat("matrices must be square, not ", matrices.rows, " by ", matrices.columns));
    }
    return matrices;
  }

  // The shape of as many tensors of shape `dims`.
  Shape With(std::initializer_list<int64_t> dims) const {
    Shape shape = batch;
    shape.insert(shape.end(), dims.begin(), dims.end());
    return shape;
  }
};

// Scratch memory of `count` elements; C is double or complex<double>.
template <typename C>
absl::StatusOr<Value> WideTemp(KernelContext& context, int64_t rows, int64_t columns) {
  return context.AllocateTemp(kWideType<C>, {rows, columns});
}

// A factorization P A = L U, in place.
template <typename C>
struct LuFactors {
  C* lu = nullptr;          // n by n; the diagonal of L, ones, is not stored.
  int64_t* rows = nullptr;  // Row i of L U is row rows[i] of A.
  int64_t n = 0;
  bool odd = false;  // Odd permutation.
  bool singular = false;

  static LuFactors Of(C* a, int64_t* rows, int64_t n) {
    LuFactors factors{a, rows, n, false, false};
    for (int64_t i = 0; i < n; ++i) rows[i] = i;
    for (int64_t k = 0; k < n; ++k) {
      int64_t best = k;
      for (int64_t i = k + 1; i < n; ++i) {
        if (std::abs(a[i * n + k]) > std::abs(a[best * n + k])) best = i;
      }
      if (best != k) {
        std::swap_ranges(a + k * n, a + (k + 1) * n, a + best * n);
        std::swap(rows[k], rows[best]);
        factors.odd = !factors.odd;
      }
      if (a[k * n + k] == C(0)) {
        factors.singular = true;
        continue;
      }
      for (int64_t i = k + 1; i < n; ++i) {
        const C scale = a[i * n + k] /= a[k * n + k];
        for (int64_t j = k + 1; j < n; ++j) a[i * n + j] -= scale * a[k * n + j];
      }
    }
    return factors;
  }

  // x (n by columns) = A^-1 b; they must not overlap. Not for singular ones.
  void Solve(const C* b, C* x, int64_t columns) const {
    for (int64_t i = 0; i < n; ++i) {
      std::copy_n(b + rows[i] * columns, columns, x + i * columns);
      for (int64_t k = 0; k < i; ++k) {
        for (int64_t j = 0; j < columns; ++j) x[i * columns + j] -= lu[i * n + k] * x[k * columns + j];
      }
    }
    for (int64_t i = n; i-- > 0;) {
      for (int64_t k = i + 1; k < n; ++k) {
        for (int64_t j = 0; j < columns; ++j) x[i * columns + j] -= lu[i * n + k] * x[k * columns + j];
      }
      for (int64_t j = 0; j < columns; ++j) x[i * columns + j] /= lu[i * n + i];
    }
  }
};

// Converts `count` elements; from complex to real never happens.
template <typename From, typename To>
void ConvertElements(const From* from, int64_t count, To* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
}

// to (columns by rows) = the conjugate transpose of from.
template <typename From, typename To>
void AdjointElements(const From* from, int64_t rows, int64_t columns, To* to) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      to[j * rows + i] = Conjugate(static_cast<Wide<From>>(from[i * columns + j]));
    }
  }
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_LINEAR_ALGEBRA_H_
