// IsNan, IsInf, IsFinite, CheckNumerics.
#include <cmath>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

template <typename Function>
absl::Status Classify(KernelContext& context, Function function) {
  return DispatchType<FloatTypes>(context.input(0).dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    return UnaryLoop<T, bool>(context, 1, [&](T x) { return function(static_cast<Arithmetic<T>>(x)); });
  });
}

absl::Status IsNan(KernelContext& context) {
  return Classify(context, [](auto x) { return std::isnan(x); });
}
CRYOGRAPH_KERNEL_FUNCTION(IsNan, "IsNan");

absl::Status IsInf(KernelContext& context) {
  return Classify(context, [](auto x) { return std::isinf(x); });
}
CRYOGRAPH_KERNEL_FUNCTION(IsInf, "IsInf");

absl::Status IsFinite(KernelContext& context) {
  return Classify(context, [](auto x) { return std::isfinite(x); });
}
CRYOGRAPH_KERNEL_FUNCTION(IsFinite, "IsFinite");

class CheckNumericsKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("message", &message_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(DispatchType<FloatTypes>(input.dtype(), [&](auto tag) {
      bool nan = false, inf = false;
      for (const auto each : input.span<TypeOf<decltype(tag)>>()) {
        const auto x = static_cast<Arithmetic<TypeOf<decltype(tag)>>>(each);
        nan |= std::isnan(x);
        inf |= std::isinf(x);
      }
      if (!nan && !inf) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(message_, " : Tensor had ",
                                                     nan && inf ? "NaN and Inf"
                                                     : nan      ? "NaN"
                                                                : "Inf",
                                                     " values"));
    }));
    context.SetOutput(0, input);
    return absl::OkStatus();
  }

 private:
  std::string message_;
};
CRYOGRAPH_KERNEL(CheckNumericsKernel, "CheckNumerics", "CheckNumericsV2");

}  // namespace
}  // namespace cryograph
