// SparseSegmentSum, -Mean, -SqrtN, and the same with a number of segments: rows of data, picked by indices,
// summed by sorted segment ids. And the gradients of these.
#include <algorithm>
#include <cmath>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

enum class Mode { kSum, kMean, kSqrtN };

Mode ModeOf(absl::string_view op) {
  if (op.find("Mean") != absl::string_view::npos) return Mode::kMean;
  return op.find("SqrtN") != absl::string_view::npos ? Mode::kSqrtN : Mode::kSum;
}

template <typename T>
T Scaled(T sum, int64_t count, Mode mode) {
  if constexpr (std::is_integral_v<T>) {
    return sum;
  } else {
    using A = Arithmetic<T>;
    const A divisor = mode == Mode::kMean ? static_cast<A>(count) : std::sqrt(static_cast<A>(count));
    return static_cast<T>(static_cast<A>(sum) / divisor);
  }
}

class SparseSegmentKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    mode_ = ModeOf(node.op());
    const DataType dtype = node.input_type(0);
    const bool supported = mode_ == Mode::kSum ? IsOneOf<RealTypes>(dtype) : IsOneOf<FloatTypes>(dtype);
    return supported ? absl::OkStatus() : node.UnsupportedType(dtype);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& data = context.input(0);
    if (data.rank() < 1) return absl::InvalidArgumentError("data must not be a scalar");
    RETURN_IF_ERROR(ExpectVector(context.input(1), "indices"));
    RETURN_IF_ERROR(ExpectVector(context.input(2), "segment_ids"));
    RETURN_IF_ERROR(ExpectSameShape(context.input(1), context.input(2)));
    ASSIGN_OR_RETURN(const Shape indices, IntVector(context.input(1), "indices"));
    ASSIGN_OR_RETURN(const Shape ids, IntVector(context.input(2), "segment_ids"));
    int64_t previous = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < previous) {
        return absl::InvalidArgumentError("segment ids are not increasing, or are negative");
      }
      if (indices[i] < 0 || indices[i] >= data.dim(0)) {
        return absl::InvalidArgumentError(
            absl::StrCat("indices[", i, "] = ", indices[i], " is not in [0, ", data.dim(0), ")"));
      }
      previous = ids[i];
    }
    Shape shape = data.shape();
    shape[0] = ids.empty() ? 0 : ids.back() + 1;
    if (context.num_inputs() > 3) {
      ASSIGN_OR_RETURN(const int64_t segments, ScalarInt(context.input(3), "num_segments"));
      if (segments < shape[0]) {
        return absl::InvalidArgumentError(
            absl::StrCat("segment ids reach ", shape[0] - 1, ", but num_segments is ", segments));
      }
      shape[0] = segments;
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    const int64_t inner = output->num_elements() / shape[0];
    return DispatchType<RealTypes>(data.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      using A = Arithmetic<T>;
      T* out = output->mutable_data<T>();
      std::fill_n(out, output->num_elements(), T(0));
      constexpr size_t kCheckedWork = 1 << 20;
      size_t work = 0;
      for (size_t begin = 0, end; begin < ids.size(); begin = end) {
        end = begin + 1;
        while (end < ids.size() && ids[end] == ids[begin]) ++end;
        T* row = out + ids[begin] * inner;
        for (int64_t n = 0; n < inner; ++n) {
          if ((work += end - begin) >= kCheckedWork) {
            RETURN_IF_ERROR(context.CheckLimits());
            work = 0;
          }
          A sum = A(0);
          for (size_t i = begin; i < end; ++i) {
            sum = static_cast<A>(sum + static_cast<A>(data.data<T>()[indices[i] * inner + n]));
          }
          row[n] = static_cast<T>(sum);
        }
        if (mode_ == Mode::kSum) continue;
        const auto count = static_cast<int64_t>(end - begin);
        for (int64_t n = 0; n < inner; ++n) row[n] = Scaled(row[n], count, mode_);
      }
      return absl::OkStatus();
    });
  }

 private:
  Mode mode_ = Mode::kSum;
};
CRYOGRAPH_KERNEL(SparseSegmentKernel, "SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN",
                 "SparseSegmentSumWithNumSegments", "SparseSegmentMeanWithNumSegments",
                 "SparseSegmentSqrtNWithNumSegments");

// (gradient, indices, segment ids, rows of the data): each row of the data gets the gradients of the segments
// that it is in, or its share of them.
class SparseSegmentGradKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    mode_ = ModeOf(node.op());
    return IsOneOf<FloatTypes>(node.input_type(0)) ? absl::OkStatus()
                                                   : node.UnsupportedType(node.input_type(0));
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& gradient = context.input(0);
    if (gradient.rank() < 1) return absl::InvalidArgumentError("the gradient must not be a scalar");
    RETURN_IF_ERROR(ExpectVector(context.input(1), "indices"));
    RETURN_IF_ERROR(ExpectVector(context.input(2), "segment_ids"));
    RETURN_IF_ERROR(ExpectSameShape(context.input(1), context.input(2)));
    ASSIGN_OR_RETURN(const Shape indices, IntVector(context.input(1), "indices"));
    ASSIGN_OR_RETURN(const Shape ids, IntVector(context.input(2), "segment_ids"));
    Shape shape = gradient.shape();
    const int64_t segments = shape[0];
    ASSIGN_OR_RETURN(shape[0], ScalarInt(context.input(3), "output_dim0"));
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < 0 || ids[i] >= segments) {
        return absl::InvalidArgumentError(
            absl::StrCat("segment id ", ids[i], " is not in [0, ", segments, ")"));
      }
      if (indices[i] < 0 || indices[i] >= shape[0]) {
        return absl::InvalidArgumentError(
            absl::StrCat("index ", indices[i], " is not in [0, ", shape[0], ")"));
      }
    }
    ASSIGN_OR_RETURN(Value sums, context.AllocateTemp(DT_DOUBLE, shape));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    ASSIGN_OR_RETURN(Value shares, context.AllocateTemp(DT_DOUBLE, {segments}));
    double* const share = shares.mutable_data<double>();
    std::fill_n(share, segments, 0.0);
    for (const int64_t id : ids) ++share[id];
    for (int64_t i = 0; i < segments; ++i) {
      share[i] = mode_ == Mode::kSum || share[i] == 0
                     ? 1
                     : 1 / (mode_ == Mode::kMean ? share[i] : std::sqrt(share[i]));
    }
    const int64_t inner = segments == 0 ? 0 : gradient.num_elements() / segments;
    return DispatchType<FloatTypes>(gradient.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = Arithmetic<T>;
      double* const sum = sums.mutable_data<double>();
      std::fill_n(sum, sums.num_elements(), 0.0);
      for (size_t i = 0; i < ids.size(); ++i) {
        const T* from = gradient.data<T>() + ids[i] * inner;
        for (int64_t n = 0; n < inner; ++n) {
          sum[indices[i] * inner + n] += share[ids[i]] * static_cast<double>(static_cast<A>(from[n]));
        }
      }
      for (int64_t i = 0; i < output->num_elements(); ++i) {
        output->mutable_data<T>()[i] = static_cast<T>(static_cast<A>(sum[i]));
      }
      return absl::OkStatus();
    });
  }

 private:
  Mode mode_ = Mode::kSum;
};
CRYOGRAPH_KERNEL(SparseSegmentGradKernel, "SparseSegmentMeanGrad", "SparseSegmentSqrtNGrad",
                 "SparseSegmentSumGrad");

}  // namespace
}  // namespace cryograph
