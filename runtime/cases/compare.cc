// CompareWithFetch: the rules of section 1 of the op semantics, as check_ops.py applies them.
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "runtime/cases/run_case.h"
#include "runtime/float16.h"

namespace cryograph {
namespace {

// A number of any type. Integers are kept apart: a double does not hold all of them.
struct Number {
  bool is_integer = false;
  bool is_unsigned = false;
  int64_t integer = 0;  // The bits of an unsigned one.
  double real = 0, imaginary = 0;
};

Number Real(double value) {
  Number number;
  number.real = value;
  return number;
}
Number Integer(int64_t value) {
  Number number;
  number.is_integer = true;
  number.integer = value;
  number.real = static_cast<double>(value);
  return number;
}

Number Element(const Tensor& tensor, int64_t index) {
  const auto at = [&](auto zero) {
    std::memcpy(&zero, tensor.bytes.data() + index * sizeof(zero), sizeof(zero));
    return zero;
  };
  switch (tensor.dtype) {
    case DT_FLOAT:
      return Real(at(0.0f));
    case DT_DOUBLE:
      return Real(at(0.0));
    case DT_HALF:
      return Real(static_cast<float>(Half::FromBits(at(uint16_t{0}))));
    case DT_BFLOAT16:
      return Real(static_cast<float>(Bfloat16::FromBits(at(uint16_t{0}))));
    case DT_COMPLEX64: {
      const float real = at(std::complex<float>()).real(), imaginary = at(std::complex<float>()).imag();
      Number number = Real(real);
      number.imaginary = imaginary;
      return number;
    }
    case DT_COMPLEX128: {
      const std::complex<double> value = at(std::complex<double>());
      Number number = Real(value.real());
      number.imaginary = value.imag();
      return number;
    }
    case DT_INT32:
    case DT_QINT32:
      return Integer(at(int32_t{0}));
    case DT_INT16:
    case DT_QINT16:
      return Integer(at(int16_t{0}));
    case DT_UINT16:
    case DT_QUINT16:
      return Integer(at(uint16_t{0}));
    case DT_INT8:
    case DT_QINT8:
    case DT_INT4:
    case DT_INT2:
      return Integer(at(int8_t{0}));
    case DT_UINT32:
      return Integer(at(uint32_t{0}));
    case DT_INT64:
      return Integer(at(int64_t{0}));
    case DT_UINT64: {
      Number number = Integer(static_cast<int64_t>(at(uint64_t{0})));
      number.is_unsigned = true;
      number.real = static_cast<double>(at(uint64_t{0}));
      return number;
    }
    default:
      return Integer(at(uint8_t{0}));
  }
}

bool IsComplex(DataType dtype) { return dtype == DT_COMPLEX64 || dtype == DT_COMPLEX128; }
bool IsFloating(DataType dtype) {
  return dtype == DT_FLOAT || dtype == DT_DOUBLE || dtype == DT_HALF || dtype == DT_BFLOAT16 ||
         IsComplex(dtype);
}

// Below it numbers are subnormal, which count as zero.
double Tiny(DataType dtype) {
  if (dtype == DT_HALF) return 6.2e-5;
  if (dtype == DT_DOUBLE || dtype == DT_COMPLEX128) return 2.3e-308;
  return 1.2e-38;
}

bool SameReal(double got, double want) {
  if (std::isnan(want)) return std::isnan(got);
  return got == want && std::signbit(got) == std::signbit(want);
}
bool Same(const Number& got, const Number& want) {
  if (got.is_integer) return got.integer == want.integer;
  return SameReal(got.real, want.real) && SameReal(got.imaginary, want.imaginary);
}

bool CloseReal(double got, double want, double rtol, double atol) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want) || std::isinf(got) || std::isnan(got)) return got == want;
  return std::abs(got - want) <= atol + rtol * std::abs(want);
}
bool Close(const Number& got, const Number& want, double rtol, double atol) {
  if (got.is_integer) {
    if (got.integer == want.integer) return true;
    const long double distance =
        got.is_unsigned ? static_cast<long double>(static_cast<uint64_t>(got.integer)) -
                              static_cast<long double>(static_cast<uint64_t>(want.integer))
                        : static_cast<long double>(got.integer) - static_cast<long double>(want.integer);
    return std::abs(distance) <= atol + rtol * std::abs(want.real);
  }
  const bool finite = std::isfinite(got.real) && std::isfinite(got.imaginary) && std::isfinite(want.real) &&
                      std::isfinite(want.imaginary);
  if (finite && (got.imaginary != 0 || want.imaginary != 0)) {
    return std::hypot(got.real - want.real, got.imaginary - want.imaginary) <=
           atol + rtol * std::hypot(want.real, want.imaginary);
  }
  return CloseReal(got.real, want.real, rtol, atol) && CloseReal(got.imaginary, want.imaginary, rtol, atol);
}

