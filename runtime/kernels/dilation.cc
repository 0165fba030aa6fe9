// Dilation2D: the greatest sum of pixel and filter in a window.
#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/window.h"

namespace cryograph {
namespace {

using DilationTypes = JoinTypes<TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>, IntTypes>;

template <typename T>
T Sum(T a, T b) {
  if constexpr (std::is_integral<T>::value) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(a) + static_cast<U>(b)));
  } else {
    return a + b;
  }
}

template <typename T>
void Dilate(const compute::WindowShape& s, const T* input, const T* filter, int64_t row_begin,
            int64_t row_end, T* output) {
  const int64_t channels = s.in_channels;
  for (int64_t row = row_begin; row < row_end; ++row) {
    const T* image = input + row / s.out[1] * s.in_pixels() * channels;
    T* to = output + row * s.out[2] * channels;
    for (int64_t x = 0; x < s.out[2]; ++x, to += channels) {
      std::fill(to, to + channels, std::numeric_limits<T>::lowest());
      for (int64_t tap = 0; tap < s.taps(); ++tap) {
        const int64_t h = row % s.out[1] * s.stride[1] - s.pad[1] + tap / s.window[2] * s.dilation[1];
        const int64_t w = x * s.stride[2] - s.pad[2] + tap % s.window[2] * s.dilation[2];
        if (h < 0 || h >= s.in[1] || w < 0 || w >= s.in[2]) continue;
        const T* pixel = image + (h * s.in[2] + w) * channels;
        for (int64_t c = 0; c < channels; ++c)
          to[c] = std::max(to[c], Sum(pixel[c], filter[tap * channels + c]));
      }
    }
  }
}

class DilationKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (!IsOneOf<DilationTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    RETURN_IF_ERROR(attrs_.Init(node, 2));
    std::vector<int64_t> rates;
    RETURN_IF_ERROR(node.Attr("rates", &rates));
    return attrs_.SetDilations(rates);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectRank(context.input(0), 4, "input"));
    RETURN_IF_ERROR(ExpectRank(context.input(1), 3, "filter"));
    if (context.input(0).dim(3) != context.input(1).dim(2)) {
      return absl::InvalidArgumentError(absl::StrCat("the input's depth ", context.input(0).dim(3),
                                                     " is not the filter's ", context.input(1).dim(2)));
    }
    ASSIGN_OR_RETURN(const Value input, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(const Value filter, ToComputeType(context, context.input(1)));
    ASSIGN_OR_RETURN(const compute::WindowShape shape,
                     attrs_.ShapeFor(input.shape(), absl::MakeConstSpan(filter.shape()).first(2)));
    ASSIGN_OR_RETURN(Value output,
                     context.AllocateTemp(input.dtype(), attrs_.ChannelsLastDims(shape, shape.in_channels)));
    if (output.num_elements() > 0) {
      RETURN_IF_ERROR(DispatchType<DilationTypes>(input.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        const double cost = 1.0 * shape.out[2] * shape.in_channels * shape.taps();
        context.ParallelFor(shape.batch * shape.out[1], cost, [&](int64_t begin, int64_t end) {
          Dilate(shape, input.data<T>(), filter.data<T>(), begin, end, output.mutable_data<T>());
        });
        return absl::OkStatus();
      }));
    }
    ASSIGN_OR_RETURN(output, FromComputeType(context, output, dtype_));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

 private:
  DataType dtype_ = DT_INVALID;
  WindowAttrs attrs_;
};
CRYOGRAPH_KERNEL(DilationKernel, "Dilation2D");

}  // namespace
}  // namespace cryograph
