// Complex, Real, Imag, Conj, Angle, ComplexAbs.
#include <cmath>
#include <complex>
#include <type_traits>

#include "runtime/kernels/binary.h"
#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

using FloatAndDouble = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

absl::Status Complex(KernelContext& context) {
  ASSIGN_OR_RETURN(const Broadcast broadcast, BroadcastInputs(context));
  return DispatchType<FloatAndDouble>(context.input(0).dtype(), [&](auto tag) {
    using F = TypeOf<decltype(tag)>;
    const DataType wanted = context.node().output_type(0);
    if (wanted != (std::is_same_v<F, float> ? DT_COMPLEX64 : DT_COMPLEX128))
      return context.node().UnsupportedType(wanted);
    return BinaryLoop<F, std::complex<F>>(context, broadcast,
                                          [](F real, F imag) { return std::complex<F>(real, imag); });
  });
}
CRYOGRAPH_KERNEL_FUNCTION(Complex, "Complex");

// A real number for each complex one. A real input is its own real part.
template <typename Function>
absl::Status ToReal(KernelContext& context, Function function) {
  return DispatchType<ComplexTypes>(context.input(0).dtype(), [&](auto tag) {
    using C = TypeOf<decltype(tag)>;
    using F = typename C::value_type;
    constexpr DataType kPart = std::is_same_v<F, float> ? DT_FLOAT : DT_DOUBLE;
    const DataType wanted = context.node().output_type(0);
    if (wanted != kPart) return context.node().UnsupportedType(wanted);
    return UnaryLoop<C, F>(context, 2, function);
  });
}

absl::Status Real(KernelContext& context) {
  return ToReal(context, [](auto x) { return x.real(); });
}
CRYOGRAPH_KERNEL_FUNCTION(Real, "Real");

absl::Status Imag(KernelContext& context) {
  return ToReal(context, [](auto x) { return x.imag(); });
}
CRYOGRAPH_KERNEL_FUNCTION(Imag, "Imag");

absl::Status Angle(KernelContext& context) {
  return ToReal(context, [](auto x) { return std::arg(x); });
}
CRYOGRAPH_KERNEL_FUNCTION(Angle, "Angle");

absl::Status ComplexAbs(KernelContext& context) {
  return ToReal(context, [](auto x) { return std::abs(x); });
}
CRYOGRAPH_KERNEL_FUNCTION(ComplexAbs, "ComplexAbs");

template <typename C>
struct Conjugate {
  C operator()(C x) const { return std::conj(x); }
};
absl::Status Conj(KernelContext& context) { return ComputeUnary<ComplexTypes, Conjugate>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Conj, "Conj");

}  // namespace
}  // namespace cryograph
