// Gradients of element-wise ops: ReluGrad, Relu6Grad, LeakyReluGrad, EluGrad, SeluGrad, SoftplusGrad,
// SoftsignGrad, SigmoidGrad, TanhGrad, SqrtGrad, RsqrtGrad, InvGrad, ReciprocalGrad; and BiasAddGrad.
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/element_lists.h"

namespace cryograph {
namespace {

// out[i] = function(a[i], b[i]) for operands of one shape, in the type that arithmetic is done in.
template <typename Types, typename Function>
absl::Status Combine(KernelContext& context, Function function) {
  RETURN_IF_ERROR(ExpectSameShape(context.input(0), context.input(1)));
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0, 1}, 0, context.input(0).shape()));
  return DispatchType<Types>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    const T* a = context.input(0).data<T>();
    const T* b = context.input(1).data<T>();
    T* out = output->mutable_data<T>();
    context.ParallelFor(output->num_elements(), 5, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        out[i] = static_cast<T>(function(static_cast<A>(a[i]), static_cast<A>(b[i])));
    });
    return absl::OkStatus();
  });
}

// --- Of (gradient, input or output of the op).

// The gradient where low < x < high, else 0.
absl::Status ReluGrad(KernelContext& context) {
  RETURN_IF_ERROR(ExpectSameShape(context.input(0), context.input(1)));
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0, 1}, 0, context.input(0).shape()));
  const bool six = context.node().op() == "Relu6Grad";
  return DispatchType<RealTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T* gradient = context.input(0).data<T>();
    const T* x = context.input(1).data<T>();
    for (int64_t i = 0; i < output->num_elements(); ++i) {
      const bool open = x[i] > T(0) && !(six && x[i] >= T(6));
      output->mutable_data<T>()[i] = open ? gradient[i] : T(0);
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(ReluGrad, "Relu6Grad", "ReluGrad");

class LeakyReluGradKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("alpha", &alpha_); }
  absl::Status Compute(KernelContext& context) const override {
    return Combine<FloatTypes>(context, [this](auto gradient, auto x) {
      return x > 0 ? gradient : static_cast<decltype(x)>(alpha_) * gradient;
    });
  }

 private:
  float alpha_ = 0.2f;
};
CRYOGRAPH_KERNEL(LeakyReluGradKernel, "LeakyReluGrad");

absl::Status EluGrad(KernelContext& context) {
  return Combine<FloatTypes>(context,
                             [](auto gradient, auto y) { return y < 0 ? (y + 1) * gradient : gradient; });
}
CRYOGRAPH_KERNEL_FUNCTION(EluGrad, "EluGrad");

absl::Status SeluGrad(KernelContext& context) {
  return Combine<FloatTypes>(context, [](auto gradient, auto y) {
    using A = decltype(y);
    const A scale = static_cast<A>(1.0507009873554805), scale_alpha = static_cast<A>(1.7580993408473768);
    return y < 0 ? gradient * (y + scale_alpha) : gradient * scale;
  });
}
CRYOGRAPH_KERNEL_FUNCTION(SeluGrad, "SeluGrad");

absl::Status SoftplusGrad(KernelContext& context) {
  return Combine<FloatTypes>(context, [](auto gradient, auto x) { return gradient / (std::exp(-x) + 1); });
}
CRYOGRAPH_KERNEL_FUNCTION(SoftplusGrad, "SoftplusGrad");

absl::Status SoftsignGrad(KernelContext& context) {
  return Combine<FloatTypes>(context, [](auto gradient, auto x) {
    const auto below = std::abs(x) + 1;
    return gradient / (below * below);
  });
}
CRYOGRAPH_KERNEL_FUNCTION(SoftsignGrad, "SoftsignGrad");

// --- Of (output of the op, gradient).

absl::Status SigmoidGrad(KernelContext& context) {
  return Combine<FloatTypes>(context, [](auto y, auto gradient) { return gradient * y * (1 - y); });
}
CRYOGRAPH_KERNEL_FUNCTION(SigmoidGrad, "SigmoidGrad");

absl::Status TanhGrad(KernelContext& context) {
  return Combine<FloatTypes>(context, [](auto y, auto gradient) { return gradient * (1 - y * y); });
}
CRYOGRAPH_KERNEL_FUNCTION(TanhGrad, "TanhGrad");

absl::Status SqrtGrad(KernelContext& context) {
  return Combine<FloatTypes>(
      context, [](auto y, auto gradient) { return gradient * static_cast<decltype(y)>(0.5) / y; });
}
CRYOGRAPH_KERNEL_FUNCTION(SqrtGrad, "SqrtGrad");

absl::Status RsqrtGrad(KernelContext& context) {
  return Combine<FloatTypes>(
      context, [](auto y, auto gradient) { return gradient * static_cast<decltype(y)>(-0.5) * y * y * y; });
}
CRYOGRAPH_KERNEL_FUNCTION(RsqrtGrad, "RsqrtGrad");

absl::Status ReciprocalGrad(KernelContext& context) {
  return Combine<FloatTypes>(context, [](auto y, auto gradient) { return -gradient * y * y; });
}
CRYOGRAPH_KERNEL_FUNCTION(ReciprocalGrad, "InvGrad", "ReciprocalGrad");

// The sum of each channel.
class BiasAddGradKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string format;
    RETURN_IF_ERROR(node.Attr("data_format", &format));
    if (format != "NHWC" && format != "NCHW") {
      return absl::InvalidArgumentError(absl::StrCat("data_format '", format, "' is neither NHWC nor NCHW"));
    }
    channels_first_ = format == "NCHW";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& gradient = context.input(0);
    if (gradient.rank() < (channels_first_ ? 3 : 2)) {
      return absl::InvalidArgumentError(
          absl::StrCat("out_backprop of shape ", ShapeText(gradient.shape()), " has too few dimensions"));
    }
    const int axis = channels_first_ ? 1 : gradient.rank() - 1;
    const int64_t channels = gradient.dim(axis);
    if (gradient.num_elements() == 0) {
      ASSIGN_OR_RETURN(Value zeros, ZerosOf(gradient.dtype(), {channels}, context.pool()));
      context.SetOutput(0, std::move(zeros));
      return absl::OkStatus();
    }
    int64_t inner = 1;
    for (int i = axis + 1; i < gradient.rank(); ++i) inner *= gradient.dim(i);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {channels}));
    const int64_t outer = gradient.num_elements() / inner / channels;
    return DispatchType<NumberTypes>(gradient.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = Arithmetic<T>;
      for (int64_t c = 0; c < channels; ++c) {
        A sum = A(0);
        for (int64_t o = 0; o < outer; ++o) {
          const T* run = gradient.data<T>() + (o * channels + c) * inner;
          for (int64_t i = 0; i < inner; ++i) sum += static_cast<A>(run[i]);
        }
        output->mutable_data<T>()[c] = static_cast<T>(sum);
      }
      return absl::OkStatus();
    });
  }

 private:
  bool channels_first_ = false;
};
CRYOGRAPH_KERNEL(BiasAddGradKernel, "BiasAddGrad");

}  // namespace
}  // namespace cryograph
