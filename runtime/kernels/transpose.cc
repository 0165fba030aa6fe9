// Transpose, ConjugateTranspose, InvertPermutation.
#include <algorithm>
#include <complex>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/strided_copy.h"

namespace cryograph {
namespace {

absl::Status CheckPermutation(const Shape& permutation) {
  absl::InlinedVector<bool, 8> seen(permutation.size(), false);
  for (const int64_t each : permutation) {
    if (each < 0 || each >= static_cast<int64_t>(permutation.size()) || seen[each]) {
      return absl::InvalidArgumentError(absl::StrCat(ShapeText(permutation), " is not a permutation"));
    }
    seen[each] = true;
  }
  return absl::OkStatus();
}

// Square tiles keep both sides of a transposed matrix in the cache.
template <typename T>
void TransposeMatrices(const T* in, int64_t batches, int64_t rows, int64_t columns, T* out) {
  constexpr int64_t kTile = 32;
  for (int64_t batch = 0; batch < batches; ++batch, in += rows * columns, out += rows * columns) {
    for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
      const int64_t r1 = std::min(rows, r0 + kTile);
      for (int64_t c0 = 0; c0 < columns; c0 += kTile) {
        const int64_t c1 = std::min(columns, c0 + kTile);
        for (int64_t c = c0; c < c1; ++c) {
          for (int64_t r = r0; r < r1; ++r) out[c * rows + r] = in[r * columns + c];
        }
      }
    }
  }
}

class TransposeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    conjugate_ = node.op() == "ConjugateTranspose";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectVector(context.input(1), "the permutation"));
    ASSIGN_OR_RETURN(Shape permutation, IntVector(context.input(1), "the permutation"));
    if (static_cast<int>(permutation.size()) != input.rank()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a permutation of ", permutation.size(), " for ", input.rank(), " dimensions"));
    }
    for (int64_t& each : permutation) {
      if (each < 0) each += input.rank();
    }
    RETURN_IF_ERROR(CheckPermutation(permutation));
    const Strides strides = StridesOf(input.shape());
    Shape shape(permutation.size());
    Strides steps(permutation.size());
    for (size_t i = 0; i < permutation.size(); ++i) {
      shape[i] = input.dim(static_cast<int>(permutation[i]));
      steps[i] = strides[permutation[i]];
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    RETURN_IF_ERROR(DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const CopyLoops loops(shape, steps);
      const size_t n = loops.sizes.size();
      const bool matrices = n >= 2 && n <= 3 && loops.strides[n - 2] == 1 &&
                            loops.strides[n - 1] == loops.sizes[n - 2] &&
                            (n == 2 || loops.strides[0] == loops.sizes[1] * loops.sizes[2]);
      if (matrices) {
        TransposeMatrices(input.data<T>(), n == 3 ? loops.sizes[0] : 1, loops.sizes[n - 1],
                          loops.sizes[n - 2], output->mutable_data<T>());
      } else {
        GatherStrided(input.data<T>(), shape, steps, output->mutable_data<T>());
      }
      return absl::OkStatus();
    }));
    if (!conjugate_ || !IsOneOf<ComplexTypes>(input.dtype())) return absl::OkStatus();
    return DispatchType<ComplexTypes>(input.dtype(), [&](auto tag) {
      for (auto& each : output->mutable_span<TypeOf<decltype(tag)>>()) each = std::conj(each);
      return absl::OkStatus();
    });
  }

 private:
  bool conjugate_ = false;
};
CRYOGRAPH_KERNEL(TransposeKernel, "Transpose", "ConjugateTranspose");

absl::Status InvertPermutation(KernelContext& context) {
  RETURN_IF_ERROR(ExpectVector(context.input(0), "a permutation"));
  ASSIGN_OR_RETURN(const Shape permutation, IntVector(context.input(0), "a permutation"));
  RETURN_IF_ERROR(CheckPermutation(permutation));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, context.input(0).shape()));
  return DispatchType<IndexTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    for (size_t i = 0; i < permutation.size(); ++i)
      output->mutable_data<T>()[permutation[i]] = static_cast<T>(i);
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(InvertPermutation, "InvertPermutation");

}  // namespace
}  // namespace cryograph
