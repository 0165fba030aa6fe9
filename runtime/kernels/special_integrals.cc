// Functions that integrals define: Dawsn, Expint, FresnelCos, FresnelSin, Spence. All of them compute in
// double and round once; the formulas are those of Abramowitz and Stegun (Handbook of Mathematical Functions,
// 1964) where no other source is named.
#include <cmath>
#include <complex>
#include <limits>

#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// e^(-x^2) times the integral of e^(t^2) from 0 to x.
double Dawson(double x) {
  const double size = std::abs(x);
  if (!(size < kInfinity)) return x != x ? x : std::copysign(0.0, x);
  if (size < 0.5) {
    // x sum (-2 x^2)^k / (2k + 1)!!
    double term = x, sum = x;
    for (int k = 1; std::abs(term) > kEpsilon * std::abs(sum); ++k) {
      term *= -2 * x * x / (2 * k + 1);
      sum += term;
    }
    return sum;
  }
  if (size > 10) {
    // 1/(2x) sum (2k - 1)!! / (2 x^2)^k, an asymptotic series.
    const double step = 1 / (2 * x * x);
    double term = 1, sum = 1;
    for (int k = 1; term > kEpsilon && k < 50; ++k) {
      term *= (2 * k - 1) * step;
      sum += term;
    }
    return sum / (2 * x);
  }
  // Rybicki, Dawson's Integral and the Sampling Theorem (1989): sums of e^(-(x - n h)^2) / n over odd n,
  // whose error is of the order of e^(-(pi / 2h)^2).
  constexpr double h = 0.2;
  constexpr int kReach = 33;
  const int middle = 2 * static_cast<int>(std::lround(size / (2 * h)));
  double sum = 0;
  for (int n = middle - kReach; n <= middle + kReach; n += 2) {
    const double distance = size - n * h;
    sum += std::exp(-distance * distance) / n;
  }
  return std::copysign(sum / std::sqrt(M_PI), x);
}

// Ei(x), the principal value of the integral of e^t / t from -infinity to x; TensorFlow has it for finite x
// from 0 on.
double ExponentialIntegral(double x) {
  if (!(x >= 0) || x == kInfinity) return kNaN;
  if (x == 0) return -kInfinity;
  if (x < 40) {
    constexpr double kEuler = 0.57721566490153286061;
    double power = 1, sum = 0;
    for (int k = 1; k < 500; ++k) {
      power *= x / k;
      sum += power / k;
      if (std::abs(power / k) <= kEpsilon * std::abs(sum)) break;
    }
    return kEuler + std::log(x) + sum;
  }
  // e^x / x sum k! / x^k, an asymptotic series.
  double term = 1, sum = 1;
  for (int k = 1; k < x; ++k) {
    term *= k / x;
    sum += term;
    if (term <= kEpsilon * sum) break;
  }
  return std::exp(x) / x * sum;
}

// The integrals of cos(pi t^2 / 2) (real part) and sin(pi t^2 / 2) (imaginary part) from 0 to x.
std::complex<double> Fresnel(double x) {
  const double size = std::abs(x);
  if (x != x) return {x, x};
  std::complex<double> result;
  if (size > 1e8) {
    result = {0.5, 0.5};
  } else if (size < 1.5) {
    // sum over k of (i pi x^2 / 2)^k x / (k! (2k + 1)).
    const double square = M_PI / 2 * size * size;
    double term = size;
    for (int k = 0; k < 100; ++k) {
      const double part = term / (2 * k + 1);
      switch (k % 4) {
        case 0:
          result += part;
          break;
        case 1:
          result += std::complex<double>(0, part);
          break;
        case 2:
          result -= part;
          break;
        default:
          result -= std::complex<double>(0, part);
          break;
      }
      term *= square / (k + 1);
      if (term < 1e-30) break;
    }
  } else {
    // (1 + i)/2 (1 - erfc(z)) with z = (1 - i) sqrt(pi) x / 2; erfc as a continued fraction in 2 z^2, by
    // Lentz's method.
    const double square = M_PI * size * size;
    std::complex<double> b(1, -square), c = 1 / std::numeric_limits<double>::min(), d = 1.0 / b, fraction = d;
    for (int k = 1; k < 200; ++k) {
      const double a = -(2.0 * k - 1) * (2.0 * k);
      b += 4.0;
      d = 1.0 / (a * d + b);
      c = b + a / c;
      const std::complex<double> factor = c * d;
      fraction *= factor;
      if (std::abs(factor.real() - 1) + std::abs(factor.imag()) <= kEpsilon) break;
    }
    fraction *= std::complex<double>(size, -size);
    const std::complex<double> turn(std::cos(square / 2), std::sin(square / 2));
    result = std::complex<double>(0.5, 0.5) * (1.0 - turn * fraction);
  }
  return x < 0 ? -result : result;
}

// Li2(1 - x), the dilogarithm.
double Dilogarithm(double x) {
  if (!(x >= 0)) return kNaN;
  if (x == 0) return M_PI * M_PI / 6;
  if (x == kInfinity) return kNaN;
  const double log = std::log(x);
  if (x > 2) return -Dilogarithm(1 / x) - log * log / 2;
  if (x < 0.5) return M_PI * M_PI / 6 - log * std::log1p(-x) - Dilogarithm(1 - x);
  // sum over n of B(n) u^(n+1) / (n+1)! with u = -ln x and the Bernoulli numbers B(n): |u| < 0.7 is far
  // inside of its radius of convergence, 2 pi.
  constexpr double kBernoulli[] = {1. / 6,       -1. / 30, 1. / 42,      -1. / 30,     5. / 66,
                                   -691. / 2730, 7. / 6,   -3617. / 510, 43867. / 798, -174611. / 330};
  const double u = -log;
  double power = u, sum = u - u * u / 4;
  int order = 1;
  for (const double bernoulli : kBernoulli) {
    power *= u * u / ((order + 1) * (order + 2));
    sum += bernoulli * power;
    order += 2;
  }
  return sum;
}

#define INTEGRAL_KERNEL(NAME, EXPRESSION)                                                                \
  template <typename T>                                                                                  \
  struct NAME##Functor {                                                                                 \
    T operator()(T value) const {                                                                        \
      const double x = static_cast<double>(static_cast<Arithmetic<T>>(value));                           \
      return static_cast<T>(static_cast<Arithmetic<T>>(EXPRESSION));                                     \
    }                                                                                                    \
  };                                                                                                     \
  absl::Status NAME(KernelContext& context) { return ComputeUnary<FloatTypes, NAME##Functor>(context); } \
  CRYOGRAPH_KERNEL_FUNCTION(NAME, #NAME)

// Infinite from where e^x is in the type that is computed in, T.
template <typename T>
double ExponentialIntegralIn(double x) {
  const bool is_over = x > std::log(static_cast<double>(std::numeric_limits<T>::max())) && x < kInfinity;
  return is_over ? kInfinity : ExponentialIntegral(x);
}

INTEGRAL_KERNEL(Dawsn, Dawson(x));
INTEGRAL_KERNEL(Expint, ExponentialIntegralIn<Arithmetic<T>>(x));
INTEGRAL_KERNEL(FresnelCos, Fresnel(x).real());
INTEGRAL_KERNEL(FresnelSin, Fresnel(x).imag());
INTEGRAL_KERNEL(Spence, Dilogarithm(x));

#undef INTEGRAL_KERNEL

}  // namespace
}  // namespace cryograph
