// MatMul of two matrices.
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using MatMulTypes = JoinTypes<FloatTypes, IndexTypes, ComplexTypes>;

// 16-bit types are summed in float.
template <typename T>
using SumOf = std::conditional_t<sizeof(T) == 2, float, T>;

// result [rows, columns] += a b, where element (i, k) of a is a[i * a_row + k * a_column], and b likewise.
template <typename T>
void Multiply(const T* a, int64_t a_row, int64_t a_column, const T* b, int64_t b_row, int64_t b_column,
              int64_t inner, int64_t columns, int64_t first_row, int64_t last_row, T* result) {
  for (int64_t i = first_row; i < last_row; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      SumOf<T> sum = 0;
      for (int64_t k = 0; k < inner; ++k) {
        sum += SumOf<T>(a[i * a_row + k * a_column]) * SumOf<T>(b[k * b_row + j * b_column]);
      }
      result[i * columns + j] = T(sum);
    }
  }
}

class MatMulKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<MatMulTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    RETURN_IF_ERROR(node.Attr("transpose_a", &transpose_a_));
    return node.Attr("transpose_b", &transpose_b_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& a = context.input(0);
    const Value& b = context.input(1);
    RETURN_IF_ERROR(ExpectMatrix(a, "a"));
    RETURN_IF_ERROR(ExpectMatrix(b, "b"));
    const int64_t rows = a.dim(transpose_a_ ? 1 : 0), inner = a.dim(transpose_a_ ? 0 : 1);
    const int64_t columns = b.dim(transpose_b_ ? 0 : 1);
    if (b.dim(transpose_b_ ? 1 : 0) != inner) {
      return absl::InvalidArgumentError(
          absl::StrCat("inner dimensions differ: ", ShapeText(a.shape()), transpose_a_ ? " transposed" : "",
                       " times ", ShapeText(b.shape()), transpose_b_ ? " transposed" : ""));
    }
    ASSIGN_OR_RETURN(Value * result, context.AllocateOutput(0, {rows, columns}));
    const int64_t a_row = transpose_a_ ? 1 : a.dim(1), a_column = transpose_a_ ? a.dim(1) : 1;
    const int64_t b_row = transpose_b_ ? 1 : b.dim(1), b_column = transpose_b_ ? b.dim(1) : 1;
    return DispatchType<MatMulTypes>(a.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      context.ParallelFor(rows, static_cast<double>(inner) * columns, [&](int64_t begin, int64_t end) {
        Multiply(a.data<T>(), a_row, a_column, b.data<T>(), b_row, b_column, inner, columns, begin, end,
                 result->mutable_data<T>());
      });
      return absl::OkStatus();
    });
  }

 private:
  bool transpose_a_ = false, transpose_b_ = false;
};
CRYOGRAPH_KERNEL(MatMulKernel, "MatMul");

}  // namespace
}  // namespace cryograph
