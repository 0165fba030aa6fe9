// Bincount, DenseBincount, HistogramFixedWidth, Bucketize, LowerBound, UpperBound.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

using CountTypes = JoinTypes<TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>, IndexTypes>;

class BincountKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<CountTypes>(node.output_type(0))) return node.UnsupportedType(node.output_type(0));
    dense_ = node.op() == "DenseBincount";
    return dense_ ? node.Attr("binary_output", &binary_) : absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const Value& weights = context.input(2);
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "size"));
    ASSIGN_OR_RETURN(const int64_t size, ScalarInt(context.input(1), "size"));
    if (size < 0) return absl::InvalidArgumentError(absl::StrCat("size ", size, " must not be negative"));
    if (dense_ && input.rank() > 2) return absl::InvalidArgumentError("the input must be of rank 2 at most");
    if (weights.num_elements() != 0 && weights.shape() != input.shape()) {
      return absl::InvalidArgumentError(absl::StrCat("weights of shape ", ShapeText(weights.shape()),
                                                     " for values of shape ", ShapeText(input.shape())));
    }
    const bool matrix = dense_ && input.rank() == 2;
    const int64_t rows = matrix ? input.dim(0) : 1;
    const int64_t columns = matrix ? input.dim(1) : input.num_elements();
    Shape dims = {size};
    if (matrix) dims.insert(dims.begin(), rows);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
    return DispatchType<IndexTypes>(input.dtype(), [&](auto index_tag) {
      const auto* values = input.data<TypeOf<decltype(index_tag)>>();
      return DispatchType<CountTypes>(output->dtype(), [&](auto tag) -> absl::Status {
        using T = TypeOf<decltype(tag)>;
        T* out = output->mutable_data<T>();
        std::fill_n(out, output->num_elements(), T(0));
        for (int64_t i = 0; i < rows * columns; ++i) {
          if (values[i] < 0) {
            return absl::InvalidArgumentError(absl::StrCat("value ", values[i], " is negative"));
          }
          if (values[i] >= size) continue;
          T& bin = out[i / columns * size + values[i]];
          if (binary_) {
            bin = T(1);
          } else if (weights.num_elements() == 0) {
            bin += T(1);
          } else {
            using A = Arithmetic<T>;
            bin = static_cast<T>(static_cast<A>(bin) + static_cast<A>(weights.data<T>()[i]));
          }
        }
        return absl::OkStatus();
      });
    });
  }

 private:
  bool dense_ = false, binary_ = false;
};
CRYOGRAPH_KERNEL(BincountKernel, "Bincount", "DenseBincount");

absl::Status HistogramFixedWidth(KernelContext& context) {
  const Value& values = context.input(0);
  const Value& range = context.input(1);
  if (!range.is_vector() || range.dim(0) != 2) {
    return absl::InvalidArgumentError("value_range must be a vector of two");
  }
  RETURN_IF_ERROR(ExpectScalar(context.input(2), "nbins"));
  ASSIGN_OR_RETURN(const int64_t bins, ScalarInt(context.input(2), "nbins"));
  if (bins <= 0) return absl::InvalidArgumentError(absl::StrCat("nbins ", bins, " must be positive"));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {bins}));
  return DispatchType<CountTypes>(values.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    const double low = static_cast<double>(range.data<T>()[0]);
    const double high = static_cast<double>(range.data<T>()[1]);
    if (!(low < high)) return absl::InvalidArgumentError("value_range must ascend");
    const double step = (high - low) / static_cast<double>(bins);
    return DispatchType<IndexTypes>(output->dtype(), [&](auto count_tag) {
      auto* out = output->mutable_data<TypeOf<decltype(count_tag)>>();
      std::fill_n(out, bins, 0);
      for (int64_t i = 0; i < values.num_elements(); ++i) {
        const double place = (static_cast<double>(values.data<T>()[i]) - low) / step;
        // NaN goes to the first bin.
        const int64_t bin = !(place > 0)                         ? 0
                            : place >= static_cast<double>(bins) ? bins - 1
                                                                 : static_cast<int64_t>(place);
        ++out[bin];
      }
      return absl::OkStatus();
    });
  });
}
CRYOGRAPH_KERNEL_FUNCTION(HistogramFixedWidth, "HistogramFixedWidth");

class BucketizeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<CountTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    RETURN_IF_ERROR(node.Attr("boundaries", &boundaries_));
    if (!std::is_sorted(boundaries_.begin(), boundaries_.end())) {
      return absl::InvalidArgumentError("boundaries must ascend");
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    return DispatchType<CountTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (int64_t i = 0; i < input.num_elements(); ++i) {
        const T x = input.data<T>()[i];
        const auto above = std::upper_bound(boundaries_.begin(), boundaries_.end(), x,
                                            [](T a, float b) { return a < static_cast<double>(b); });
        output->mutable_data<int32_t>()[i] = static_cast<int32_t>(above - boundaries_.begin());
      }
      return absl::OkStatus();
    });
  }

 private:
  std::vector<float> boundaries_;
};
CRYOGRAPH_KERNEL(BucketizeKernel, "Bucketize");

// Places of `values` in rows of sorted elements.
class BoundKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<RealTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    upper_ = node.op() == "UpperBound";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& sorted = context.input(0);
    const Value& values = context.input(1);
    RETURN_IF_ERROR(ExpectMatrix(sorted, "sorted_inputs"));
    RETURN_IF_ERROR(ExpectMatrix(values, "values"));
    if (sorted.dim(0) != values.dim(0)) {
      return absl::InvalidArgumentError("sorted_inputs and values differ in their first dimension");
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, values.shape()));
    if (output->dtype() == DT_INT32 && sorted.dim(1) > INT32_MAX) {
      return absl::InvalidArgumentError("rows are too long for int32");
    }
    return DispatchType<RealTypes>(sorted.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const int64_t length = sorted.dim(1), columns = values.dim(1);
      for (int64_t i = 0; i < values.num_elements(); ++i) {
        const T* row = sorted.data<T>() + i / columns * length;
        const T value = values.data<T>()[i];
        const T* found =
            upper_ ? std::upper_bound(row, row + length, value) : std::lower_bound(row, row + length, value);
        if (output->dtype() == DT_INT32) {
          output->mutable_data<int32_t>()[i] = static_cast<int32_t>(found - row);
        } else {
          output->mutable_data<int64_t>()[i] = found - row;
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  bool upper_ = false;
};
CRYOGRAPH_KERNEL(BoundKernel, "LowerBound", "UpperBound");

}  // namespace
}  // namespace cryograph
