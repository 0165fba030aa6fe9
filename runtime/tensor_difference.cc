#include "runtime/tensor_difference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace cryograph {
namespace {

template <typename T>
T Load(absl::string_view bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

float HalfToFloat(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 31u, mantissa = bits & 1023u;
  float magnitude;
  if (exponent == 31) {
    magnitude =
        mantissa != 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(mantissa + 1024), static_cast<int>(exponent) - 25);
  }
  return sign != 0 ? -magnitude : magnitude;
}

float Bfloat16ToFloat(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

// Bits of a floating-point number as an integer that grows with the number: neighbours differ by one.
template <typename Bits>
int64_t Ordered(Bits bits) {
  constexpr Bits sign = static_cast<Bits>(Bits{1} << (sizeof(Bits) * 8 - 1));
  const auto magnitude = static_cast<int64_t>(bits & static_cast<Bits>(~sign));
  return (bits & sign) != 0 ? -magnitude : magnitude;
}

int64_t Distance(int64_t a, int64_t b) {
  const uint64_t distance = a > b ? static_cast<uint64_t>(a) - static_cast<uint64_t>(b)
                                  : static_cast<uint64_t>(b) - static_cast<uint64_t>(a);
  return static_cast<int64_t>(std::min<uint64_t>(distance, std::numeric_limits<int64_t>::max()));
}

std::vector<int64_t> PlaceOf(int64_t index, const std::vector<int64_t>& dims) {
  std::vector<int64_t> place(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    place[i] = index % dims[i];
    index /= dims[i];
  }
  return place;
}

// Gathers what the elements, visited in order, say.
class Comparison {
 public:
  Comparison(const Tolerance& tolerance, TensorDifference* result)
      : tolerance_(tolerance), result_(*result) {}

  // `ulps` is -1 where steps mean nothing; `same_bits` decides if the tolerance is exact.
  void Element(int64_t index, double before, double after, int64_t ulps, bool same_bits) {
    if (std::isfinite(before) && std::isfinite(after)) {
      const double error = std::abs(after - before);
      const double relative = error == 0 ? 0 : error / std::abs(before);
      dot_ += before * after;
      before_norm_ += before * before;
      after_norm_ += after * after;
      result_.max_absolute = std::max(result_.max_absolute, error);
      if (std::isfinite(relative)) result_.max_relative = std::max(result_.max_relative, relative);
      if (ulps > 0) result_.max_ulps = std::max(result_.max_ulps, ulps);
      const bool inside = tolerance_.exact() ? same_bits
                                             : error <= tolerance_.absolute ||
                                                   error <= tolerance_.relative * std::abs(before) ||
                                                   (ulps >= 0 && ulps <= tolerance_.ulps);
      if (!inside) ++result_.outside;
      if (!worst_is_final_ && (worst_ < 0 ? error > 0 || !inside : error > worst_error_)) {
        worst_ = index;
        worst_error_ = error;
      }
      return;
    }
    const bool both_nan = std::isnan(before) && std::isnan(after);
    if (both_nan || before == after) return;
    ++result_.outside;
    if (!worst_is_final_) worst_ = index;
    worst_is_final_ = true;
  }

  int64_t worst() const { return worst_; }

  void SetCosine() {
    if (before_norm_ > 0 && after_norm_ > 0) {
      result_.cosine = std::min(1.0, dot_ / (std::sqrt(before_norm_) * std::sqrt(after_norm_)));
    } else {
      result_.cosine = before_norm_ == after_norm_ ? 1 : 0;
    }
  }

 private:
  const Tolerance& tolerance_;
  TensorDifference& result_;
  int64_t worst_ = -1;
  bool worst_is_final_ = false;
  double worst_error_ = 0;
  double dot_ = 0, before_norm_ = 0, after_norm_ = 0;
};

// `Bits` are how an element lies in memory, `value` makes a number of them.
template <typename Bits, typename Value>
void CompareFloats(const Tensor& before, const Tensor& after, int64_t count, Comparison* comparison,
                   Value value) {
  for (int64_t i = 0; i < count; ++i) {
    const Bits a = Load<Bits>(before.bytes, i), b = Load<Bits>(after.bytes, i);
    comparison->Element(i, value(a), value(b), Distance(Ordered(a), Ordered(b)), a == b);
  }
}

template <typename T>
void CompareIntegers(const Tensor& before, const Tensor& after, int64_t count, Comparison* comparison) {
  for (int64_t i = 0; i < count; ++i) {
    const T a = Load<T>(before.bytes, i), b = Load<T>(after.bytes, i);
    comparison->Element(i, static_cast<double>(a), static_cast<double>(b), a == b ? 0 : -1, a == b);
  }
}

template <typename Float, typename Bits>
Float FromBits(Bits bits) {
  Float value;
  static_assert(sizeof(value) == sizeof(bits));
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

std::string FloatText(double value, int digits) { return absl::StrFormat("%.*g", digits, value); }

// Element `index` of a tensor, as a person reads it.
std::string ElementText(const Tensor& tensor, int64_t index) {
  switch (tensor.dtype) {
    case DT_FLOAT:
      return FloatText(Load<float>(tensor.bytes, index), 9);
    case DT_DOUBLE:
      return FloatText(Load<double>(tensor.bytes, index), 17);
    case DT_HALF:
      return FloatText(HalfToFloat(Load<uint16_t>(tensor.bytes, index)), 5);
    case DT_BFLOAT16:
      return FloatText(Bfloat16ToFloat(Load<uint16_t>(tensor.bytes, index)), 4);
    case DT_COMPLEX64:
      return absl::StrCat("(", FloatText(Load<float>(tensor.bytes, 2 * index), 9), ",",
                          FloatText(Load<float>(tensor.bytes, 2 * index + 1), 9), ")");
    case DT_COMPLEX128:
      return absl::StrCat("(", FloatText(Load<double>(tensor.bytes, 2 * index), 17), ",",
                          FloatText(Load<double>(tensor.bytes, 2 * index + 1), 17), ")");
    case DT_BOOL:
      return Load<uint8_t>(tensor.bytes, index) != 0 ? "true" : "false";
    case DT_STRING: {
      const absl::string_view text = tensor.strings[static_cast<size_t>(index)];
      return absl::StrCat("'", absl::CHexEscape(text.substr(0, 40)), text.size() > 40 ? "…'" : "'");
    }
    case DT_INT64:
      return absl::StrCat(Load<int64_t>(tensor.bytes, index));
    case DT_UINT64:
      return absl::StrCat(Load<uint64_t>(tensor.bytes, index));
    case DT_INT32:
    case DT_QINT32:
      return absl::StrCat(Load<int32_t>(tensor.bytes, index));
    case DT_UINT32:
      return absl::StrCat(Load<uint32_t>(tensor.bytes, index));
    case DT_INT16:
    case DT_QINT16:
      return absl::StrCat(Load<int16_t>(tensor.bytes, index));
    case DT_UINT16:
    case DT_QUINT16:
      return absl::StrCat(Load<uint16_t>(tensor.bytes, index));
    case DT_UINT8:
    case DT_QUINT8:
    case DT_UINT4:
    case DT_UINT2:
      return absl::StrCat(Load<uint8_t>(tensor.bytes, index));
    default:
      return absl::StrCat(static_cast<int>(Load<int8_t>(tensor.bytes, index)));
  }
}

std::string TypeAndShape(const Tensor& tensor) {
  return absl::StrCat(DataTypeName(tensor.dtype), ShapeText(tensor.dims));
}

absl::Status CompareElements(const Tensor& before, const Tensor& after, int64_t count,
                             Comparison* comparison) {
  switch (before.dtype) {
    case DT_FLOAT:
      CompareFloats<uint32_t>(before, after, count, comparison, FromBits<float, uint32_t>);
      return absl::OkStatus();
    case DT_DOUBLE:
      CompareFloats<uint64_t>(before, after, count, comparison, FromBits<double, uint64_t>);
      return absl::OkStatus();
    case DT_HALF:
      CompareFloats<uint16_t>(before, after, count, comparison, HalfToFloat);
      return absl::OkStatus();
    case DT_BFLOAT16:
      CompareFloats<uint16_t>(before, after, count, comparison, Bfloat16ToFloat);
      return absl::OkStatus();
    case DT_COMPLEX64:
      CompareFloats<uint32_t>(before, after, 2 * count, comparison, FromBits<float, uint32_t>);
      return absl::OkStatus();
    case DT_COMPLEX128:
      CompareFloats<uint64_t>(before, after, 2 * count, comparison, FromBits<double, uint64_t>);
      return absl::OkStatus();
    case DT_INT64:
      CompareIntegers<int64_t>(before, after, count, comparison);
      return absl::OkStatus();
    case DT_UINT64:
      CompareIntegers<uint64_t>(before, after, count, comparison);
      return absl::OkStatus();
    case DT_INT32:
    case DT_QINT32:
      CompareIntegers<int32_t>(before, after, count, comparison);
      return absl::OkStatus();
    case DT_UINT32:
      CompareIntegers<uint32_t>(before, after, count, comparison);
      return absl::OkStatus();
    case DT_INT16:
    case DT_QINT16:
      CompareIntegers<int16_t>(before, after, count, comparison);
      return absl::OkStatus();
    case DT_UINT16:
    case DT_QUINT16:
      CompareIntegers<uint16_t>(before, after, count, comparison);
      return absl::OkStatus();
    case DT_INT8:
    case DT_QINT8:
    case DT_INT4:
    case DT_INT2:
      CompareIntegers<int8_t>(before, after, count, comparison);
      return absl::OkStatus();
    case DT_UINT8:
    case DT_QUINT8:
    case DT_UINT4:
    case DT_UINT2:
      CompareIntegers<uint8_t>(before, after, count, comparison);
      return absl::OkStatus();
    default:
      return absl::UnimplementedError(
          absl::StrCat("values of type ", DataTypeName(before.dtype), " cannot be compared"));
  }
}

// Values that are equal or not, and nothing between.
template <typename Equal>
int64_t CountUnequal(int64_t count, int64_t* worst, Equal equal) {
  int64_t unequal = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (equal(static_cast<size_t>(i))) continue;
    if (unequal++ == 0) *worst = i;
  }
  return unequal;
}

}  // namespace

std::string ToleranceText(const Tolerance& tolerance) {
  if (tolerance.exact()) return "exact";
  std::string text;
  const auto append = [&text](absl::string_view more) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", more);
  };
  if (tolerance.absolute != 0) append(absl::StrFormat("atol %g", tolerance.absolute));
  if (tolerance.relative != 0) append(absl::StrFormat("rtol %g", tolerance.relative));
  if (tolerance.ulps != 0) append(absl::StrCat(tolerance.ulps, " ulp"));
  return text;
}

