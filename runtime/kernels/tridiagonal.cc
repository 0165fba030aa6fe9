// TridiagonalSolve, TridiagonalMatMul.
#include "runtime/kernels/linear_algebra.h"

namespace cryograph {
namespace {

absl::Status TridiagonalMatMul(KernelContext& context) {
  const Value& right = context.input(3);
  ASSIGN_OR_RETURN(const Matrices b, Matrices::Of(right));
  const Shape expected = b.With({1, b.rows});
  for (int i = 0; i < 3; ++i) {
    if (context.input(i).shape() != expected) {
      return absl::InvalidArgumentError(absl::StrCat("diagonals must be of shape ", ShapeText(expected),
                                                     ", not ", ShapeText(context.input(i).shape())));
    }
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, right.shape()));
  return DispatchType<MatrixTypes>(right.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T *above = context.input(0).data<T>(), *main = context.input(1).data<T>();
    const T *below = context.input(2).data<T>(), *x = right.data<T>();
    T* out = output->mutable_data<T>();
    const int64_t columns = b.columns;
    for (int64_t r = 0; r < b.count * b.rows; ++r) {
      const int64_t i = r % b.rows;
      for (int64_t j = 0; j < columns; ++j) {
        T sum = main[r] * x[r * columns + j];
        if (i > 0) sum += below[r] * x[(r - 1) * columns + j];
        if (i + 1 < b.rows) sum += above[r] * x[(r + 1) * columns + j];
        out[r * columns + j] = sum;
      }
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(TridiagonalMatMul, "TridiagonalMatMul");

// Gaussian elimination with row exchanges: row i of U has three elements, u[3 * i] on the diagonal.
template <typename C>
bool Solve(C* u, C* below, C* x, int64_t n, int64_t columns) {
  for (int64_t i = 0; i < n; ++i) {
    if (i + 1 < n) {
      // The next row, with its first element below this row's diagonal.
      C next[3] = {below[i + 1], u[3 * (i + 1)], u[3 * (i + 1) + 1]};
      if (std::abs(next[0]) > std::abs(u[3 * i])) {
        std::swap_ranges(next, next + 3, u + 3 * i);
        std::swap_ranges(x + i * columns, x + (i + 1) * columns, x + (i + 1) * columns);
      }
      if (u[3 * i] == C(0)) return false;
      const C scale = next[0] / u[3 * i];
      u[3 * (i + 1)] = next[1] - scale * u[3 * i + 1];
      u[3 * (i + 1) + 1] = next[2] - scale * u[3 * i + 2];
      for (int64_t j = 0; j < columns; ++j) x[(i + 1) * columns + j] -= scale * x[i * columns + j];
    } else if (u[3 * i] == C(0)) {
      return false;
    }
  }
  for (int64_t i = n; i-- > 0;) {
    for (int64_t j = 0; j < columns; ++j) {
      C& value = x[i * columns + j];
      if (i + 1 < n) value -= u[3 * i + 1] * x[(i + 1) * columns + j];
      if (i + 2 < n) value -= u[3 * i + 2] * x[(i + 2) * columns + j];
      value /= u[3 * i];
    }
  }
  return true;
}

absl::Status TridiagonalSolve(KernelContext& context) {
  ASSIGN_OR_RETURN(const Matrices a, Matrices::Of(context.input(0)));
  ASSIGN_OR_RETURN(const Matrices b, Matrices::Of(context.input(1)));
  if (a.rows != 3 || a.columns != b.rows || a.batch != b.batch) {
    return absl::InvalidArgumentError(absl::StrCat("diagonals of shape ", ShapeText(context.input(0).shape()),
                                                   " (must be 3 by n) for right-hand sides ",
                                                   ShapeText(context.input(1).shape())));
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, context.input(1).shape()));
  const int64_t n = b.rows;
  if (output->num_elements() == 0) return absl::OkStatus();
  return DispatchType<MatrixTypes>(output->dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    using C = Wide<T>;
    ASSIGN_OR_RETURN(Value temp, WideTemp<C>(context, n, 4));
    ASSIGN_OR_RETURN(Value right, WideTemp<C>(context, n, b.columns));
    C *u = temp.mutable_data<C>(), *below = u + 3 * n, *x = right.mutable_data<C>();
    for (int64_t m = 0; m < a.count; ++m) {
      RETURN_IF_ERROR(context.CheckLimits());
      const T* diagonals = context.input(0).data<T>() + m * 3 * n;
      for (int64_t i = 0; i < n; ++i) {
        u[3 * i] = static_cast<C>(diagonals[n + i]);
        u[3 * i + 1] = i + 1 < n ? static_cast<C>(diagonals[i]) : C(0);
        u[3 * i + 2] = C(0);
        below[i] = static_cast<C>(diagonals[2 * n + i]);
      }
      ConvertElements(context.input(1).data<T>() + m * b.size(), b.size(), x);
      if (!Solve(u, below, x, n, b.columns)) {
        return absl::InvalidArgumentError("the tridiagonal matrix is not invertible");
      }
      ConvertElements(x, b.size(), output->mutable_data<T>() + m * b.size());
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(TridiagonalSolve, "TridiagonalSolve");

}  // namespace
}  // namespace cryograph
