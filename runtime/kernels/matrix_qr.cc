// Qr: Householder's decomposition of batches of matrices.
#include "runtime/kernels/linear_algebra.h"

namespace cryograph {
namespace {

// rows by columns `a` becomes R (with zeros below), rows by rows `q` the unitary factor. `v`: scratch, rows.
template <typename C>
void Decompose(C* a, C* q, C* v, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows * rows; ++i) q[i] = C(i % (rows + 1) == 0 ? 1 : 0);
  for (int64_t k = 0; k < std::min(rows, columns); ++k) {
    double norm = 0;
    for (int64_t i = k; i < rows; ++i) norm += std::norm(a[i * columns + k]);
    norm = std::sqrt(norm);
    if (!(norm > 0)) continue;
    const C head = a[k * columns + k];
    const C phase = std::abs(head) == 0 ? C(1) : head / std::abs(head);
    double length = 0;
    for (int64_t i = k; i < rows; ++i) {
      v[i] = a[i * columns + k] + (i == k ? phase * norm : C(0));
      length += std::norm(v[i]);
    }
    const double scale = 2 / length;
    for (int64_t j = k; j < columns; ++j) {  // A = (1 - scale v v*) A
      C dot = C(0);
      for (int64_t i = k; i < rows; ++i) dot += Conjugate(v[i]) * a[i * columns + j];
      for (int64_t i = k; i < rows; ++i) a[i * columns + j] -= scale * dot * v[i];
    }
    for (int64_t i = 0; i < rows; ++i) {  // Q = Q (1 - scale v v*)
      C dot = C(0);
      for (int64_t j = k; j < rows; ++j) dot += q[i * rows + j] * v[j];
      for (int64_t j = k; j < rows; ++j) q[i * rows + j] -= scale * dot * Conjugate(v[j]);
    }
    for (int64_t i = k + 1; i < rows; ++i) a[i * columns + k] = C(0);
  }
}

class QrKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatrixTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    return node.Attr("full_matrices", &full_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const Matrices a, Matrices::Of(input));
    const int64_t rows = a.rows, columns = a.columns;
    const int64_t rank = full_ ? rows : std::min(rows, columns);
    ASSIGN_OR_RETURN(Value * q_output, context.AllocateOutput(0, a.With({rows, rank})));
    ASSIGN_OR_RETURN(Value * r_output, context.AllocateOutput(1, a.With({rank, columns})));
    return DispatchType<MatrixTypes>(input.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using C = Wide<T>;
      ASSIGN_OR_RETURN(Value r, WideTemp<C>(context, rows, columns));
      ASSIGN_OR_RETURN(Value q, WideTemp<C>(context, rows, rows));
      ASSIGN_OR_RETURN(Value v, WideTemp<C>(context, rows, 1));
      for (int64_t m = 0; m < a.count; ++m) {
        RETURN_IF_ERROR(context.CheckLimits());
        ConvertElements(input.data<T>() + m * a.size(), a.size(), r.mutable_data<C>());
        Decompose(r.mutable_data<C>(), q.mutable_data<C>(), v.mutable_data<C>(), rows, columns);
        for (int64_t i = 0; i < rows; ++i) {
          ConvertElements(q.data<C>() + i * rows, rank, q_output->mutable_data<T>() + (m * rows + i) * rank);
        }
        ConvertElements(r.data<C>(), rank * columns, r_output->mutable_data<T>() + m * rank * columns);
      }
      return absl::OkStatus();
    });
  }

 private:
  bool full_ = false;
};
CRYOGRAPH_KERNEL(QrKernel, "Qr");

}  // namespace
}  // namespace cryograph
