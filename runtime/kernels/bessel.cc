// The Bessel functions of orders 0 and 1: BesselI0, I0e, I1, I1e, J0, J1, K0, K0e, K1, K1e, Y0, Y1. An e
// marks those scaled by e^-|x| (I) or e^x (K).
#include <unsupported/Eigen/SpecialFunctions>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

#define BESSEL_KERNEL(NAME, FUNCTION)                                                                    \
  template <typename T>                                                                                  \
  struct NAME##Functor {                                                                                 \
    T operator()(T x) const {                                                                            \
      return static_cast<T>(Eigen::numext::FUNCTION(static_cast<Arithmetic<T>>(x)));                     \
    }                                                                                                    \
  };                                                                                                     \
  absl::Status NAME(KernelContext& context) { return ComputeUnary<FloatTypes, NAME##Functor>(context); } \
  CRYOGRAPH_KERNEL_FUNCTION(NAME, #NAME)

BESSEL_KERNEL(BesselI0, bessel_i0);
BESSEL_KERNEL(BesselI0e, bessel_i0e);
BESSEL_KERNEL(BesselI1, bessel_i1);
BESSEL_KERNEL(BesselI1e, bessel_i1e);
BESSEL_KERNEL(BesselJ0, bessel_j0);
BESSEL_KERNEL(BesselJ1, bessel_j1);
BESSEL_KERNEL(BesselK0, bessel_k0);
BESSEL_KERNEL(BesselK0e, bessel_k0e);
BESSEL_KERNEL(BesselK1, bessel_k1);
BESSEL_KERNEL(BesselK1e, bessel_k1e);
BESSEL_KERNEL(BesselY0, bessel_y0);
BESSEL_KERNEL(BesselY1, bessel_y1);

#undef BESSEL_KERNEL

}  // namespace
}  // namespace cryograph
