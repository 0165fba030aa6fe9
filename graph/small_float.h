// Floating-point types of 16 bits and less that are no IEEE type: bfloat16, float8, float4.
#ifndef CRYOGRAPH_GRAPH_SMALL_FLOAT_H_
#define CRYOGRAPH_GRAPH_SMALL_FLOAT_H_

#include <cstdint>

#include "graph/dtype.h"

namespace cryograph {

// How the bits are divided, and what is special. Formats: the OCP 8-bit floating point specification, and
// ml_dtypes for the others.
struct SmallFloat {
  int exponent_bits = 0, fraction_bits = 0, bias = 0;
  enum Special {
    kIeee,            // The largest exponent is infinity and NaN.
    kOnlyNan,         // All bits 1 is NaN, and nothing is infinite.
    kNanIsMinusZero,  // -0 is NaN, and nothing is infinite.
    kFinite,
  };
  Special special = kIeee;
};

// False if `dtype` is none of them.
bool SmallFloatOf(DataType dtype, SmallFloat* form);

// The number that the low bits of `bits` are.
double SmallFloatToDouble(uint32_t bits, const SmallFloat& form);

// The bits of the nearest number, of the even one of two. What is too large is infinite, or NaN where nothing
// is.
uint32_t SmallFloatFromDouble(double value, const SmallFloat& form);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SMALL_FLOAT_H_
