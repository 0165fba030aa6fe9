#include "graph/small_float.h"

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

}  // namespace cryograph
