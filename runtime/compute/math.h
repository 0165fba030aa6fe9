// Elementary functions of vectors of float, for the sources that are compiled once for each instruction set.
// Errors are a few units in the last place; what is subnormal may come out as zero.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_MATH_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_MATH_H_

#include <cstdint>

#include "runtime/compute/vec.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {

using F = Vec<float>;
using I = Vec<int32_t>;

[[gnu::always_inline]] inline F AbsOf(F x) { return (F)((I)x & 0x7fffffff); }

// 2^(n / 2) for n in the float-to-int trick below would overflow at the ends, so the power is put together
// from two halves.
[[gnu::always_inline]] inline F TimesPowerOfTwo(F x, I n) {
  const I half = n >> 1;
  return x * (F)((half + 127) << 23) * (F)((n - half + 127) << 23);
}

// e^x = 2^n e^r with |r| <= ln 2 / 2 and a polynomial for e^r: its Taylor series to r^7, which is off by
// 2e-9.
[[gnu::always_inline]] inline F ExpOf(F x) {
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits.
  F bounded = Max(Splat(-104.0f), Min(Splat(89.0f), x));  // NaN passes: it is the second operand of both.
  const F shifted = bounded * 1.44269504f + kMagic;
  const I n = (I)shifted - (I)Splat(kMagic);
  const F whole = shifted - kMagic;
  const F r = (bounded - whole * 0.693359375f) + whole * 2.12194440e-4f;  // ln 2 in two parts.
  F p = Splat(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r * r + r;
  return TimesPowerOfTwo(p + 1.0f, n);
}

// 1 - 2 / (e^2|x| + 1) with the sign of x, but near zero, where that cancels, x + x^3 P(x^2); P was fitted
// for the least relative error of the whole on |x| < 0.625, which is 4e-9.
[[gnu::always_inline]] inline F TanhOf(F x) {
  const F size = AbsOf(x);
  const F far = 1.0f - 2.0f / (ExpOf(size + size) + 1.0f);
  const F s = x * x;
  F p = Splat(-5.71703656e-3f);
  p = p * s + 2.06505790e-2f;
  p = p * s + -5.37434953e-2f;
  p = p * s + 1.33314912e-1f;
  p = p * s + -3.33332839e-1f;
  const F near = p * s * x + x;
  const F signed_far = (F)((I)far | ((I)x & INT32_MIN));
  return size < 0.625f ? near : signed_far;
}

// x P(x^2) for |x| < 1, off by 1e-9 of the value; beyond, 1 - e^(-x^2) Q(1 / (1 + |x| / 2)) with the sign of
// x, off by 3e-11. P and Q were fitted for the least error. NaN goes through the first.
[[gnu::always_inline]] inline F ErfOf(F x) {
  const F size = AbsOf(x), s = x * x;
  F p = Splat(7.85385721e-5f);
  p = p * s + -8.01019237e-4f;
  p = p * s + 5.18832754e-3f;
  p = p * s + -2.68538119e-2f;
  p = p * s + 1.12835851e-1f;
  p = p * s + -3.76126258e-1f;
  p = p * s + 1.12837917f;
  const F t = 1.0f / (1.0f + 0.5f * size);
  F q = Splat(6.65235234e-3f);
  q = q * t + -2.54086422e-1f;
  q = q * t + 6.70546023e-1f;
  q = q * t + -9.06559010e-2f;
  q = q * t + 4.08166100e-1f;
  q = q * t + 2.57079256e-1f;
  q = q * t + 2.07364301e-3f;
  const F far = 1.0f - ExpOf(-s) * q;
  const F signed_far = (F)((I)far | ((I)x & INT32_MIN));
  return size >= 1.0f ? signed_far : p * x;
}

[[gnu::always_inline]] inline F SigmoidOf(F x) { return 1.0f / (1.0f + ExpOf(-x)); }

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_MATH_H_
