// Arithmetic on the values of sparse tensors: SparseTensorDenseAdd, SparseAdd, SparseReduceSum, -Max,
// SparseSoftmax, SparseDenseCwiseAdd, -Mul, -Div.
#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/sparse_tensor.h"

namespace cryograph {
namespace {

absl::Status SparseTensorDenseAdd(KernelContext& context) {
  ASSIGN_OR_RETURN(const SparseTensor tensor, SparseTensor::Input(context, 0));
  const Value& dense = context.input(3);
  if (dense.shape() != tensor.shape) {
    return absl::InvalidArgumentError(
        absl::StrCat("shapes ", ShapeText(tensor.shape), " and ", ShapeText(dense.shape()), " differ"));
  }
  ASSIGN_OR_RETURN(Value output, dense.Copy(context.pool()));
  RETURN_IF_ERROR(DispatchType<NumberTypes>(dense.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    for (int64_t i = 0; i < tensor.count(); ++i) {
      T& out = output.mutable_data<T>()[tensor.offset(i)];
      out = static_cast<T>(static_cast<A>(out) + static_cast<A>(tensor.values.data<T>()[i]));
    }
    return absl::OkStatus();
  }));
  context.SetOutput(0, std::move(output));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(SparseTensorDenseAdd, "SparseTensorDenseAdd");

// |value| >= threshold.
template <typename T>
bool Reaches(T value, const Value& threshold) {
  if constexpr (IsComplexNumber<T>) {
    return std::abs(value) >= threshold.scalar<typename T::value_type>();
  } else if constexpr (std::is_unsigned_v<T>) {
    return value >= threshold.scalar<T>();
  } else if constexpr (std::is_integral_v<T>) {
    // The lowest number has no positive counterpart.
    const T limit = threshold.scalar<T>();
    return limit <= 0 || value >= limit || value <= -limit;
  } else {
    return std::abs(static_cast<Arithmetic<T>>(value)) >= static_cast<Arithmetic<T>>(threshold.scalar<T>());
  }
}

// Both operands in row-major order. Sums below the threshold go; what only one of them has stays.
absl::Status SparseAdd(KernelContext& context) {
  // Indices are only compared and copied.
  ASSIGN_OR_RETURN(const SparseTensor a,
                   SparseTensor::Unbounded(context.input(0), context.input(1), context.input(2), context));
  ASSIGN_OR_RETURN(const SparseTensor b,
                   SparseTensor::Unbounded(context.input(3), context.input(4), context.input(5), context));
  RETURN_IF_ERROR(ExpectScalar(context.input(6), "thresh"));
  const DataType dtype = context.input(1).dtype();
  const DataType real = dtype == DT_COMPLEX64 ? DT_FLOAT : dtype == DT_COMPLEX128 ? DT_DOUBLE : dtype;
  if (context.input(6).dtype() != real) {
    return absl::InvalidArgumentError(absl::StrCat("thresh is ", DataTypeName(context.input(6).dtype()),
                                                   " for values of type ", DataTypeName(dtype)));
  }
  if (a.shape != b.shape) {
    return absl::InvalidArgumentError(
        absl::StrCat("shapes ", ShapeText(a.shape), " and ", ShapeText(b.shape), " differ"));
  }
  const int rank = a.rank();
  // What each element of the result comes from: -1 for neither.
  std::vector<std::pair<int64_t, int64_t>> sources;
  for (int64_t i = 0, j = 0; i < a.count() || j < b.count();) {
    const bool a_only =
        j == b.count() || (i < a.count() && std::lexicographical_compare(a.place(i), a.place(i) + rank,
                                                                         b.place(j), b.place(j) + rank));
    const bool b_only =
        !a_only && (i == a.count() || std::lexicographical_compare(b.place(j), b.place(j) + rank, a.place(i),
                                                                   a.place(i) + rank));
    sources.emplace_back(b_only ? -1 : i++, a_only ? -1 : j++);
  }
  return DispatchType<NumberTypes>(a.values.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    const auto sum = [&](const std::pair<int64_t, int64_t>& source) {
      if (source.second < 0) return a.values.data<T>()[source.first];
      if (source.first < 0) return b.values.data<T>()[source.second];
      return static_cast<T>(static_cast<A>(a.values.data<T>()[source.first]) +
                            static_cast<A>(b.values.data<T>()[source.second]));
    };
    sources.erase(std::remove_if(sources.begin(), sources.end(),
                                 [&](const std::pair<int64_t, int64_t>& source) {
                                   return source.first >= 0 && source.second >= 0 &&
                                          !Reaches(sum(source), context.input(6));
                                 }),
                  sources.end());
    Value *indices, *values;
    RETURN_IF_ERROR(
        AllocateSparse(context, 0, 1, 2, static_cast<int64_t>(sources.size()), a.shape, &indices, &values));
    for (size_t i = 0; i < sources.size(); ++i) {
      const auto& source = sources[i];
      std::copy_n(source.first >= 0 ? a.place(source.first) : b.place(source.second), rank,
                  indices->mutable_data<int64_t>() + static_cast<int64_t>(i) * rank);
      values->mutable_data<T>()[i] = sum(source);
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(SparseAdd, "SparseAdd");

// A dense result; places that nothing falls into are 0. Indices out of bounds are numbered as those within,
// as in TensorFlow; what then falls beside the result is dropped.
class SparseReduceKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    max_ = node.op() == "SparseReduceMax";
    return node.Attr("keep_dims", &keep_dims_);
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const SparseTensor tensor,
                     SparseTensor::Unbounded(context.input(0), context.input(1), context.input(2), context));
    ASSIGN_OR_RETURN(const Shape axes, IntVector(context.input(3), "the axes"));
    std::vector<bool> reduced(static_cast<size_t>(tensor.rank()), false);
    for (const int64_t given : axes) {
      ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, tensor.rank()));
      reduced[static_cast<size_t>(axis)] = true;
    }
    Shape shape;
    for (int d = 0; d < tensor.rank(); ++d) {
      if (!reduced[d]) {
        shape.push_back(tensor.shape[d]);
      } else if (keep_dims_) {
        shape.push_back(1);
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    ASSIGN_OR_RETURN(Value filled, context.AllocateTemp(DT_BOOL, shape));
    std::fill_n(filled.mutable_data<bool>(), filled.num_elements(), false);
    return DispatchType<RealTypes>(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = Arithmetic<T>;
      std::fill_n(output->mutable_data<T>(), output->num_elements(), T(0));
      for (int64_t i = 0; i < tensor.count(); ++i) {
        uint64_t offset = 0;
        for (int d = 0; d < tensor.rank(); ++d) {
          if (reduced[d]) continue;
          offset =
              offset * static_cast<uint64_t>(tensor.shape[d]) + static_cast<uint64_t>(tensor.place(i)[d]);
        }
        if (offset >= static_cast<uint64_t>(output->num_elements())) continue;
        const T value = tensor.values.data<T>()[i];
        T& out = output->mutable_data<T>()[offset];
        bool& any = filled.mutable_data<bool>()[offset];
        if (!any) {
          out = value;
        } else if (!max_) {
          out = static_cast<T>(static_cast<A>(out) + static_cast<A>(value));
        } else if (value > out) {
          out = value;
        }
        any = true;
      }
      return absl::OkStatus();
    });
  }

