// What derives from the gamma function: Digamma, Polygamma, Zeta, Igamma, Igammac, IgammaGradA,
// RandomGammaGrad, Betainc.
#include <cmath>
#include <limits>
#include <unsupported/Eigen/SpecialFunctions>

#include "runtime/kernels/binary.h"
#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

using FloatAndDouble = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

template <typename T>
struct DigammaFunctor {
  T operator()(T x) const { return static_cast<T>(Eigen::numext::digamma(static_cast<Arithmetic<T>>(x))); }
};
absl::Status Digamma(KernelContext& context) { return ComputeUnary<FloatTypes, DigammaFunctor>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Digamma, "Digamma");

#define BINARY_KERNEL(NAME, TYPES, FUNCTION)                                                         \
  template <typename T>                                                                              \
  struct NAME##Functor {                                                                             \
    T operator()(T a, T b) const {                                                                   \
      using A = Arithmetic<T>;                                                                       \
      return static_cast<T>(Eigen::numext::FUNCTION(static_cast<A>(a), static_cast<A>(b)));          \
    }                                                                                                \
  };                                                                                                 \
  absl::Status NAME(KernelContext& context) { return ComputeBinary<TYPES, NAME##Functor>(context); } \
  CRYOGRAPH_KERNEL_FUNCTION(NAME, #NAME)

BINARY_KERNEL(Igamma, FloatTypes, igamma);
BINARY_KERNEL(Igammac, FloatTypes, igammac);
BINARY_KERNEL(IgammaGradA, FloatAndDouble, igamma_der_a);
BINARY_KERNEL(RandomGammaGrad, FloatAndDouble, gamma_sample_der_alpha);
BINARY_KERNEL(Zeta, FloatAndDouble, zeta);
#undef BINARY_KERNEL

// The n-th derivative of Digamma: n! zeta(n + 1, x) but for the sign. Where n! is over and zeta below the
// normal numbers, which TensorFlow flushes to 0, there is no product.
template <typename T>
struct PolygammaFunctor {
  T operator()(T n, T x) const {
    const T result = Eigen::numext::polygamma(n, x);
    if (!std::isinf(result) || n == 0) return result;
    const bool is_nothing = std::abs(Eigen::numext::zeta(n + 1, x)) < std::numeric_limits<T>::min();
    return is_nothing ? std::numeric_limits<T>::quiet_NaN() : result;
  }
};
absl::Status Polygamma(KernelContext& context) {
  return ComputeBinary<FloatAndDouble, PolygammaFunctor>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Polygamma, "Polygamma");

// The three operands are of one shape, but any of them may be a scalar.
absl::Status Betainc(KernelContext& context) {
  const Value* operands[] = {&context.input(0), &context.input(1), &context.input(2)};
  const Shape* shape = &operands[0]->shape();
  for (const Value* operand : operands) {
    if (operand->dtype() != operands[0]->dtype()) {
      return absl::InvalidArgumentError("the operands are of different types");
    }
    if (operand->rank() == 0) continue;
    if (shape->empty()) shape = &operand->shape();
    if (operand->shape() != *shape) {
      return absl::InvalidArgumentError(
          absl::StrCat("operands that are not scalars must have one shape, not ", ShapeText(*shape), " and ",
                       ShapeText(operand->shape())));
    }
  }
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0, 1, 2}, 0, Shape(*shape)));
  return DispatchType<FloatAndDouble>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T *a = operands[0]->data<T>(), *b = operands[1]->data<T>(), *x = operands[2]->data<T>();
    const int64_t step_a = operands[0]->rank() > 0, step_b = operands[1]->rank() > 0,
                  step_x = operands[2]->rank() > 0;
    T* out = output->mutable_data<T>();
    context.ParallelFor(output->num_elements(), 200, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        out[i] = Eigen::numext::betainc(a[i * step_a], b[i * step_b], x[i * step_x]);
      }
    });
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Betainc, "Betainc");

}  // namespace
}  // namespace cryograph
