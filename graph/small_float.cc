#include "graph/small_float.h"

#include <algorithm>
#include <cmath>

namespace cryograph {

bool SmallFloatOf(DataType dtype, SmallFloat* form) {
  switch (dtype) {
    case DT_BFLOAT16:
      *form = {8, 7, 127, SmallFloat::kIeee};
      return true;
    case DT_FLOAT8_E5M2:
      *form = {5, 2, 15, SmallFloat::kIeee};
      return true;
    case DT_FLOAT8_E4M3FN:
      *form = {4, 3, 7, SmallFloat::kOnlyNan};
      return true;
    case DT_FLOAT8_E4M3FNUZ:
      *form = {4, 3, 8, SmallFloat::kNanIsMinusZero};
      return true;
    case DT_FLOAT8_E4M3B11FNUZ:
      *form = {4, 3, 11, SmallFloat::kNanIsMinusZero};
      return true;
    case DT_FLOAT8_E5M2FNUZ:
      *form = {5, 2, 16, SmallFloat::kNanIsMinusZero};
      return true;
    case DT_FLOAT4_E2M1FN:
      *form = {2, 1, 1, SmallFloat::kFinite};
      return true;
    default:
      return false;
  }
}

double SmallFloatToDouble(uint32_t bits, const SmallFloat& form) {
  const int width = 1 + form.exponent_bits + form.fraction_bits;
  const uint32_t fraction_mask = (1u << form.fraction_bits) - 1,
                 exponent_mask = (1u << form.exponent_bits) - 1;
  const uint32_t fraction = bits & fraction_mask, exponent = bits >> form.fraction_bits & exponent_mask;
  const bool negative = (bits >> (width - 1) & 1) != 0;
  if (form.special == SmallFloat::kNanIsMinusZero && negative && fraction == 0 && exponent == 0)
    return std::nan("");
  if (form.special == SmallFloat::kIeee && exponent == exponent_mask)
    return fraction != 0 ? std::nan("") : negative ? -HUGE_VAL : HUGE_VAL;
  if (form.special == SmallFloat::kOnlyNan && exponent == exponent_mask && fraction == fraction_mask)
    return std::nan("");
  const double size = exponent == 0 ? std::ldexp(fraction, 1 - form.bias - form.fraction_bits)
                                    : std::ldexp(fraction + (1u << form.fraction_bits),
                                                 static_cast<int>(exponent) - form.bias - form.fraction_bits);
  return negative ? -size : size;
}

uint32_t SmallFloatFromDouble(double value, const SmallFloat& form) {
  const int size_bits = form.exponent_bits + form.fraction_bits;
  const uint32_t sign = std::signbit(value) ? 1u << size_bits : 0;
  const uint32_t infinity = (1u << size_bits) - (1u << form.fraction_bits);
  // The largest number, and what stands for larger ones.
  uint32_t largest = (1u << size_bits) - 1, beyond = sign | largest, nan = beyond;
  if (form.special == SmallFloat::kIeee) {
    largest = infinity - 1;
    beyond = sign | infinity;
    nan = beyond | 1u << (form.fraction_bits - 1);
  } else if (form.special == SmallFloat::kOnlyNan) {
    --largest;
  } else if (form.special == SmallFloat::kNanIsMinusZero) {
    beyond = nan = 1u << size_bits;
  }
  if (std::isnan(value)) return nan;
  const double size = std::fabs(value);
  if (std::isinf(size)) return beyond;
  if (size == 0) return form.special == SmallFloat::kNanIsMinusZero ? 0 : sign;
  // The distance of two numbers around `size` is 2^step.
  int exponent = 0;
  std::frexp(size, &exponent);
  const int least = 1 - form.bias - form.fraction_bits;
  const int step = std::max(exponent - 1 - form.fraction_bits, least);
  const double units = std::nearbyint(std::ldexp(size, -step));
  // Numbers are their bits in order: a fraction that rounds up to 2 is the next exponent's 1.
  const uint64_t bits =
      static_cast<uint64_t>(units) + (static_cast<uint64_t>(step - least) << form.fraction_bits);
  if (bits > largest) return beyond;
  const bool no_minus_zero = form.special == SmallFloat::kNanIsMinusZero && bits == 0;
  return static_cast<uint32_t>(bits) | (no_minus_zero ? 0 : sign);
}

}  // namespace cryograph