std::string NumberText(const Number& number) {
  if (number.is_unsigned) return absl::StrCat(static_cast<uint64_t>(number.integer));
  if (number.is_integer) return absl::StrCat(number.integer);
  if (number.imaginary != 0) return absl::StrCat("(", number.real, ",", number.imaginary, ")");
  if (number.real == 0 && std::signbit(number.real)) return "-0";
  return absl::StrCat(number.real);
}

std::vector<Number> Numbers(const Tensor& tensor, bool sort_rows) {
  const int64_t count = tensor.num_elements();
  std::vector<Number> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(Element(tensor, i));
  const int64_t row = tensor.dims.empty() ? 1 : tensor.dims.back();
  if (!sort_rows || row == 0) return numbers;
  for (int64_t begin = 0; begin < count; begin += row) {
    std::sort(numbers.begin() + begin, numbers.begin() + begin + row, [](const Number& a, const Number& b) {
      if (std::isnan(a.real) != std::isnan(b.real)) return std::isnan(b.real);
      return a.real < b.real;
    });
  }
  return numbers;
}

std::string TypeText(const Tensor& tensor) {
  return absl::StrCat(DataTypeName(tensor.dtype), " ", ShapeText(tensor.dims));
}

std::string CompareStrings(const Tensor& got, const std::vector<Tensor>& wants, bool sort_rows) {
  const auto sorted = [&](const Tensor& tensor) {
    std::vector<absl::string_view> strings = tensor.strings;
    const size_t row = tensor.dims.empty() ? 1 : tensor.dims.back();
    for (size_t begin = 0; sort_rows && row > 0 && begin < strings.size(); begin += row) {
      std::sort(strings.begin() + begin, strings.begin() + begin + row);
    }
    return strings;
  };
  const std::vector<absl::string_view> have = sorted(got);
  for (size_t i = 0; i < have.size(); ++i) {
    bool found = false;
    for (const Tensor& want : wants) found = found || sorted(want)[i] == have[i];
    if (!found) {
      return absl::StrCat("element ", i, ": got \"", absl::CHexEscape(have[i]), "\", want \"",
                          absl::CHexEscape(sorted(wants[0])[i]), "\"");
    }
  }
  return "";
}

}  // namespace

std::string CompareWithFetch(const Tensor& got, const CaseFetch& fetch) {
  std::vector<absl::string_view> protos = {fetch.tensor};
  protos.insert(protos.end(), fetch.alternates.begin(), fetch.alternates.end());
  std::vector<Tensor> wants;
  std::string first;
  for (absl::string_view proto : protos) {
    absl::StatusOr<Tensor> want = DecodeTensorProto(proto, nullptr);
    if (!want.ok()) return absl::StrCat("unreadable expectation: ", want.status().ToString());
    if (first.empty()) first = TypeText(*want);
    if (want->dtype == got.dtype && want->dims == got.dims) wants.push_back(*std::move(want));
  }
  if (wants.empty()) return absl::StrCat("got ", TypeText(got), ", want ", first);
  if (fetch.compare == "shape") return "";
  const bool sort_rows = fetch.compare == "unordered";
  if (got.dtype == DT_STRING) return CompareStrings(got, wants, sort_rows);
  const bool exact = fetch.compare == "exact" || got.dtype == DT_BOOL;
  const double atol = IsFloating(got.dtype) ? std::max(fetch.atol, Tiny(got.dtype)) : fetch.atol;
  const std::vector<Number> have = Numbers(got, sort_rows);
  std::vector<std::vector<Number>> expected;
  for (const Tensor& want : wants) expected.push_back(Numbers(want, sort_rows));
  int64_t bad = 0;
  std::string where;
  for (size_t i = 0; i < have.size(); ++i) {
    bool right = false;
    for (const std::vector<Number>& want : expected) {
      right = right || (exact ? Same(have[i], want[i]) : Close(have[i], want[i], fetch.rtol, atol));
    }
    if (right) continue;
    if (bad++ == 0) {
      where =
          absl::StrCat("element ", i, ": got ", NumberText(have[i]), ", want ", NumberText(expected[0][i]));
    }
  }
  if (bad == 0) return "";
  return absl::StrCat(bad, " of ", have.size(), " differ; ", where);
}

}  // namespace cryograph
