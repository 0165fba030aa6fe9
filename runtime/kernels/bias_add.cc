// BiasAdd: a number for each channel.
#include <complex>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "runtime/compute/elementwise.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// Integers wrap.
template <typename T>
T Sum(T a, T b) {
  if constexpr (std::is_integral<T>::value) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(a) + static_cast<U>(b)));
  } else {
    return T(a + b);
  }
}

class BiasAddKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<NumberTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    if (node.op() == "BiasAddV1") return absl::OkStatus();
    std::string format;
    RETURN_IF_ERROR(node.Attr("data_format", &format));
    channels_first_ = format == "NCHW";
    if (format != "NHWC" && !channels_first_) {
      return absl::InvalidArgumentError(absl::StrCat("data_format '", format, "' is neither NHWC nor NCHW"));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& value = context.input(0);
    const Value& bias = context.input(1);
    const int least_rank = channels_first_ ? 3 : 2;
    if (value.rank() < least_rank) {
      return absl::InvalidArgumentError(
          absl::StrCat("value must have at least ", least_rank, " dimensions, and has ", value.rank()));
    }
    RETURN_IF_ERROR(ExpectVector(bias, "bias"));
    const int axis = channels_first_ ? 1 : value.rank() - 1;
    const int64_t channels = value.dim(axis);
    if (bias.dim(0) != channels) {
      return absl::InvalidArgumentError(
          absl::StrCat("a bias of ", bias.dim(0), " for ", channels, " channels"));
    }
    ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, value.shape()));
    if (value.num_elements() == 0) return absl::OkStatus();
    int64_t inner = 1;  // Neighbours with the same bias.
    for (int i = axis + 1; i < value.rank(); ++i) inner *= value.dim(i);
    const int64_t runs = value.num_elements() / inner;
    if (value.dtype() == DT_FLOAT && inner == 1) {
      compute::Epilogue<float> epilogue;
      epilogue.bias = bias.data<float>();
      const float* x = value.data<float>();
      float* y = output->mutable_data<float>();
      context.ParallelFor(runs / channels, 0.1 * channels, [&](int64_t begin, int64_t end) {
        compute::ApplyEpilogue(end - begin, channels, x + begin * channels, y + begin * channels, epilogue);
      });
      return absl::OkStatus();
    }
    return DispatchType<NumberTypes>(value.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* x = value.data<T>();
      const T* b = bias.data<T>();
      T* y = output->mutable_data<T>();
      context.ParallelFor(runs, 1.0 * inner, [&](int64_t begin, int64_t end) {
        for (int64_t run = begin; run < end; ++run) {
          for (int64_t i = run * inner; i < (run + 1) * inner; ++i) y[i] = Sum<T>(x[i], b[run % channels]);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  bool channels_first_ = false;
};
CRYOGRAPH_KERNEL(BiasAddKernel, "BiasAdd", "BiasAddV1");

}  // namespace
}  // namespace cryograph
