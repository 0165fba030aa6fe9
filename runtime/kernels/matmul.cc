// MatMul and BatchMatMul.
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/compute/gemm.h"
#include "runtime/compute/transpose.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/complex_product.h"
#include "runtime/kernels/fused_tail.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

using FastTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>,
                           TypeEntry<DT_INT32, int32_t>, TypeEntry<DT_INT64, int64_t>>;
using MatMulTypes = JoinTypes<FastTypes, ComplexTypes>;

absl::Status NoMemory() {
  return absl::ResourceExhaustedError("no memory for a rearranged copy of a factor");
}

// Of two matrices; InvalidArgument if their inner dimensions differ.
absl::StatusOr<compute::MatMulShape> ShapeOf(const Shape& a, const Shape& b, bool transpose_a,
                                             bool transpose_b) {
  compute::MatMulShape shape;
  shape.transpose_a = transpose_a;
  shape.transpose_b = transpose_b;
  shape.m = a[transpose_a ? 1 : 0];
  shape.k = a[transpose_a ? 0 : 1];
  shape.n = b[transpose_b ? 0 : 1];
  if (b[transpose_b ? 1 : 0] != shape.k) {
    return absl::InvalidArgumentError(absl::StrCat("inner dimensions differ: ", ShapeText(a),
                                                   transpose_a ? " transposed" : "", " times ", ShapeText(b),
                                                   transpose_b ? " transposed" : ""));
  }
  return shape;
}

// A constant right factor, packed when the plan is made.
class PackedRight {
 public:
  // `scale`: by what each column is multiplied, or empty.
  absl::Status Pack(const Value& b, bool transposed, const std::vector<float>& scale, MemoryPool& pool) {
    const int64_t k = b.dim(transposed ? 1 : 0), n = b.dim(transposed ? 0 : 1);
    ASSIGN_OR_RETURN(memory_,
                     Value::Allocate(DT_FLOAT, {compute::PackedMatrix<float>::Elements(k, n)}, pool));
    matrix_ = compute::PackedMatrix<float>::Pack(b.data<float>(), k, n, transposed ? 1 : n,
                                                 transposed ? k : 1, memory_.mutable_data<float>(),
                                                 scale.empty() ? nullptr : scale.data());
    return absl::OkStatus();
  }
  bool empty() const { return !memory_.has_value(); }
  const compute::PackedMatrix<float>& matrix() const { return matrix_; }

 private:
  Value memory_;
  compute::PackedMatrix<float> matrix_;
};

class MatMulKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (!IsOneOf<MatMulTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    RETURN_IF_ERROR(node.Attr("transpose_a", &transpose_a_));
    return node.Attr("transpose_b", &transpose_b_);
  }

  bool FuseReader(const NodeInfo& reader, int slot, absl::Span<const Value* const> own_constants,
                  absl::Span<const Value* const> reader_constants) override {
    const Value* b = own_constants[1];
    if (dtype_ != DT_FLOAT || b == nullptr || b->rank() != 2) return false;
    return tail_.Fuse(reader, slot, reader_constants, b->dim(transpose_b_ ? 0 : 1), true);
  }

  bool PreparesUnaligned() const override { return true; }

  absl::Status Prepare(PrepareContext& context) override {
    const Value* b = context.constant_input(1);
    if (b == nullptr || dtype_ != DT_FLOAT || b->rank() != 2 || b->num_elements() == 0)
      return absl::OkStatus();
    RETURN_IF_ERROR(packed_.Pack(*b, transpose_b_, tail_.scale(), context.pool()));
    b_dims_ = b->shape();
    context.ReleaseInput(1);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectMatrix(context.input(0), "a"));
    if (packed_.empty()) RETURN_IF_ERROR(ExpectMatrix(context.input(1), "b"));
    const Shape b_dims = packed_.empty() ? context.input(1).shape() : b_dims_;
    ASSIGN_OR_RETURN(const compute::MatMulShape shape,
                     ShapeOf(context.input(0).shape(), b_dims, transpose_a_, transpose_b_));
    const Shape dims = {shape.m, shape.n};
    ASSIGN_OR_RETURN(const Value a, ToComputeType(context, context.input(0)));
    Value b;
    if (packed_.empty()) {
      ASSIGN_OR_RETURN(b, ToComputeType(context, context.input(1)));
    }
    ASSIGN_OR_RETURN(Value c, context.AllocateTemp(a.dtype(), dims));
    if (dtype_ == DT_FLOAT) {
      bool finish = false;
      const Value* addend = tail_.num_inputs() == 0 ? nullptr : &context.input(2);
      const compute::Epilogue<float> epilogue = tail_.Epilogue(dims, addend, &finish);
      if (c.num_elements() > 0) RETURN_IF_ERROR(MultiplyFloats(context, shape, a, b, epilogue, c));
      if (finish) {
        ASSIGN_OR_RETURN(c, tail_.Finish(context, std::move(c), *addend));
      }
    } else if (c.num_elements() > 0) {
      RETURN_IF_ERROR(DispatchType<MatMulTypes>(a.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        const T* left = a.data<T>();
        const T* right = b.data<T>();
        T* result = c.mutable_data<T>();
        if constexpr (!std::is_arithmetic<T>::value) {
          ComplexProduct(shape, false, left, right, result);
          return absl::OkStatus();
        } else {
          return compute::MatMul<T>(shape, left, right, result, {}, context.threads()) ? absl::OkStatus()
                                                                                       : NoMemory();
        }
      }));
    }
    ASSIGN_OR_RETURN(c, FromComputeType(context, c, dtype_));
    context.SetOutput(0, std::move(c));
    return absl::OkStatus();
  }

 private:
  absl::Status MultiplyFloats(KernelContext& context, const compute::MatMulShape& shape, const Value& a,
                              const Value& b, const compute::Epilogue<float>& epilogue, Value& c) const {
    float* result = c.mutable_data<float>();
    if (!packed_.empty() && !shape.transpose_a) {
      compute::MatMul(shape.m, a.data<float>(), shape.k, packed_.matrix(), result, shape.n, epilogue,
                      context.threads());
      return absl::OkStatus();
    }
    if (!packed_.empty()) {
      // The packed factor may be scaled, so there is no way around it.
      ASSIGN_OR_RETURN(Value rows, context.AllocateTemp(DT_FLOAT, {shape.m, shape.k}));
      compute::Transpose(1, shape.k, shape.m, a.data<float>(), rows.mutable_data<float>(), context.threads());
      compute::MatMul(shape.m, rows.data<float>(), shape.k, packed_.matrix(), result, shape.n, epilogue,
                      context.threads());
      return absl::OkStatus();
    }
    return compute::MatMul(shape, a.data<float>(), b.data<float>(), result, epilogue, context.threads())
               ? absl::OkStatus()
               : NoMemory();
  }

  DataType dtype_ = DT_INVALID;
  bool transpose_a_ = false, transpose_b_ = false;
  FusedTail tail_;
  PackedRight packed_;
  Shape b_dims_;  // If b is packed: nothing else is kept of it.
};
CRYOGRAPH_KERNEL(MatMulKernel, "MatMul");

// SparseMatMul: the factors are dense tensors that are thought to hold many zeros, float or bfloat16.
class SparseMatMulKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    for (DataType type : node.input_types()) {
      if (ComputeType(type) != DT_FLOAT) return node.UnsupportedType(type);
    }
    RETURN_IF_ERROR(node.Attr("transpose_a", &transpose_a_));
    return node.Attr("transpose_b", &transpose_b_);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectMatrix(context.input(0), "a"));
    RETURN_IF_ERROR(ExpectMatrix(context.input(1), "b"));
    ASSIGN_OR_RETURN(const compute::MatMulShape shape,
                     ShapeOf(context.input(0).shape(), context.input(1).shape(), transpose_a_, transpose_b_));
    ASSIGN_OR_RETURN(const Value a, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(const Value b, ToComputeType(context, context.input(1)));
    ASSIGN_OR_RETURN(Value * c, context.AllocateOutput(0, {shape.m, shape.n}));
    const bool done = compute::MatMul<float>(shape, a.data<float>(), b.data<float>(),
                                             c->mutable_data<float>(), {}, context.threads());
    return done ? absl::OkStatus() : NoMemory();
  }

 private:
  bool transpose_a_ = false, transpose_b_ = false;
};
CRYOGRAPH_KERNEL(SparseMatMulKernel, "SparseMatMul");

}  // namespace
}  // namespace cryograph