 private:
  bool max_ = false, keep_dims_ = false;
};
CRYOGRAPH_KERNEL(SparseReduceKernel, "SparseReduceSum", "SparseReduceMax");

// Over the last dimension; an element that is not there counts as nothing, not as 0.
absl::Status SparseSoftmax(KernelContext& context) {
  ASSIGN_OR_RETURN(const SparseTensor tensor, SparseTensor::Input(context, 0));
  if (tensor.rank() < 2) return absl::InvalidArgumentError("the tensor must have two dimensions at least");
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {tensor.count()}));
  return DispatchType<FloatTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    const T* in = tensor.values.data<T>();
    T* out = output->mutable_data<T>();
    for (int64_t begin = 0, end; begin < tensor.count(); begin = end) {
      end = begin + 1;
      while (end < tensor.count() &&
             std::equal(tensor.place(begin), tensor.place(begin) + tensor.rank() - 1, tensor.place(end))) {
        ++end;
      }
      A largest = static_cast<A>(in[begin]), sum = 0;
      for (int64_t i = begin; i < end; ++i) largest = std::max(largest, static_cast<A>(in[i]));
      for (int64_t i = begin; i < end; ++i) sum += std::exp(static_cast<A>(in[i]) - largest);
      for (int64_t i = begin; i < end; ++i) {
        out[i] = static_cast<T>(std::exp(static_cast<A>(in[i]) - largest) / sum);
      }
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(SparseSoftmax, "SparseSoftmax");

enum class Operation { kAdd, kMul, kDiv };

template <typename T>
absl::Status Combine(Operation operation, T a, T b, T* out) {
  using A = Arithmetic<T>;
  if (operation == Operation::kAdd) {
    *out = static_cast<T>(static_cast<A>(a) + static_cast<A>(b));
  } else if (operation == Operation::kMul) {
    *out = static_cast<T>(static_cast<A>(a) * static_cast<A>(b));
  } else if constexpr (std::is_integral_v<T>) {
    if (b == 0) return absl::InvalidArgumentError("Integer division by zero");
    // The lowest number divided by -1 wraps.
    *out = std::is_signed_v<T> && b == static_cast<T>(-1) ? static_cast<T>(A(0) - static_cast<A>(a))
                                                          : static_cast<T>(a / b);
  } else {
    *out = static_cast<T>(static_cast<A>(a) / static_cast<A>(b));
  }
  return absl::OkStatus();
}

// The dense operand is broadcast to the sparse one, never the other way.
class SparseDenseCwiseKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    operation_ = node.op() == "SparseDenseCwiseAdd"   ? Operation::kAdd
                 : node.op() == "SparseDenseCwiseMul" ? Operation::kMul
                                                      : Operation::kDiv;
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const SparseTensor tensor, SparseTensor::Input(context, 0));
    const Value& dense = context.input(3);
    const int outer = tensor.rank() - dense.rank();
    bool fits = outer >= 0;
    for (int d = 0; d < dense.rank() && fits; ++d) {
      fits = dense.dim(d) == 1 || dense.dim(d) == tensor.shape[d + outer];
    }
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat("a dense tensor of shape ", ShapeText(dense.shape()),
                                                     " does not broadcast to ", ShapeText(tensor.shape)));
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {tensor.count()}));
    return DispatchType<NumberTypes>(dense.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      for (int64_t i = 0; i < tensor.count(); ++i) {
        int64_t offset = 0;
        for (int d = 0; d < dense.rank(); ++d) {
          offset = offset * dense.dim(d) + (dense.dim(d) == 1 ? 0 : tensor.place(i)[d + outer]);
        }
        RETURN_IF_ERROR(Combine(operation_, tensor.values.data<T>()[i], dense.data<T>()[offset],
                                output->mutable_data<T>() + i));
      }
      return absl::OkStatus();
    });
  }

 private:
  Operation operation_ = Operation::kAdd;
};
CRYOGRAPH_KERNEL(SparseDenseCwiseKernel, "SparseDenseCwiseAdd", "SparseDenseCwiseMul", "SparseDenseCwiseDiv");

}  // namespace
}  // namespace cryograph
