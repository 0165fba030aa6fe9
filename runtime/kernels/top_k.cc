// TopK, TopKV2, NthElement.
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// Element `at` of a value of int16, int32 or int64.
void SetIndex(Value& indices, int64_t at, int32_t index) {
  switch (indices.dtype()) {
    case DT_INT16:
      indices.mutable_data<int16_t>()[at] = static_cast<int16_t>(index);
      break;
    case DT_INT32:
      indices.mutable_data<int32_t>()[at] = index;
      break;
    default:
      indices.mutable_data<int64_t>()[at] = index;
  }
}

// Descending, equal values in the order of their indices; with sorted=false any order is right, and so is
// this.
class TopKKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    return node.op() == "TopK" ? node.Attr("k", &k_) : absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    int64_t k = k_;
    if (context.num_inputs() > 1) {
      RETURN_IF_ERROR(ExpectScalar(context.input(1), "k"));
      ASSIGN_OR_RETURN(k, ScalarInt(context.input(1), "k"));
    }
    if (k < 0) return absl::InvalidArgumentError(absl::StrCat("Need k >= 0, got ", k));
    if (input.rank() < 1) return absl::InvalidArgumentError("input must be >= 1-D");
    const int64_t width = input.dim(input.rank() - 1);
    if (width > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(absl::StrCat("rows of ", width, " are too long for int32 places"));
    }
    if (k > width) {
      return absl::InvalidArgumentError(
          absl::StrCat("input must have at least k columns: ", width, ", k is ", k));
    }
    Shape shape = input.shape();
    shape.back() = k;
    ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(0, shape));
    ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(1, shape));
    if (values->num_elements() == 0) return absl::OkStatus();
    std::vector<int32_t> order(static_cast<size_t>(width));
    return DispatchType<RealTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* in = input.data<T>();
      T* out = values->mutable_data<T>();
      for (int64_t row = 0; row < input.num_elements() / width; ++row, in += width, out += k) {
        std::iota(order.begin(), order.end(), 0);
        const auto before = [in](int32_t a, int32_t b) {
          return in[a] > in[b] || (!(in[b] > in[a]) && a < b);
        };
        std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
        for (int64_t i = 0; i < k; ++i) {
          const int32_t place = order[static_cast<size_t>(i)];
          SetIndex(*indices, row * k + i, place);
          out[i] = in[place];
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  int64_t k_ = 0;
};
CRYOGRAPH_KERNEL(TopKKernel, "TopK", "TopKV2");

class NthElementKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("reverse", &reverse_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "n"));
    ASSIGN_OR_RETURN(int64_t n, ScalarInt(context.input(1), "n"));
    if (input.rank() < 1) return absl::InvalidArgumentError("input must be >= 1-D");
    const int64_t width = input.dim(input.rank() - 1);
    if (n < 0 || n >= width) {
      return absl::InvalidArgumentError(absl::StrCat("n must be in [0, ", width, "), got ", n));
    }
    if (reverse_) n = width - 1 - n;
    ASSIGN_OR_RETURN(Value * output,
                     context.AllocateOutput(0, Shape(input.shape().begin(), input.shape().end() - 1)));
    return DispatchType<RealTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (int64_t row = 0; row < output->num_elements(); ++row) {
        const T* in = input.data<T>() + row * width;
        std::vector<T> line(in, in + width);
        // Not std::nth_element, which a NaN could lead out of the line.
        std::partial_sort(line.begin(), line.begin() + n + 1, line.end());
        output->mutable_data<T>()[row] = line[static_cast<size_t>(n)];
      }
      return absl::OkStatus();
    });
  }

 private:
  bool reverse_ = false;
};
CRYOGRAPH_KERNEL(NthElementKernel, "NthElement");

}  // namespace
}  // namespace cryograph
