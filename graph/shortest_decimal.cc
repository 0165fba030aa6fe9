#include "graph/shortest_decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/string_view.h"

namespace cryograph {
namespace {

// Takes "-1.25e+01" apart.
Decimal ParseScientific(absl::string_view text) {
  Decimal decimal;
  decimal.negative = !text.empty() && text[0] == '-';
  const size_t e = text.find('e');
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') decimal.digits += c;
  }
  decimal.exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  return decimal;
}

// `digits` significant digits of the exact value, half to even.
Decimal ExactDecimal(double value, int digits) {
  char text[1200];
  std::snprintf(text, sizeof(text), "%.*e", digits - 1, value);
  return ParseScientific(text);
}

double ValueOf(const Decimal& decimal) {
  const std::string text =
      decimal.digits + "e" + std::to_string(decimal.exponent + 1 - static_cast<int>(decimal.digits.size()));
  return std::strtod(text.c_str(), nullptr);
}

// The decimal of as many digits that is next above, in size.
Decimal NextAbove(Decimal decimal) {
  size_t i = decimal.digits.size();
  while (i > 0 && decimal.digits[i - 1] == '9') decimal.digits[--i] = '0';
  if (i > 0) {
    ++decimal.digits[i - 1];
  } else {
    decimal.digits.insert(decimal.digits.begin(), '1');
    decimal.digits.pop_back();
    ++decimal.exponent;
  }
  return decimal;
}

// Binary16 has 11 bits, so a double holds every bound of the interval of its neighbours exactly.
Decimal ShortestHalf(double value) {
  const double size = std::fabs(value);
  int exponent;
  const double fraction = std::frexp(size, &exponent);  // [0.5, 1)
  const int lowest = std::max(exponent - 11, -24);      // Power of two of the last bit.
  const double ulp = std::ldexp(1.0, lowest);
  const bool narrow_below = fraction == 0.5 && exponent - 11 > -24;
  const double low = size - ulp / (narrow_below ? 4 : 2), high = size + ulp / 2;
  const bool even = std::fmod(size / ulp, 2) == 0;
  const auto names_it = [&](const Decimal& decimal) {
    const double at = ValueOf(decimal);
    return even ? at >= low && at <= high : at > low && at < high;
  };
  for (int digits = 1; digits < 8; ++digits) {
    Decimal nearest = ExactDecimal(size, digits);
    Decimal above = NextAbove(nearest);
    for (Decimal* candidate : {&nearest, &above}) {
      if (!names_it(*candidate)) continue;
      candidate->negative = std::signbit(value);
      return *candidate;
    }
  }
  return ExactDecimal(value, 17);
}

void DropZeros(std::string* digits, size_t keep) {
  while (digits->size() > keep && digits->back() == '0') digits->pop_back();
}

}  // namespace

double HalfToDouble(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const double fraction = bits & 0x3ff;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 0x1f) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  return exponent == 0 ? sign * std::ldexp(fraction, -24) : sign * std::ldexp(fraction + 1024, exponent - 25);
}

Decimal ShortestDecimal(double value, FloatKind kind) {
  if (kind == FloatKind::kHalf && value != 0) return ShortestHalf(value);
  char text[64];
  const std::to_chars_result end =
      kind == FloatKind::kDouble
          ? std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific)
          : std::to_chars(text, text + sizeof(text), static_cast<float>(value),
                          std::chars_format::scientific);
  return ParseScientific(absl::string_view(text, static_cast<size_t>(end.ptr - text)));
}

std::string Positional(double value, FloatKind kind, const DecimalFormat& format) {
  Decimal decimal = ShortestDecimal(value, kind);
  DropZeros(&decimal.digits, 1);
  std::string whole, fraction;
  const int places = std::max(0, static_cast<int>(decimal.digits.size()) - 1 - decimal.exponent);
  if (!format.unique || (format.precision >= 0 && places > format.precision) || places < format.min_digits) {
    char text[1200];
    std::snprintf(text, sizeof(text), "%.*f", std::max({format.precision, format.min_digits, 0}),
                  std::fabs(value));
    const absl::string_view all(text);
    whole = std::string(all.substr(0, all.find('.')));
    if (all.find('.') != absl::string_view::npos) fraction = std::string(all.substr(all.find('.') + 1));
  } else if (decimal.exponent < 0) {
    whole = "0";
    fraction = std::string(static_cast<size_t>(-decimal.exponent - 1), '0') + decimal.digits;
  } else {
    const size_t before = static_cast<size_t>(decimal.exponent) + 1;
    whole = decimal.digits.substr(0, before);
    whole.resize(before, '0');
    if (decimal.digits.size() > before) fraction = decimal.digits.substr(before);
  }
  if (format.trim) DropZeros(&fraction, 0);
  return (decimal.negative ? "-" : format.sign ? "+" : "") + whole + "." + fraction;
}

std::string Scientific(double value, FloatKind kind, const DecimalFormat& format) {
  Decimal decimal = ShortestDecimal(value, kind);
  DropZeros(&decimal.digits, 1);
  const int places = static_cast<int>(decimal.digits.size()) - 1;
  if (!format.unique || (format.precision >= 0 && places > format.precision) || places < format.min_digits) {
    decimal = ExactDecimal(value, std::max({format.precision, format.min_digits, 0}) + 1);
  }
  std::string fraction = decimal.digits.substr(1);
  if (format.trim) DropZeros(&fraction, 0);
  std::string exponent = std::to_string(std::abs(decimal.exponent));
  const size_t wanted = static_cast<size_t>(format.exponent_digits);
  if (exponent.size() < wanted) exponent.insert(0, wanted - exponent.size(), '0');
  return (decimal.negative ? "-"
          : format.sign    ? "+"
                           : "") +
         decimal.digits.substr(0, 1) + "." + fraction + "e" + (decimal.exponent < 0 ? "-" : "+") + exponent;
}

}  // namespace cryograph
