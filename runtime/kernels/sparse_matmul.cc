// SparseTensorDenseMatMul.
#include <algorithm>
#include <complex>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/sparse_tensor.h"

namespace cryograph {
namespace {

template <typename T>
T Conjugate(T value, bool really) {
  if constexpr (IsComplexNumber<T>) {
    return really ? std::conj(value) : value;
  } else {
    return value;
  }
}

using ProductTypes = JoinTypes<FloatTypes, IndexTypes, ComplexTypes>;

class SparseTensorDenseMatMulKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("adjoint_a", &adjoint_a_));
    RETURN_IF_ERROR(node.Attr("adjoint_b", &adjoint_b_));
    return IsOneOf<ProductTypes>(node.input_type(1)) ? absl::OkStatus()
                                                     : node.UnsupportedType(node.input_type(1));
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const SparseTensor a, SparseTensor::Input(context, 0));
    const Value& b = context.input(3);
    RETURN_IF_ERROR(ExpectMatrix(b, "b"));
    if (a.rank() != 2) return absl::InvalidArgumentError("a must be a matrix");
    const int row = adjoint_a_ ? 1 : 0;
    const int64_t rows = a.shape[row], depth = a.shape[1 - row];
    const int64_t columns = b.dim(adjoint_b_ ? 0 : 1);
    if (b.dim(adjoint_b_ ? 1 : 0) != depth) {
      return absl::InvalidArgumentError(absl::StrCat("matrices of shapes ", ShapeText(a.shape), " and ",
                                                     ShapeText(b.shape()), " do not multiply"));
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {rows, columns}));
    return DispatchType<ProductTypes>(output->dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using A = Arithmetic<T>;
      // 16-bit sums are kept in float and rounded once.
      constexpr bool kRounded = sizeof(A) != sizeof(T);
      Value sums = *output;
      if (kRounded) {
        ASSIGN_OR_RETURN(sums, context.AllocateTemp(DT_FLOAT, output->shape()));
      }
      A* sum = sums.mutable_data<A>();
      std::fill_n(sum, sums.num_elements(), A(0));
      const int64_t b_row = adjoint_b_ ? 1 : columns, b_column = adjoint_b_ ? depth : 1;
      constexpr int64_t kCheckedWork = 1 << 20;
      int64_t work = 0;
      for (int64_t i = 0; i < a.count(); ++i) {
        if ((work += columns) >= kCheckedWork) {
          RETURN_IF_ERROR(context.CheckLimits());
          work = 0;
        }
        const A value = static_cast<A>(Conjugate(a.values.data<T>()[i], adjoint_a_));
        A* out = sum + a.place(i)[row] * columns;
        const T* in = b.data<T>() + a.place(i)[1 - row] * b_row;
        for (int64_t n = 0; n < columns; ++n) {
          out[n] += value * static_cast<A>(Conjugate(in[n * b_column], adjoint_b_));
        }
      }
      if (kRounded) {
        for (int64_t i = 0; i < sums.num_elements(); ++i) {
          output->mutable_data<T>()[i] = static_cast<T>(sum[i]);
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  bool adjoint_a_ = false, adjoint_b_ = false;
};
CRYOGRAPH_KERNEL(SparseTensorDenseMatMulKernel, "SparseTensorDenseMatMul");

}  // namespace
}  // namespace cryograph
