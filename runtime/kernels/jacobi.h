// Jacobi's rotations: eigenvalues of Hermitian matrices and singular values, accurate to rounding.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_JACOBI_H_
#define CRYOGRAPH_RUNTIME_KERNELS_JACOBI_H_

#include <cmath>
#include <limits>

#include "runtime/kernels/linear_algebra.h"

namespace cryograph {

constexpr int kJacobiSweeps = 60;  // Convergence takes fewer than ten; NaN never converges.

// The unitary [[cosine, sine], [-conj(sine), cosine]] whose columns make [[p, r], [conj(r), q]] diagonal.
template <typename C>
struct Rotation {
  double cosine = 1;
  C sine = C(0);

  static Rotation Of(double p, double q, const C& r) {
    const double size = std::abs(r);
    const double tau = (q - p) / (2 * size);
    const double tangent = (tau >= 0 ? 1 : -1) / (std::abs(tau) + std::sqrt(1 + tau * tau));
    Rotation rotation;
    rotation.cosine = 1 / std::sqrt(1 + tangent * tangent);
    rotation.sine = rotation.cosine * tangent * (r / size);
    return rotation;
  }

  // Of two vectors of `count` elements, `stride` apart: the columns of [x y] times the matrix.
  void Columns(C* x, C* y, int64_t count, int64_t stride) const {
    for (int64_t i = 0; i < count * stride; i += stride) {
      const C a = x[i], b = y[i];
      x[i] = cosine * a - Conjugate(sine) * b;
      y[i] = sine * a + cosine * b;
    }
  }
};

// a (n by n, Hermitian) becomes diagonal, v its eigenvectors (columns). v may be null.
template <typename C>
absl::Status JacobiEigen(KernelContext& context, C* a, C* v, int64_t n) {
  if (v != nullptr) {
    for (int64_t i = 0; i < n * n; ++i) v[i] = C(i % (n + 1) == 0 ? 1 : 0);
  }
  double total = 0;
  for (int64_t i = 0; i < n * n; ++i) total += std::norm(a[i]);
  const double small = 1e-17 * std::sqrt(total);
  for (int sweep = 0; sweep < kJacobiSweeps; ++sweep) {
    bool done = true;
    for (int64_t p = 0; p < n; ++p) {
      RETURN_IF_ERROR(context.CheckLimits());
      for (int64_t q = p + 1; q < n; ++q) {
        const C r = a[p * n + q];
        if (!(std::abs(r) > small)) continue;
        done = false;
        const auto rotation = Rotation<C>::Of(std::real(a[p * n + p]), std::real(a[q * n + q]), r);
        rotation.Columns(a + p, a + q, n, n);
        Rotation<C> adjoint = rotation;
        adjoint.sine = Conjugate(rotation.sine);
        adjoint.Columns(a + p * n, a + q * n, n, 1);
        if (v != nullptr) rotation.Columns(v + p, v + q, n, n);
      }
    }
    if (done) break;
  }
  return absl::OkStatus();
}

// Rows of `u` (rank of them, of `length` elements) become orthogonal: u = w u_before with w unitary. `w`:
// rank by rank, gets the conjugate of the rotations, row by row as u; may be null.
template <typename C>
absl::Status JacobiOrthogonalize(KernelContext& context, C* u, C* w, int64_t rank, int64_t length) {
  if (w != nullptr) {
    for (int64_t i = 0; i < rank * rank; ++i) w[i] = C(i % (rank + 1) == 0 ? 1 : 0);
  }
  for (int sweep = 0; sweep < kJacobiSweeps; ++sweep) {
    bool done = true;
    for (int64_t p = 0; p < rank; ++p) {
      RETURN_IF_ERROR(context.CheckLimits());
      for (int64_t q = p + 1; q < rank; ++q) {
        C *x = u + p * length, *y = u + q * length;
        double xx = 0, yy = 0;
        C xy = C(0);
        for (int64_t i = 0; i < length; ++i) {
          xx += std::norm(x[i]);
          yy += std::norm(y[i]);
          xy += Conjugate(x[i]) * y[i];
        }
        if (!(std::abs(xy) > 1e-16 * std::sqrt(xx * yy)) || std::abs(xy) == 0) continue;
        done = false;
        const auto rotation = Rotation<C>::Of(xx, yy, xy);
        rotation.Columns(x, y, length, 1);
        if (w != nullptr) rotation.Columns(w + p * rank, w + q * rank, rank, 1);
      }
    }
    if (done) break;
  }
  return absl::OkStatus();
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_JACOBI_H_
