// SelfAdjointEigV2, Svd, MatrixSolveLs.
#include "runtime/kernels/jacobi.h"

namespace cryograph {
namespace {

// Places of values in order. `order` is scratch of the context: int64, n.
template <typename Less>
void Sort(int64_t* order, int64_t n, Less less) {
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  std::stable_sort(order, order + n, less);
}

class SelfAdjointEigKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatrixTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    return node.Attr("compute_v", &vectors_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const Matrices matrices, Matrices::SquareOf(input));
    const int64_t n = matrices.rows;
    ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(0, matrices.With({n})));
    ASSIGN_OR_RETURN(Value * vectors, context.AllocateOutput(1, vectors_ ? input.shape() : Shape{0}));
    ASSIGN_OR_RETURN(Value places, context.AllocateTemp(DT_INT64, {n}));
    int64_t* order = places.mutable_data<int64_t>();
    return DispatchType<MatrixTypes>(input.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using C = Wide<T>;
      ASSIGN_OR_RETURN(Value temp, WideTemp<C>(context, 2 * n, n));
      C *a = temp.mutable_data<C>(), *v = a + n * n;
      for (int64_t m = 0; m < matrices.count; ++m) {
        const T* from = input.data<T>() + m * n * n;
        for (int64_t i = 0; i < n; ++i) {  // The lower triangle counts.
          for (int64_t j = 0; j <= i; ++j) {
            a[i * n + j] = static_cast<C>(from[i * n + j]);
            a[j * n + i] = Conjugate(a[i * n + j]);
          }
          a[i * n + i] = C(std::real(a[i * n + i]));
        }
        RETURN_IF_ERROR(JacobiEigen(context, a, vectors_ ? v : nullptr, n));
        Sort(order, n,
             [&](int64_t i, int64_t j) { return std::real(a[i * (n + 1)]) < std::real(a[j * (n + 1)]); });
        for (int64_t i = 0; i < n; ++i) {
          values->mutable_data<T>()[m * n + i] = static_cast<T>(std::real(a[order[i] * (n + 1)]));
          for (int64_t k = 0; k < n && vectors_; ++k) {
            vectors->mutable_data<T>()[(m * n + k) * n + i] = static_cast<T>(v[k * n + order[i]]);
          }
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  bool vectors_ = true;
};
CRYOGRAPH_KERNEL(SelfAdjointEigKernel, "SelfAdjointEigV2");

// The thin decomposition of one matrix A (rows by columns, rank = the smaller of both): the rows of `x` are s
// times the singular vectors on the longer side, those of `w` the vectors on the shorter one, unsorted.
template <typename C>
struct ThinSvd {
  bool tall = true;  // Else it is that of the adjoint.
  int64_t rank = 0, length = 0;
  C *x = nullptr, *w = nullptr;
  double* s = nullptr;
  int64_t* order = nullptr;  // Greatest first.

  // How many elements of scratch memory a decomposition takes.
  static int64_t Scratch(const Matrices& a) { return std::min(a.rows, a.columns) * (a.rows + a.columns + 2); }

  ThinSvd(const Matrices& a, C* scratch)
      : tall(a.rows >= a.columns), rank(std::min(a.rows, a.columns)), length(std::max(a.rows, a.columns)) {
    static_assert(sizeof(C) >= sizeof(double) && sizeof(C) >= sizeof(int64_t), "room for s and order");
    x = scratch;
    w = x + rank * length;
    s = reinterpret_cast<double*>(w + rank * rank);
    order = reinterpret_cast<int64_t*>(w + rank * rank + rank);
  }

  // After this, row k of x is s[k] times a unit vector (u if tall, else v), and row k of w the other one: A V
  // = U S if tall, else A* U = V S.
  template <typename T>
  absl::Status Run(KernelContext& context, const T* a, bool vectors) {
    for (int64_t k = 0; k < rank; ++k) {
      for (int64_t i = 0; i < length; ++i) {
        x[k * length + i] =
            tall ? static_cast<C>(a[i * rank + k]) : Conjugate(static_cast<C>(a[k * length + i]));
      }
    }
    RETURN_IF_ERROR(JacobiOrthogonalize(context, x, vectors ? w : nullptr, rank, length));
    for (int64_t k = 0; k < rank; ++k) {
      double sum = 0;
      for (int64_t i = 0; i < length; ++i) sum += std::norm(x[k * length + i]);
      s[k] = std::sqrt(sum);
    }
    Sort(order, rank, [&](int64_t i, int64_t j) { return s[i] > s[j]; });
    return absl::OkStatus();
  }
};

// Fills rows [have, count) of `basis` (of `length` elements) so that all rows are orthonormal.
template <typename C>
void CompleteBasis(C* basis, int64_t have, int64_t count, int64_t length) {
  int64_t axis = 0;
  for (int64_t k = have; k < count && axis < length; ++axis) {
    C* row = basis + k * length;
    std::fill_n(row, length, C(0));
    row[axis] = C(1);
    double norm = 0;
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t j = 0; j < k; ++j) {
        const C* other = basis + j * length;
        C dot = C(0);
        for (int64_t i = 0; i < length; ++i) dot += Conjugate(other[i]) * row[i];
        for (int64_t i = 0; i < length; ++i) row[i] -= dot * other[i];
      }
      norm = 0;
      for (int64_t i = 0; i < length; ++i) norm += std::norm(row[i]);
    }
    // Some axis is at least this far from what is spanned already.
    if (!(norm > 0.5 / static_cast<double>(length))) continue;
    for (int64_t i = 0; i < length; ++i) row[i] /= std::sqrt(norm);
    ++k;
  }
}

class SvdKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatrixTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    RETURN_IF_ERROR(node.Attr("compute_uv", &vectors_));
    return node.Attr("full_matrices", &full_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const Matrices a, Matrices::Of(input));
    const int64_t rank = std::min(a.rows, a.columns);
    const int64_t left = full_ ? a.rows : rank, right = full_ ? a.columns : rank;
    ASSIGN_OR_RETURN(Value * s, context.AllocateOutput(0, a.With({rank})));
    ASSIGN_OR_RETURN(Value * u, context.AllocateOutput(1, vectors_ ? a.With({a.rows, left}) : Shape{0}));
    ASSIGN_OR_RETURN(Value * v, context.AllocateOutput(2, vectors_ ? a.With({a.columns, right}) : Shape{0}));
    return DispatchType<MatrixTypes>(input.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using C = Wide<T>;
      if (a.count == 0) return absl::OkStatus();
      ASSIGN_OR_RETURN(Value scratch, WideTemp<C>(context, ThinSvd<C>::Scratch(a), 1));
      ThinSvd<C> svd(a, scratch.mutable_data<C>());
      const int64_t longest = std::max(a.rows, a.columns), wide = vectors_ ? (full_ ? longest : rank) : 0;
      ASSIGN_OR_RETURN(Value basis, WideTemp<C>(context, wide, longest));
      for (int64_t m = 0; m < a.count; ++m) {
        RETURN_IF_ERROR(svd.Run(context, input.data<T>() + m * a.size(), vectors_));
        for (int64_t k = 0; k < rank; ++k) {
          s->mutable_data<T>()[m * rank + k] = static_cast<T>(svd.s[svd.order[k]]);
        }
        if (!vectors_) continue;
        C* rows = basis.mutable_data<C>();
        int64_t have = 0;
        for (; have < rank && svd.s[svd.order[have]] > 0; ++have) {
          const int64_t from = svd.order[have];
          for (int64_t i = 0; i < longest; ++i) {
            rows[have * longest + i] = svd.x[from * longest + i] / svd.s[from];
          }
        }
        CompleteBasis(rows, have, wide, longest);
        Value *on_long = svd.tall ? u : v, *on_short = svd.tall ? v : u;
        for (int64_t k = 0; k < wide; ++k) {
          for (int64_t i = 0; i < longest; ++i) {
            on_long->mutable_data<T>()[(m * longest + i) * wide + k] = static_cast<T>(rows[k * longest + i]);
          }
        }
        for (int64_t k = 0; k < rank; ++k) {
          for (int64_t i = 0; i < rank; ++i) {
            on_short->mutable_data<T>()[(m * rank + i) * rank + k] =
                static_cast<T>(svd.w[svd.order[k] * rank + i]);
          }
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  bool vectors_ = true, full_ = false;
};
CRYOGRAPH_KERNEL(SvdKernel, "Svd");

// The x of least norm that minimizes |A x - b|^2 + l2_regularizer |x|^2; without `fast`, the regularizer does
// not count.
class SolveLsKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatrixTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    return node.Attr("fast", &fast_);
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Matrices a, Matrices::Of(context.input(0)));
    ASSIGN_OR_RETURN(const Matrices b, Matrices::Of(context.input(1)));
    if (a.batch != b.batch || a.rows != b.rows) {
      return absl::InvalidArgumentError(absl::StrCat("right-hand sides of shape ",
                                                     ShapeText(context.input(1).shape()), " for matrices ",
                                                     ShapeText(context.input(0).shape())));
    }
    RETURN_IF_ERROR(ExpectScalar(context.input(2), "l2_regularizer"));
    const double l2 = context.input(2).scalar<double>();
    if (!(l2 >= 0)) return absl::InvalidArgumentError("l2_regularizer must not be negative");
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, a.With({a.columns, b.columns})));
    return DispatchType<MatrixTypes>(output->dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using C = Wide<T>;
      if (a.count == 0) return absl::OkStatus();
      ASSIGN_OR_RETURN(Value scratch, WideTemp<C>(context, ThinSvd<C>::Scratch(a), 1));
      ThinSvd<C> svd(a, scratch.mutable_data<C>());
      ASSIGN_OR_RETURN(Value temp, WideTemp<C>(context, a.columns, b.columns));
      C* x = temp.mutable_data<C>();
      for (int64_t m = 0; m < a.count; ++m) {
        RETURN_IF_ERROR(svd.Run(context, context.input(0).data<T>() + m * a.size(), true));
        std::fill_n(x, a.columns * b.columns, C(0));
        Apply(svd, context.input(1).data<T>() + m * b.size(), fast_ ? l2 : 0, a, b.columns, x);
        ConvertElements(x, a.columns * b.columns, output->mutable_data<T>() + m * a.columns * b.columns);
      }
      return absl::OkStatus();
    });
  }

 private:
  // x = sum over k of v_k s_k / (s_k^2 + l2) (u_k* b).
  template <typename T, typename C>
  static void Apply(const ThinSvd<C>& svd, const T* b, double l2, const Matrices& a, int64_t columns, C* x) {
    const double largest = svd.rank == 0 ? 0 : svd.s[svd.order[0]];
    for (int64_t k = 0; k < svd.rank; ++k) {
      const double s = svd.s[k];
      if (!(s > 1e-15 * static_cast<double>(svd.length) * largest)) continue;
      // One of the vectors comes times s.
      const C* left = svd.tall ? svd.x + k * svd.length : svd.w + k * svd.rank;
      const C* right = svd.tall ? svd.w + k * svd.rank : svd.x + k * svd.length;
      for (int64_t j = 0; j < columns; ++j) {
        C dot = C(0);
        for (int64_t i = 0; i < a.rows; ++i) dot += Conjugate(left[i]) * static_cast<C>(b[i * columns + j]);
        dot /= s * s + l2;
        for (int64_t i = 0; i < a.columns; ++i) x[i * columns + j] += right[i] * dot;
      }
    }
  }

  bool fast_ = true;
};
CRYOGRAPH_KERNEL(SolveLsKernel, "MatrixSolveLs");

}  // namespace
}  // namespace cryograph
