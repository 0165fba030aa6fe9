// Relu, Relu6, LeakyRelu, Elu, Selu, Softplus, Softsign. NaN stays NaN.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

template <typename T>
struct Rectified {
  T operator()(T x) const { return x < T(0) ? T(0) : x; }
};
template <typename T>
struct Rectified6 {
  T operator()(T x) const { return x < T(0) ? T(0) : x > T(6) ? T(6) : x; }
};

absl::Status Relu(KernelContext& context) { return ComputeUnary<RealTypes, Rectified>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Relu, "Relu");

absl::Status Relu6(KernelContext& context) { return ComputeUnary<RealTypes, Rectified6>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Relu6, "Relu6");

class LeakyReluKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("alpha", &alpha_); }

  absl::Status Compute(KernelContext& context) const override {
    return DispatchType<FloatTypes>(context.input(0).dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = Arithmetic<T>;
      const A alpha = static_cast<A>(static_cast<T>(alpha_));
      return UnaryLoop<T, T>(context, 1, [alpha](T value) {
        const A x = static_cast<A>(value);
        return static_cast<T>(x > 0 ? x : alpha * x);
      });
    });
  }

 private:
  float alpha_ = 0.2f;
};
CRYOGRAPH_KERNEL(LeakyReluKernel, "LeakyRelu");

template <typename T>
struct ExponentialLinear {
  T operator()(T value) const {
    const auto x = static_cast<Arithmetic<T>>(value);
    return x < 0 ? static_cast<T>(std::expm1(x)) : value;
  }
};

// Klambauer et al., Self-Normalizing Neural Networks (2017): the fixed point of mean 0 and variance 1.
template <typename T>
struct ScaledExponentialLinear {
  T operator()(T value) const {
    using A = Arithmetic<T>;
    const A scale = static_cast<A>(1.0507009873554805), alpha = static_cast<A>(1.6732632423543772);
    const A x = static_cast<A>(value);
    return static_cast<T>(x < 0 ? scale * alpha * std::expm1(x) : scale * x);
  }
};

template <typename T>
struct SoftenedPlus {
  T operator()(T value) const {
    using A = Arithmetic<T>;
    const A x = static_cast<A>(value);
    return static_cast<T>(std::max(x, A(0)) + std::log1p(std::exp(-std::abs(x))));
  }
};

template <typename T>
struct SoftenedSign {
  T operator()(T value) const {
    using A = Arithmetic<T>;
    const A x = static_cast<A>(value);
    return static_cast<T>(x / (A(1) + std::abs(x)));
  }
};

absl::Status Elu(KernelContext& context) { return ComputeUnary<FloatTypes, ExponentialLinear>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Elu, "Elu");

absl::Status Selu(KernelContext& context) {
  return ComputeUnary<FloatTypes, ScaledExponentialLinear>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Selu, "Selu");

absl::Status Softplus(KernelContext& context) { return ComputeUnary<FloatTypes, SoftenedPlus>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Softplus, "Softplus");

absl::Status Softsign(KernelContext& context) { return ComputeUnary<FloatTypes, SoftenedSign>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Softsign, "Softsign");

}  // namespace
}  // namespace cryograph
