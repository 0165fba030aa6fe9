// Cholesky: the lower factor of positive definite matrices.
#include "runtime/kernels/linear_algebra.h"

namespace cryograph {
namespace {

// In place; reads the lower triangle alone. False if the matrix is not positive definite.
template <typename C>
bool Factor(C* a, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    double pivot = std::real(a[j * n + j]);
    for (int64_t k = 0; k < j; ++k) pivot -= std::norm(a[j * n + k]);
    if (!(pivot > 0)) return false;
    pivot = std::sqrt(pivot);
    a[j * n + j] = C(pivot);
    for (int64_t i = j + 1; i < n; ++i) {
      C sum = a[i * n + j];
      for (int64_t k = 0; k < j; ++k) sum -= a[i * n + k] * Conjugate(a[j * n + k]);
      a[i * n + j] = sum / pivot;
    }
    for (int64_t i = 0; i < j; ++i) a[i * n + j] = C(0);
  }
  return true;
}

absl::Status Cholesky(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(const Matrices matrices, Matrices::SquareOf(input));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  return DispatchType<MatrixTypes>(input.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    using C = Wide<T>;
    ASSIGN_OR_RETURN(Value temp, WideTemp<C>(context, matrices.rows, matrices.rows));
    for (int64_t m = 0; m < matrices.count; ++m) {
      RETURN_IF_ERROR(context.CheckLimits());
      C* a = temp.mutable_data<C>();
      ConvertElements(input.data<T>() + m * matrices.size(), matrices.size(), a);
      if (!Factor(a, matrices.rows)) return absl::InvalidArgumentError("the matrix is not positive definite");
      ConvertElements(a, matrices.size(), output->mutable_data<T>() + m * matrices.size());
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Cholesky, "Cholesky", "BatchCholesky");

}  // namespace
}  // namespace cryograph
