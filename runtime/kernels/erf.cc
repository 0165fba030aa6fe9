// Erf, Erfc, Lgamma, Erfinv, Ndtri.
#include <cmath>
#include <limits>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

template <typename T>
struct ErrorFunction {
  T operator()(T x) const { return static_cast<T>(std::erf(static_cast<Arithmetic<T>>(x))); }
};
template <typename T>
struct ComplementaryErrorFunction {
  T operator()(T x) const { return static_cast<T>(std::erfc(static_cast<Arithmetic<T>>(x))); }
};
template <typename T>
struct LogarithmOfGamma {
  T operator()(T x) const {
    // Not std::lgamma, which writes the sign to a global variable.
    int sign;
    return static_cast<T>(
        static_cast<Arithmetic<T>>(lgamma_r(static_cast<double>(static_cast<Arithmetic<T>>(x)), &sign)));
  }
};

// The normal distribution's quantile: Acklam's rational approximation (2003), then Halley's step, which
// squares its relative error of 1e-9.
double Quantile(double p) {
  if (p <= 0)
    return p == 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  if (p >= 1)
    return p == 1 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  if (p != p) return p;
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  const auto tail = [&](double q) {
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  };
  double x;
  if (p < 0.02425) {
    x = tail(std::sqrt(-2 * std::log(p)));
  } else if (p > 1 - 0.02425) {
    x = -tail(std::sqrt(-2 * std::log1p(-p)));
  } else {
    const double q = p - 0.5, r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  constexpr double kRootOfTwoPi = 2.5066282746310002;
  const double error =
      (p < 0.5 ? 0.5 * std::erfc(-x / std::sqrt(2.0)) - p : (1 - p) - 0.5 * std::erfc(x / std::sqrt(2.0)));
  const double step = error * kRootOfTwoPi * std::exp(x * x / 2);
  return x - step / (1 + x * step / 2);
}

template <typename T>
struct NormalQuantile {
  T operator()(T x) const {
    return static_cast<T>(
        static_cast<Arithmetic<T>>(Quantile(static_cast<double>(static_cast<Arithmetic<T>>(x)))));
  }
};
template <typename T>
struct InverseErrorFunction {
  T operator()(T value) const {
    const double x = static_cast<double>(static_cast<Arithmetic<T>>(value));
    return static_cast<T>(static_cast<Arithmetic<T>>(Quantile((x + 1) / 2) / std::sqrt(2.0)));
  }
};

absl::Status Erf(KernelContext& context) { return ComputeUnary<FloatTypes, ErrorFunction>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Erf, "Erf");

absl::Status Erfc(KernelContext& context) {
  return ComputeUnary<FloatTypes, ComplementaryErrorFunction>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Erfc, "Erfc");

absl::Status Lgamma(KernelContext& context) { return ComputeUnary<FloatTypes, LogarithmOfGamma>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Lgamma, "Lgamma");

absl::Status Ndtri(KernelContext& context) { return ComputeUnary<FloatTypes, NormalQuantile>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Ndtri, "Ndtri");

absl::Status Erfinv(KernelContext& context) {
  return ComputeUnary<FloatTypes, InverseErrorFunction>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Erfinv, "Erfinv");

}  // namespace
}  // namespace cryograph