absl::StatusOr<TensorDifference> CompareTensors(const Tensor& before, const Tensor& after,
                                                const Tolerance& tolerance) {
  TensorDifference result;
  if (before.dtype != after.dtype || before.dims != after.dims) {
    result.mismatch = absl::StrCat(TypeAndShape(before), " became ", TypeAndShape(after));
    return result;
  }
  result.elements = before.num_elements();
  int64_t worst = -1;
  result.is_numeric = before.dtype != DT_STRING && before.dtype != DT_BOOL;
  if (before.dtype == DT_STRING) {
    result.outside = CountUnequal(result.elements, &worst,
                                  [&](size_t i) { return before.strings[i] == after.strings[i]; });
  } else if (before.dtype == DT_BOOL) {
    result.outside = CountUnequal(result.elements, &worst,
                                  [&](size_t i) { return (before.bytes[i] != 0) == (after.bytes[i] != 0); });
  } else {
    Comparison comparison(tolerance, &result);
    if (const absl::Status status = CompareElements(before, after, result.elements, &comparison);
        !status.ok()) {
      return status;
    }
    comparison.SetCosine();
    worst = comparison.worst();
    const bool by_part = before.dtype == DT_COMPLEX64 || before.dtype == DT_COMPLEX128;
    if (by_part && worst >= 0) worst /= 2;
  }
  if (worst >= 0) {
    result.worst = PlaceOf(worst, before.dims);
    result.before_text = ElementText(before, worst);
    result.after_text = ElementText(after, worst);
  }
  return result;
}

std::string DifferenceText(const TensorDifference& difference) {
  if (!difference.mismatch.empty()) return difference.mismatch;
  if (difference.before_text.empty()) return "equal";
  std::string text = difference.outside == 0
                         ? absl::StrCat("within the tolerance")
                         : absl::StrCat(difference.outside, " of ", difference.elements, " elements differ");
  if (!difference.is_numeric) {
    return absl::StrCat(text, "; the first at ", ShapeText(difference.worst), ": ", difference.before_text,
                        " became ", difference.after_text);
  }
  absl::StrAppend(
      &text,
      absl::StrFormat("; largest error %g at %s: ", difference.max_absolute, ShapeText(difference.worst)),
      difference.before_text, " became ", difference.after_text,
      absl::StrFormat(" (relative %.2g, cosine %.9g)", difference.max_relative, difference.cosine));
  return text;
}

}  // namespace cryograph
