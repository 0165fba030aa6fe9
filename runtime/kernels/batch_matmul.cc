// BatchMatMul: products of many matrices.
#include <algorithm>
#include <atomic>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/compute/gemm.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/complex_product.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

using FastTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>,
                           TypeEntry<DT_INT32, int32_t>, TypeEntry<DT_INT64, int64_t>>;
using BatchTypes = JoinTypes<FastTypes, ComplexTypes>;

using SmallIntTypes =
    TypeList<TypeEntry<DT_INT8, int8_t>, TypeEntry<DT_INT16, int16_t>, TypeEntry<DT_UINT8, uint8_t>>;

// As ComputeType(), and int32 for smaller integers: the low bits of a sum do not depend on those above them.
DataType ProductType(DataType dtype) { return IsOneOf<SmallIntTypes>(dtype) ? DT_INT32 : ComputeType(dtype); }

absl::StatusOr<Value> ToProductType(KernelContext& context, const Value& value) {
  if (!IsOneOf<SmallIntTypes>(value.dtype())) return ToComputeType(context, value);
  ASSIGN_OR_RETURN(Value wide, context.AllocateTemp(DT_INT32, value.shape()));
  RETURN_IF_ERROR(DispatchType<SmallIntTypes>(value.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    std::copy_n(value.data<T>(), value.num_elements(), wide.mutable_data<int32_t>());
    return absl::OkStatus();
  }));
  return wide;
}

absl::StatusOr<Value> FromProductType(KernelContext& context, const Value& value, DataType dtype) {
  if (!IsOneOf<SmallIntTypes>(dtype)) return FromComputeType(context, value, dtype);
  ASSIGN_OR_RETURN(Value narrow, context.AllocateTemp(dtype, value.shape()));
  RETURN_IF_ERROR(DispatchType<SmallIntTypes>(dtype, [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    for (int64_t i = 0; i < value.num_elements(); ++i) {
      narrow.mutable_data<T>()[i] = static_cast<T>(value.data<int32_t>()[i]);
    }
    return absl::OkStatus();
  }));
  return narrow;
}

// The matrices of two batches that belong together.
struct Batches {
  Shape dims;  // Of the result's batch.
  int64_t count = 1;
  Shape a_steps,
      b_steps;  // From one matrix to the next along each of them, in matrices; 0 where one is repeated.
};

absl::StatusOr<Batches> MatchBatches(const Shape& a, const Shape& b, bool broadcast) {
  Batches batches;
  const int a_rank = static_cast<int>(a.size()) - 2, b_rank = static_cast<int>(b.size()) - 2,
            rank = std::max(a_rank, b_rank);
  if (!broadcast && a_rank != b_rank) {
    return absl::InvalidArgumentError(absl::StrCat("ranks differ: ", ShapeText(a), " and ", ShapeText(b)));
  }
  batches.dims.resize(rank);
  batches.a_steps.resize(rank);
  batches.b_steps.resize(rank);
  int64_t a_step = 1, b_step = 1;
  for (int i = 1; i <= rank; ++i) {
    const int64_t a_size = i <= a_rank ? a[a_rank - i] : 1, b_size = i <= b_rank ? b[b_rank - i] : 1;
    if (a_size != b_size && (!broadcast || (a_size != 1 && b_size != 1))) {
      return absl::InvalidArgumentError(
          absl::StrCat("batches differ: ", ShapeText(a), " and ", ShapeText(b)));
    }
    batches.dims[rank - i] = a_size == 1 ? b_size : a_size;
    batches.a_steps[rank - i] = a_size == 1 ? 0 : a_step;
    batches.b_steps[rank - i] = b_size == 1 ? 0 : b_step;
    a_step *= a_size;
    b_step *= b_size;
  }
  ASSIGN_OR_RETURN(batches.count, NumElements(batches.dims));
  return batches;
}

class BatchMatMulKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    for (DataType type : {node.input_type(0), node.input_type(1), node.output_type(0)}) {
      if (!IsOneOf<BatchTypes>(ProductType(type)) || ProductType(type) != ProductType(node.output_type(0))) {
        return node.UnsupportedType(type);
      }
    }
    dtype_ = node.output_type(0);
    broadcast_ = node.op() != "BatchMatMul";
    RETURN_IF_ERROR(node.Attr("adj_x", &adjoint_a_));
    return node.Attr("adj_y", &adjoint_b_);
  }

  // A constant matrix on the right, which all on the left are multiplied with.
  bool PreparesUnaligned() const override { return true; }

  absl::Status Prepare(PrepareContext& context) override {
    const Value* b = context.constant_input(1);
    if (b == nullptr || b->dtype() != DT_FLOAT || !IsOneMatrix(*b) || b->num_elements() == 0)
      return absl::OkStatus();
    const int64_t rows = b->dim(b->rank() - 2), columns = b->dim(b->rank() - 1);
    const int64_t k = adjoint_b_ ? columns : rows, n = adjoint_b_ ? rows : columns;
    ASSIGN_OR_RETURN(
        memory_, Value::Allocate(DT_FLOAT, {compute::PackedMatrix<float>::Elements(k, n)}, context.pool()));
    packed_ = compute::PackedMatrix<float>::Pack(b->data<float>(), k, n, adjoint_b_ ? 1 : n,
                                                 adjoint_b_ ? k : 1, memory_.mutable_data<float>());
    if (adjoint_a_) return absl::OkStatus();  // Compute() needs the matrix itself then.
    b_dims_ = b->shape();
    context.ReleaseInput(1);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Shape& a_dims = context.input(0).shape();
    const Shape& b_dims = b_dims_.empty() ? context.input(1).shape() : b_dims_;
    for (int i = 0; i < 2; ++i) {
      const Shape& dims = i == 0 ? a_dims : b_dims;
      if (dims.size() >= 2) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("input ", i, " of shape ", ShapeText(dims), " is not a matrix"));
    }
    ASSIGN_OR_RETURN(const Value a, ToProductType(context, context.input(0)));
    Value b;
    if (b_dims_.empty()) {
      ASSIGN_OR_RETURN(b, ToProductType(context, context.input(1)));
    }
    compute::MatMulShape shape;
    shape.transpose_a = adjoint_a_;
    shape.transpose_b = adjoint_b_;
    shape.m = a_dims[a_dims.size() - (adjoint_a_ ? 1 : 2)];
    shape.k = a_dims[a_dims.size() - (adjoint_a_ ? 2 : 1)];
    shape.n = b_dims[b_dims.size() - (adjoint_b_ ? 2 : 1)];
    if (b_dims[b_dims.size() - (adjoint_b_ ? 1 : 2)] != shape.k) {
      return absl::InvalidArgumentError(absl::StrCat("inner dimensions differ: ", ShapeText(a_dims),
                                                     adjoint_a_ ? " adjoint" : "", " times ",
                                                     ShapeText(b_dims), adjoint_b_ ? " adjoint" : ""));
    }
    ASSIGN_OR_RETURN(const Batches batches, MatchBatches(a_dims, b_dims, broadcast_));
    Shape dims = batches.dims;
    dims.push_back(shape.m);
    dims.push_back(shape.n);
    ASSIGN_OR_RETURN(Value c, context.AllocateTemp(a.dtype(), dims));
    if (c.num_elements() > 0) {
      RETURN_IF_ERROR(DispatchType<BatchTypes>(a.dtype(), [&](auto tag) {
        return Multiply<TypeOf<decltype(tag)>>(context, shape, batches, a, b, c);
      }));
    }
    ASSIGN_OR_RETURN(c, FromProductType(context, c, dtype_));
    context.SetOutput(0, std::move(c));
    return absl::OkStatus();
  }

 private:
  static bool IsOneMatrix(const Value& value) {
    return value.rank() >= 2 &&
           value.num_elements() == value.dim(value.rank() - 1) * value.dim(value.rank() - 2);
  }

  template <typename T>
  absl::Status Multiply(KernelContext& context, compute::MatMulShape shape, const Batches& batches,
                        const Value& a, const Value& b, Value& c) const {
    if constexpr (std::is_same<T, float>::value) {
      if (packed_.ok() && !shape.transpose_a) {  // All matrices on the left are one long one.
        compute::MatMul(batches.count * shape.m, a.data<float>(), shape.k, packed_, c.mutable_data<float>(),
                        shape.n, {}, context.threads());
        return absl::OkStatus();
      }
    }
    std::atomic<bool> done{true};
    context.ParallelFor(batches.count, 0.05 * shape.m * shape.k * shape.n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t a_index = 0, b_index = 0, rest = i;
        for (int d = static_cast<int>(batches.dims.size()) - 1; d >= 0; rest /= batches.dims[d], --d) {
          a_index += rest % batches.dims[d] * batches.a_steps[d];
          b_index += rest % batches.dims[d] * batches.b_steps[d];
        }
        const T* left = a.data<T>() + a_index * shape.m * shape.k;
        const T* right = b.data<T>() + b_index * shape.k * shape.n;
        T* result = c.mutable_data<T>() + i * shape.m * shape.n;
        if constexpr (std::is_arithmetic<T>::value) {
          if (!compute::MatMul<T>(shape, left, right, result, {}, context.threads())) done = false;
        } else {
          ComplexProduct(shape, true, left, right, result);
        }
      }
    });
    return done ? absl::OkStatus()
                : absl::ResourceExhaustedError("no memory for a rearranged copy of a factor");
  }

  DataType dtype_ = DT_INVALID;
  bool broadcast_ = false, adjoint_a_ = false, adjoint_b_ = false;
  Value memory_;
  compute::PackedMatrix<float> packed_;
  Shape b_dims_;  // If nothing else is kept of b.
};
CRYOGRAPH_KERNEL(BatchMatMulKernel, "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3");

}  // namespace
}  // namespace cryograph
