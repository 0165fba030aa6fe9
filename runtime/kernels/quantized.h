// What the kernels of quantized tensors share: the limits of the types, and codes to reals and back.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_QUANTIZED_H_
#define CRYOGRAPH_RUNTIME_KERNELS_QUANTIZED_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "graph/dtype.h"
#include "runtime/run_state.h"
#include "runtime/value.h"

namespace cryograph {

// Calls body(T()) with the integer type that holds the codes of `dtype`. False if it is no quantized type.
template <typename Body>
bool DispatchQuantized(DataType dtype, Body&& body) {
  switch (dtype) {
    case DT_QUINT8:
      body(uint8_t());
      return true;
    case DT_QINT8:
      body(int8_t());
      return true;
    case DT_QUINT16:
      body(uint16_t());
      return true;
    case DT_QINT16:
      body(int16_t());
      return true;
    case DT_QINT32:
      body(int32_t());
      return true;
    default:
      return false;
  }
}

inline bool IsQuantized(DataType dtype) {
  return DispatchQuantized(dtype, [](auto) {});
}

template <typename T>
constexpr double LowestCode() {
  return static_cast<double>(std::numeric_limits<T>::lowest());
}
template <typename T>
constexpr double HighestCode() {
  return static_cast<double>(std::numeric_limits<T>::max());
}

// `value` as a T: out of its range, or NaN, the nearest limit.
template <typename T>
T ClampToCode(double value) {
  if (!(value > LowestCode<T>())) return std::numeric_limits<T>::lowest();
  if (value >= HighestCode<T>()) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

// The reals that the lowest and the highest code stand for.
struct QuantizedRange {
  float min = 0, max = 0;

  bool operator==(const QuantizedRange& other) const { return min == other.min && max == other.max; }

  // As many codes as T has, and the reals that they cover: in the arithmetic of TensorFlow, to the last bit,
  // since codes of 32 bits show it.
  template <typename T>
  static constexpr double Steps() {
    return HighestCode<T>() - LowestCode<T>() + 1;
  }
  template <typename T>
  double Span() const {
    return static_cast<double>(max - min) * (Steps<T>() / (Steps<T>() - 1));
  }
  // Reals from one code to the next.
  template <typename T>
  double Step() const {
    return Span<T>() / Steps<T>();
  }

  // The real that `code` stands for: zero is exactly representable, as the minimum is rounded to a multiple
  // of the step.
  template <typename T>
  float Real(T code) const {
    if (min == max) return min;
    const double step = Step<T>();
    const float rounded = static_cast<float>(step);
    return static_cast<float>(std::round(min / rounded) * rounded + (code - LowestCode<T>()) * step);
  }

  // The code of a real, which may be none of T's.
  template <typename T>
  double UnclampedCode(float real) const {
    if (min == max) return LowestCode<T>();
    const double scale = Steps<T>() / Span<T>();
    return std::round(real * scale) - std::round(min * scale) + LowestCode<T>();
  }
  template <typename T>
  T Code(float real) const {
    return ClampToCode<T>(UnclampedCode<T>(real));
  }
  // The code of zero, for sums: as 32 bits, since the range need not contain zero.
  template <typename T>
  int32_t ZeroPoint() const {
    return ClampToCode<int32_t>(UnclampedCode<T>(0.0f));
  }
};

// The range that inputs `min` and `max` give; each must be one float, or with `more` the first of several.
inline absl::StatusOr<QuantizedRange> RangeInput(const KernelContext& context, int min, int max,
                                                 bool more = false) {
  for (const int i : {min, max}) {
    const int64_t count = context.input(i).num_elements();
    if (count < 1 || (count > 1 && !more)) {
      return absl::InvalidArgumentError(absl::StrCat("input ", i, ", an end of a range, must be one number"));
    }
  }
  return QuantizedRange{context.input(min).scalar<float>(), context.input(max).scalar<float>()};
}

// Outputs `index` and `index` + 1.
inline absl::Status SetRangeOutput(KernelContext& context, int index, const QuantizedRange& range) {
  RETURN_IF_ERROR(context.SetScalarOutput<float>(index, range.min));
  return context.SetScalarOutput<float>(index + 1, range.max);
}

// The range of products of codes of A and codes of B, as 32-bit codes.
template <typename A, typename B>
QuantizedRange ProductRange(const QuantizedRange& a, const QuantizedRange& b) {
  const float step = static_cast<float>(a.Step<A>()) * static_cast<float>(b.Step<B>());
  return {-2147483648.0f * step, 2147483648.0f * step};
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_QUANTIZED_H_
