// MatrixExponential (scaling, Taylor's series, squaring), MatrixSquareRoot (Denman and Beavers' iteration).
#include <limits>

#include "runtime/kernels/linear_algebra.h"

namespace cryograph {
namespace {

template <typename C>
void Multiply(const C* a, const C* b, C* c, int64_t n) {
  std::fill_n(c, n * n, C(0));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < n; ++k) {
      for (int64_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
    }
  }
}

template <typename C>
void SetIdentity(C* a, int64_t n) {
  for (int64_t i = 0; i < n * n; ++i) a[i] = C(i % (n + 1) == 0 ? 1 : 0);
}

// The largest sum of sizes in a row.
template <typename C>
double Norm(const C* a, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += std::abs(a[i * n + j]);
    most = std::isnan(sum) ? sum : std::max(most, sum);
  }
  return most;
}

// `temp`: a, then room for two more matrices; `result` gets e^a.
template <typename C>
void Exponential(C* temp, C* result, int64_t n) {
  C *a = temp, *term = temp + n * n, *next = term + n * n;
  const double norm = Norm(a, n);
  int squarings = 0;
  if (std::isfinite(norm) && norm > 0.5) squarings = std::max(0, std::ilogb(norm) + 2);
  const double scale = std::ldexp(1.0, -squarings);
  for (int64_t i = 0; i < n * n; ++i) a[i] *= scale;
  SetIdentity(term, n);
  SetIdentity(result, n);
  for (int k = 1; k <= 20; ++k) {  // 0.5^20 / 20! is far below the rounding of double.
    Multiply(term, a, next, n);
    for (int64_t i = 0; i < n * n; ++i) {
      term[i] = next[i] / static_cast<double>(k);
      result[i] += term[i];
    }
  }
  for (int s = 0; s < squarings; ++s) {
    Multiply(result, result, next, n);
    std::copy_n(next, n * n, result);
  }
}

// `temp`: a, then room for four more matrices; `result` gets the principal root. False if an iterate is
// singular.
template <typename C>
bool SquareRoot(C* temp, C* result, int64_t* rows, int64_t n) {
  C *y = temp, *z = y + n * n, *inverse_y = z + n * n, *inverse_z = inverse_y + n * n;
  C* factors = inverse_z + n * n;
  const auto invert = [&](const C* matrix, C* inverse) {
    std::copy_n(matrix, n * n, factors);
    const auto lu = LuFactors<C>::Of(factors, rows, n);
    if (lu.singular) return false;
    SetIdentity(result, n);
    lu.Solve(result, inverse, n);
    return true;
  };
  SetIdentity(z, n);
  double before = std::numeric_limits<double>::infinity();
  for (int step = 0; step < 100; ++step) {
    if (!invert(y, inverse_y) || !invert(z, inverse_z)) return false;
    double change = 0;
    for (int64_t i = 0; i < n * n; ++i) {
      const C next = 0.5 * (y[i] + inverse_z[i]);
      change += std::abs(next - y[i]);
      y[i] = next;
      z[i] = 0.5 * (z[i] + inverse_y[i]);
    }
    if (!(change > 1e-15 * Norm(y, n)) || (change >= before && change < 1e-9 * Norm(y, n))) break;
    before = change;
  }
  std::copy_n(y, n * n, result);
  return true;
}

class MatrixFunctionKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatrixTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    root_ = node.op() == "MatrixSquareRoot";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const Matrices matrices, Matrices::SquareOf(input));
    const int64_t n = matrices.rows;
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    ASSIGN_OR_RETURN(Value rows, context.AllocateTemp(DT_INT64, {n}));
    return DispatchType<MatrixTypes>(input.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using C = Wide<T>;
      ASSIGN_OR_RETURN(Value temp, WideTemp<C>(context, 5 * n, n));
      ASSIGN_OR_RETURN(Value result, WideTemp<C>(context, n, n));
      for (int64_t m = 0; m < matrices.count; ++m) {
        RETURN_IF_ERROR(context.CheckLimits());
        C *a = temp.mutable_data<C>(), *f = result.mutable_data<C>();
        ConvertElements(input.data<T>() + m * n * n, n * n, a);
        if (!root_) {
          Exponential(a, f, n);
        } else if (!SquareRoot(a, f, rows.mutable_data<int64_t>(), n)) {
          return absl::InvalidArgumentError("the square root of a singular matrix");
        }
        ConvertElements(f, n * n, output->mutable_data<T>() + m * n * n);
      }
      return absl::OkStatus();
    });
  }

 private:
  bool root_ = false;
};
CRYOGRAPH_KERNEL(MatrixFunctionKernel, "MatrixExponential", "MatrixSquareRoot");

}  // namespace
}  // namespace cryograph
