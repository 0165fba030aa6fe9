// Decimal digits of floating-point numbers as numpy prints them: the fewest that name the number, or those of
// its exact value rounded half to even.
#ifndef CRYOGRAPH_GRAPH_SHORTEST_DECIMAL_H_
#define CRYOGRAPH_GRAPH_SHORTEST_DECIMAL_H_

#include <cstdint>
#include <string>

namespace cryograph {

enum class FloatKind { kHalf, kSingle, kDouble };

// IEEE binary16 as a double, exactly.
double HalfToDouble(uint16_t bits);

// d.ddd × 10^exponent.
struct Decimal {
  bool negative = false;
  std::string digits;  // At least one, the first is not 0 unless the number is 0.
  int exponent = 0;
};

// The fewest digits that no other number of that kind is nearer to; `value` is finite and of that kind.
Decimal ShortestDecimal(double value, FloatKind kind);

// How a number is written; see dragon4_positional and dragon4_scientific of numpy.
struct DecimalFormat {
  int precision = -1;       // Digits behind the point at most; -1: as many as there are.
  bool unique = true;       // The shortest digits, cut at the precision; else those of the exact value.
  bool sign = false;        // "+" before numbers that are not negative.
  int min_digits = 0;       // Digits behind the point at least: those of the exact value follow the shortest.
  bool trim = true;         // Zeros at the end go, the point stays: "1.". Otherwise they are kept.
  int exponent_digits = 2;  // Of a scientific form at least.
};
std::string Positional(double value, FloatKind kind, const DecimalFormat& format);  // "-12.5"
std::string Scientific(double value, FloatKind kind, const DecimalFormat& format);  // "-1.25e+01"

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SHORTEST_DECIMAL_H_
