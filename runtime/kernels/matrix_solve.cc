// MatrixInverse, MatrixDeterminant, LogMatrixDeterminant, MatrixSolve, MatrixTriangularSolve, Lu.
#include "absl/strings/match.h"
#include "runtime/kernels/linear_algebra.h"

namespace cryograph {
namespace {

absl::Status Singular() { return absl::InvalidArgumentError("the matrix is not invertible"); }

class LuKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatrixTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    const absl::string_view op = node.op();
    what_ = op == "Lu"                         ? What::kFactors
            : op == "LogMatrixDeterminant"     ? What::kLogDeterminant
            : absl::StrContains(op, "Inverse") ? What::kInverse
            : absl::StrContains(op, "Solve")   ? What::kSolve
                                               : What::kDeterminant;
    if (what_ == What::kInverse || what_ == What::kSolve) return node.Attr("adjoint", &adjoint_);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Matrices a, Matrices::SquareOf(context.input(0)));
    int64_t columns = a.columns;
    if (what_ == What::kSolve) {
      ASSIGN_OR_RETURN(const Matrices b, Matrices::Of(context.input(1)));
      if (b.batch != a.batch || b.rows != a.rows) {
        return absl::InvalidArgumentError(absl::StrCat("right-hand sides of shape ",
                                                       ShapeText(context.input(1).shape()), " for matrices ",
                                                       ShapeText(context.input(0).shape())));
      }
      columns = b.columns;
    }
    return DispatchType<MatrixTypes>(
        context.input(0).dtype(), [&](auto tag) { return Run<TypeOf<decltype(tag)>>(context, a, columns); });
  }

 private:
  enum class What { kFactors, kDeterminant, kLogDeterminant, kInverse, kSolve };

  template <typename T>
  absl::Status Run(KernelContext& context, const Matrices& a, int64_t columns) const {
    using C = Wide<T>;
    const int64_t n = a.rows;
    Value* outputs[2] = {nullptr, nullptr};
    const int results = what_ == What::kFactors || what_ == What::kLogDeterminant ? 2 : 1;
    for (int i = 0; i < results; ++i) {
      Shape dims = a.batch;
      if (what_ == What::kFactors) dims = i == 0 ? a.With({n, n}) : a.With({n});
      if (what_ == What::kInverse || what_ == What::kSolve) dims = a.With({n, columns});
      ASSIGN_OR_RETURN(outputs[i], context.AllocateOutput(i, dims));
    }
    ASSIGN_OR_RETURN(Value matrix, WideTemp<C>(context, n, n));
    ASSIGN_OR_RETURN(Value permutation, context.AllocateTemp(DT_INT64, {n}));
    const bool solves = what_ == What::kInverse || what_ == What::kSolve;
    ASSIGN_OR_RETURN(Value right, WideTemp<C>(context, solves ? n : 0, columns));
    ASSIGN_OR_RETURN(Value result, WideTemp<C>(context, solves ? n : 0, columns));
    C *b = right.mutable_data<C>(), *x = result.mutable_data<C>();
    for (int64_t m = 0; m < a.count; ++m) {
      RETURN_IF_ERROR(context.CheckLimits());
      const T* from = context.input(0).data<T>() + m * n * n;
      if (adjoint_) {
        AdjointElements(from, n, n, matrix.mutable_data<C>());
      } else {
        ConvertElements(from, n * n, matrix.mutable_data<C>());
      }
      const auto factors = LuFactors<C>::Of(matrix.mutable_data<C>(), permutation.mutable_data<int64_t>(), n);
      if (factors.singular && what_ != What::kDeterminant && what_ != What::kLogDeterminant)
        return Singular();
      if (solves) {
        if (what_ == What::kSolve) {
          ConvertElements(context.input(1).data<T>() + m * n * columns, n * columns, b);
        } else {
          for (int64_t i = 0; i < n * n; ++i) b[i] = C(i % (n + 1) == 0 ? 1 : 0);
        }
        factors.Solve(b, x, columns);
        ConvertElements(x, n * columns, outputs[0]->mutable_data<T>() + m * n * columns);
      } else if (what_ == What::kFactors) {
        ConvertElements(factors.lu, n * n, outputs[0]->mutable_data<T>() + m * n * n);
        if (outputs[1]->dtype() == DT_INT32) {
          ConvertElements(factors.rows, n, outputs[1]->mutable_data<int32_t>() + m * n);
        } else {
          ConvertElements(factors.rows, n, outputs[1]->mutable_data<int64_t>() + m * n);
        }
      } else {
        Determinant<T>(factors, m, outputs);
      }
    }
    return absl::OkStatus();
  }

  template <typename T, typename C>
  void Determinant(const LuFactors<C>& factors, int64_t m, Value** outputs) const {
    C product = C(factors.odd ? -1 : 1), sign = product;
    double log = 0;
    for (int64_t i = 0; i < factors.n; ++i) {
      const C pivot = factors.lu[i * (factors.n + 1)];
      const double size = std::abs(pivot);
      product *= pivot;
      log += std::log(size);
      sign *= size == 0 ? C(0) : pivot / size;
    }
    if (what_ == What::kDeterminant) {
      outputs[0]->mutable_data<T>()[m] = static_cast<T>(product);
    } else {
      outputs[0]->mutable_data<T>()[m] = static_cast<T>(sign);
      outputs[1]->mutable_data<T>()[m] = static_cast<T>(log);
    }
  }

  What what_ = What::kFactors;
  bool adjoint_ = false;
};
CRYOGRAPH_KERNEL(LuKernel, "Lu", "MatrixDeterminant", "LogMatrixDeterminant", "MatrixInverse", "MatrixSolve",
                 "BatchMatrixDeterminant", "BatchMatrixInverse", "BatchMatrixSolve");

class TriangularSolveKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatrixTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    RETURN_IF_ERROR(node.Attr("lower", &lower_));
    return node.Attr("adjoint", &adjoint_);
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Matrices a, Matrices::SquareOf(context.input(0)));
    ASSIGN_OR_RETURN(const Matrices b, Matrices::Of(context.input(1)));
    if (b.rows != a.rows) {
      return absl::InvalidArgumentError(
          absl::StrCat("right-hand sides of ", b.rows, " rows for matrices of ", a.rows));
    }
    // Batches broadcast.
    Shape dims(std::max(a.batch.size(), b.batch.size()), 1);
    for (size_t i = 1; i <= dims.size(); ++i) {
      const int64_t left = i <= a.batch.size() ? a.batch[a.batch.size() - i] : 1;
      const int64_t right = i <= b.batch.size() ? b.batch[b.batch.size() - i] : 1;
      if (left != right && left != 1 && right != 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("batches ", ShapeText(a.batch), " and ", ShapeText(b.batch), " do not fit"));
      }
      dims[dims.size() - i] = left == 1 ? right : left;
    }
    ASSIGN_OR_RETURN(const int64_t count, NumElements(dims));
    const Shape batch = dims;
    dims.push_back(b.rows);
    dims.push_back(b.columns);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
    return DispatchType<MatrixTypes>(output->dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using C = Wide<T>;
      ASSIGN_OR_RETURN(Value temp, WideTemp<C>(context, b.rows, b.columns));
      C* x = temp.mutable_data<C>();
      for (int64_t m = 0; m < count; ++m) {
        RETURN_IF_ERROR(context.CheckLimits());
        const T* matrix = context.input(0).data<T>() + Place(a.batch, batch, m) * a.size();
        ConvertElements(context.input(1).data<T>() + Place(b.batch, batch, m) * b.size(), b.size(), x);
        RETURN_IF_ERROR(Solve(matrix, a.rows, x, b.columns));
        ConvertElements(x, b.size(), output->mutable_data<T>() + m * b.size());
      }
      return absl::OkStatus();
    });
  }

 private:
  // Which matrix of `own` belongs to number m of the broadcast batch.
  static int64_t Place(const Shape& own, const Shape& batch, int64_t m) {
    int64_t place = 0, stride = 1;
    for (size_t i = 1; i <= own.size(); ++i) {
      const int64_t size = batch[batch.size() - i];
      if (own[own.size() - i] != 1) place += m % size * stride;
      stride *= own[own.size() - i];
      m /= size;
    }
    return place;
  }

  template <typename T, typename C>
  absl::Status Solve(const T* a, int64_t n, C* x, int64_t columns) const {
    const bool forward = lower_ != adjoint_;
    for (int64_t step = 0; step < n; ++step) {
      const int64_t i = forward ? step : n - 1 - step;
      const C pivot = static_cast<C>(a[i * (n + 1)]);
      if (pivot == C(0)) return Singular();
      for (int64_t k = forward ? 0 : i + 1; k < (forward ? i : n); ++k) {
        const C factor = adjoint_ ? Conjugate(static_cast<C>(a[k * n + i])) : static_cast<C>(a[i * n + k]);
        for (int64_t j = 0; j < columns; ++j) x[i * columns + j] -= factor * x[k * columns + j];
      }
      for (int64_t j = 0; j < columns; ++j) x[i * columns + j] /= adjoint_ ? Conjugate(pivot) : pivot;
    }
    return absl::OkStatus();
  }

  bool lower_ = true, adjoint_ = false;
};
CRYOGRAPH_KERNEL(TriangularSolveKernel, "MatrixTriangularSolve", "BatchMatrixTriangularSolve");

}  // namespace
}  // namespace cryograph
