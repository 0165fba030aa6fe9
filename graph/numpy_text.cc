#include "graph/numpy_text.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/shortest_decimal.h"
#include "graph/small_float.h"

namespace cryograph {
namespace {

// Text of element `index`.
using Format = std::function<std::string(uint64_t index)>;

// Calls visit(index) for the elements that are shown, in their order.
void ForEachShown(const std::vector<int64_t>& dims, bool summed_up, int64_t edge, size_t axis, uint64_t base,
                  absl::FunctionRef<void(uint64_t)> visit) {
  if (axis == dims.size()) {
    visit(base);
    return;
  }
  const int64_t size = dims[axis];
  for (int64_t i = 0; i < size; ++i) {
    if (summed_up && size > 2 * edge && i == edge) i = size - edge;
    ForEachShown(dims, summed_up, edge, axis + 1,
                 base * static_cast<uint64_t>(size) + static_cast<uint64_t>(i), visit);
  }
}

template <typename T>
T Load(const Tensor& value, uint64_t index) {
  T element;
  std::memcpy(&element, value.bytes.data() + index * sizeof(T), sizeof(T));
  return element;
}

// Real numbers as doubles, which hold every one of them exactly.
struct Reals {
  FloatKind kind = FloatKind::kDouble;
  std::function<double(uint64_t)> at;
};

Reals RealsOf(const Tensor& value, size_t part = 0) {
  switch (value.dtype) {
    case DT_HALF:
      return {FloatKind::kHalf, [&value](uint64_t i) { return HalfToDouble(Load<uint16_t>(value, i)); }};
    case DT_DOUBLE:
      return {FloatKind::kDouble, [&value](uint64_t i) { return Load<double>(value, i); }};
    case DT_COMPLEX64:
      return {FloatKind::kSingle,
              [&value, part](uint64_t i) -> double { return Load<float>(value, 2 * i + part); }};
    case DT_COMPLEX128:
      return {FloatKind::kDouble, [&value, part](uint64_t i) { return Load<double>(value, 2 * i + part); }};
    default:
      return {FloatKind::kSingle, [&value](uint64_t i) -> double { return Load<float>(value, i); }};
  }
}

// Decimal digits that a type always keeps (finfo.precision), as a power of ten: newer numpy writes no larger
// numbers out.
double ReliableBound(FloatKind kind) {
  return kind == FloatKind::kHalf ? 1e3 : kind == FloatKind::kSingle ? 1e6 : 1e16;
}

// numpy.FloatingFormat: one form for all numbers that are shown.
class RealFormat {
 public:
  RealFormat(const std::vector<double>& shown, FloatKind kind, const NumpyTextOptions& options,
             std::string sign)
      : options_(options), kind_(kind), sign_(std::move(sign)) {
    std::vector<double> finite;
    bool negative_infinity = sign_ != "-", negative = false;
    for (const double x : shown) {
      if (std::isfinite(x)) {
        finite.push_back(x);
        negative = negative || std::signbit(x);
      } else {
        negative_infinity = negative_infinity || (std::isinf(x) && x < 0);
      }
    }
    format_.precision = options.floatmode == "unique" ? -1 : static_cast<int>(options.precision);
    format_.sign = sign_ == "+";
    if (!finite.empty()) {
      scientific_ = WantsScientific(finite);
      Measure(finite);
    }
    if (sign_ == " " && !negative) ++pad_left_;
    if (finite.size() != shown.size()) {
      const int offset = pad_right_ + 1;
      pad_left_ = std::max({pad_left_, static_cast<int>(options.nanstr.size()) - offset,
                            static_cast<int>(options.infstr.size()) + (negative_infinity ? 1 : 0) - offset});
    }
  }

  std::string operator()(double x) const {
    if (!std::isfinite(x)) {
      const bool nan = std::isnan(x);
      std::string text = absl::StrCat(!nan && x < 0  ? "-"
                                      : sign_ == "+" ? "+"
                                                     : "",
                                      nan ? options_.nanstr : options_.infstr);
      const size_t width = static_cast<size_t>(pad_left_ + pad_right_ + 1);
      if (text.size() < width) text.insert(0, width - text.size(), ' ');
      return text;
    }
    std::string text = scientific_ ? Scientific(x, kind_, format_) : Positional(x, kind_, format_);
    const size_t point = text.find('.');
    if (!scientific_) {
      const size_t wanted = point + 1 + static_cast<size_t>(pad_right_);
      if (text.size() < wanted) text.append(wanted - text.size(), ' ');
    }
    const size_t left = static_cast<size_t>(pad_left_);
    if (point < left) text.insert(0, left - point, ' ');
    return text;
  }

 private:
  bool WantsScientific(const std::vector<double>& finite) const {
    double largest = 0, smallest = HUGE_VAL;
    for (const double x : finite) {
      if (x == 0) continue;
      largest = std::max(largest, std::fabs(x));
      smallest = std::min(smallest, std::fabs(x));
    }
    if (largest == 0) return false;
    const double bound = options_.old_numpy ? 1e8 : std::min(1e8, ReliableBound(kind_));
    // Newer numpy compares in the type itself, in which 0.0001 is another number.
    double small_bound = 0.0001;
    if (!options_.old_numpy && kind_ == FloatKind::kSingle) small_bound = static_cast<float>(small_bound);
    if (!options_.old_numpy && kind_ == FloatKind::kHalf) small_bound = HalfToDouble(0x068e);
    double ratio = largest / smallest;
    if (kind_ == FloatKind::kSingle) ratio = static_cast<float>(largest) / static_cast<float>(smallest);
    // The neighbours of 1000 in binary16 are 0.5 away.
    if (kind_ == FloatKind::kHalf) ratio = ratio > 1000.25 ? HUGE_VAL : std::min(ratio, 1000.0);
    return largest >= bound || (!options_.suppress && (smallest < small_bound || ratio > 1000));
  }

  void Measure(const std::vector<double>& finite) {
    const bool fixed = options_.floatmode == "fixed";
    if (fixed) format_.trim = false;
    if (fixed) format_.unique = false;
    int left = 0, right = 0, exponent = 2;
    for (const double x : finite) {
      std::string text = scientific_ ? Scientific(x, kind_, format_) : Positional(x, kind_, format_);
      const size_t point = text.find('.'), end = std::min(text.find('e'), text.size());
      left = std::max(left, static_cast<int>(point));
      right = std::max(right, static_cast<int>(end - point - 1));
      if (scientific_) exponent = std::max(exponent, static_cast<int>(text.size() - end - 2));
    }
    pad_left_ = left;
    if (scientific_) {
      format_.trim = false;
      format_.precision = format_.min_digits = right;
      format_.exponent_digits = exponent;
      pad_right_ = exponent + 2 + right;
      return;
    }
    pad_right_ = right;
    if (fixed || options_.floatmode == "maxprec_equal") {
      format_.trim = false;
      format_.precision = format_.min_digits = right;
    }
  }

  const NumpyTextOptions& options_;
  FloatKind kind_;
  std::string sign_;
  DecimalFormat format_;
  bool scientific_ = false;
  int pad_left_ = 0, pad_right_ = 0;
};

// str() of a numpy scalar. `point`: integral numbers end in ".0".
std::string ScalarText(double x, FloatKind kind, const NumpyTextOptions& options, bool point, bool sign) {
  if (std::isnan(x)) return sign ? "+nan" : "nan";
  if (std::isinf(x)) return x < 0 ? "-inf" : sign ? "+inf" : "inf";
  const double size = std::fabs(x);
  const double bound = options.old_numpy ? 1e16 : ReliableBound(kind);
  DecimalFormat format;
  format.sign = sign;
  if (x == 0 || (size >= 1e-4 && size < bound)) {
    std::string text = Positional(x, kind, format);
    if (text.back() != '.') return text;
    if (point) return text + "0";
    text.pop_back();
    return text;
  }
  std::string text = Scientific(x, kind, format);
  const size_t dot = text.find(".e");
  if (dot != std::string::npos) text.erase(dot, 1);
  return text;
}

std::string ComplexScalarText(double real, double imaginary, FloatKind kind,
                              const NumpyTextOptions& options) {
  if (real == 0 && !std::signbit(real)) {
    return ScalarText(imaginary, kind, options, false, false) + "j";
  }
  return absl::StrCat("(", ScalarText(real, kind, options, false, false),
                      ScalarText(imaginary, kind, options, false, true), "j)");
}

Format ComplexFormat(const Tensor& value, const std::vector<uint64_t>& shown,
                     const NumpyTextOptions& options) {
  const Reals real = RealsOf(value, 0), imaginary = RealsOf(value, 1);
  std::vector<double> reals, imaginaries;
  for (const uint64_t i : shown) {
    reals.push_back(real.at(i));
    imaginaries.push_back(imaginary.at(i));
  }
  const RealFormat real_format(reals, real.kind, options, options.sign);
  const RealFormat imaginary_format(imaginaries, real.kind, options, "+");
  return [=](uint64_t i) {
    std::string text = imaginary_format(imaginary.at(i));
    text.insert(text.find_last_not_of(' ') + 1, "j");
    return real_format(real.at(i)) + text;
  };
}

// Integers as text, signed or not, of any width; those of less than a byte take one.
std::string IntegerText(const Tensor& value, uint64_t i) {
  switch (value.dtype) {
    case DT_INT8:
    case DT_QINT8:
      return absl::StrCat(static_cast<int>(Load<int8_t>(value, i)));
    case DT_UINT8:
    case DT_QUINT8:
      return absl::StrCat(static_cast<int>(Load<uint8_t>(value, i)));
    case DT_INT16:
    case DT_QINT16:
      return absl::StrCat(Load<int16_t>(value, i));
    case DT_UINT16:
    case DT_QUINT16:
      return absl::StrCat(Load<uint16_t>(value, i));
    case DT_INT32:
    case DT_QINT32:
      return absl::StrCat(Load<int32_t>(value, i));
    case DT_UINT32:
      return absl::StrCat(Load<uint32_t>(value, i));
    case DT_INT64:
      return absl::StrCat(Load<int64_t>(value, i));
    case DT_UINT64:
      return absl::StrCat(Load<uint64_t>(value, i));
    case DT_INT4:
      return absl::StrCat(static_cast<int8_t>(static_cast<uint8_t>(Load<uint8_t>(value, i) << 4)) >> 4);
    case DT_UINT4:
      return absl::StrCat(Load<uint8_t>(value, i) & 15);
    case DT_INT2:
      return absl::StrCat(static_cast<int8_t>(static_cast<uint8_t>(Load<uint8_t>(value, i) << 6)) >> 6);
    default:
      return absl::StrCat(Load<uint8_t>(value, i) & 3);
  }
}

std::string SmallFloatText(const Tensor& value, uint64_t i, const SmallFloat& form, bool old_numpy) {
  const uint32_t bits = value.dtype == DT_BFLOAT16 ? Load<uint16_t>(value, i) : Load<uint8_t>(value, i);
  const double x = SmallFloatToDouble(bits, form);
  if (std::isnan(x)) return old_numpy ? "bfloat16(nan)" : "nan";
  // The first extension showed a type and nine digits, that of today shows what %g does.
  return old_numpy ? absl::StrFormat("bfloat16(%.9g)", x) : absl::StrFormat("%g", x);
}

bool IsIntegerType(DataType dtype) {
  switch (dtype) {
    case DT_INT8:
    case DT_UINT8:
    case DT_INT16:
    case DT_UINT16:
    case DT_INT32:
    case DT_UINT32:
    case DT_INT64:
    case DT_UINT64:
    case DT_QINT8:
    case DT_QUINT8:
    case DT_QINT16:
    case DT_QUINT16:
    case DT_QINT32:
    case DT_INT4:
    case DT_UINT4:
    case DT_INT2:
    case DT_UINT2:
      return true;
    default:
      return false;
  }
}

// Integers of less than a byte are not padded: numpy does not know them for integers.
bool IsSubByte(DataType dtype) {
  return dtype == DT_INT4 || dtype == DT_UINT4 || dtype == DT_INT2 || dtype == DT_UINT2;
}

Format PaddedIntegers(const Tensor& value, const std::vector<uint64_t>& shown) {
  size_t width = 0;
  for (const uint64_t i : shown) width = std::max(width, IntegerText(value, i).size());
  if (IsSubByte(value.dtype)) width = 0;
  return [&value, width](uint64_t i) {
    std::string text = IntegerText(value, i);
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    return text;
  };
}

Format MakeFormat(const Tensor& value, const std::vector<uint64_t>& shown, const NumpyTextOptions& options) {
  SmallFloat small;
  if (SmallFloatOf(value.dtype, &small)) {
    return
        [&value, small, old = options.old_numpy](uint64_t i) { return SmallFloatText(value, i, small, old); };
  }
  if (IsIntegerType(value.dtype)) return PaddedIntegers(value, shown);
  switch (value.dtype) {
    case DT_STRING:
      return [&value](uint64_t i) { return PythonBytesText(value.strings[static_cast<size_t>(i)]); };
    case DT_BOOL:
      return [&value](uint64_t i) { return std::string(Load<uint8_t>(value, i) != 0 ? " True" : "False"); };
    case DT_COMPLEX64:
    case DT_COMPLEX128:
      return ComplexFormat(value, shown, options);
    default: {
      const Reals reals = RealsOf(value);
      std::vector<double> numbers;
      for (const uint64_t i : shown) numbers.push_back(reals.at(i));
      const RealFormat format(numbers, reals.kind, options, options.sign);
      return [reals, format](uint64_t i) { return format(reals.at(i)); };
    }
  }
}

std::string ScalarOf(const Tensor& value, const NumpyTextOptions& options) {
  SmallFloat small;
  if (SmallFloatOf(value.dtype, &small)) {
    std::string text = SmallFloatText(value, 0, small, options.old_numpy);
    return text;
  }
  if (IsIntegerType(value.dtype)) return IntegerText(value, 0);
  switch (value.dtype) {
    case DT_STRING:
      return PythonBytesText(value.strings[0]);
    case DT_BOOL:
      return Load<uint8_t>(value, 0) != 0 ? "True" : "False";
    case DT_COMPLEX64:
    case DT_COMPLEX128: {
      const Reals real = RealsOf(value, 0), imaginary = RealsOf(value, 1);
      return ComplexScalarText(real.at(0), imaginary.at(0), real.kind, options);
    }
    default: {
      const Reals reals = RealsOf(value);
      return ScalarText(reals.at(0), reals.kind, options, true, false);
    }
  }
}

// numpy's _formatArray: brackets, line breaks, "...".
class Layout {
 public:
  Layout(const Tensor& value, const NumpyTextOptions& options, bool summed_up, Format format,
         absl::FunctionRef<void(absl::string_view)> emit)
      : dims_(value.dims),
        options_(options),
        summed_up_(summed_up),
        format_(std::move(format)),
        emit_(emit) {}

  // `indent` blanks stand before what belongs into the brackets that are opened here.
  void Write(size_t axis, uint64_t base, size_t indent, int64_t width) {
    const size_t axes_left = dims_.size() - axis;
    const int64_t size = dims_[axis];
    const int64_t edge = options_.edgeitems;
    const bool gap = summed_up_ && 2 * edge < size;
    emit_("[");
    if (axes_left == 1) {
      WriteRow(base, indent, width - 1, gap);
    } else {
      const std::string separator = std::string(axes_left - 1, '\n') + std::string(indent, ' ');
      bool first = true;
      for (int64_t i = 0; i < size; ++i) {
        if (gap && i == edge) {
          emit_(first ? absl::string_view() : absl::string_view(separator));
          emit_("...");
          first = false;
          i = size - edge;
          // No edges at all: numpy shows the last one nevertheless.
          if (i == size) i = size - 1;
        }
        if (!first) emit_(separator);
        first = false;
        Write(axis + 1, base * static_cast<uint64_t>(size) + static_cast<uint64_t>(i), indent + 1, width - 1);
      }
    }
    emit_("]");
  }

 private:
  void WriteRow(uint64_t base, size_t indent, int64_t width, bool gap) {
    const int64_t size = dims_.back();
    const int64_t edge = options_.edgeitems;
    std::string line(indent, ' ');
    size_t skip = indent;  // What stands before the first element is the bracket.
    const auto extend = [&](absl::string_view word, bool last) {
      if (static_cast<int64_t>(line.size() + word.size()) > width && line.size() > indent) {
        while (!line.empty() && line.back() == ' ') line.pop_back();
        emit_(absl::string_view(line).substr(std::min(skip, line.size())));
        emit_("\n");
        skip = 0;
        line.assign(indent, ' ');
      }
      absl::StrAppend(&line, word, last ? "" : " ");
    };
    for (int64_t i = 0; i < size; ++i) {
      if (gap && i == edge) {
        extend("...", false);
        i = std::min(size - edge, size - 1);
      }
      extend(format_(base * static_cast<uint64_t>(size) + static_cast<uint64_t>(i)), i + 1 == size);
    }
    emit_(absl::string_view(line).substr(std::min(skip, line.size())));
  }

  const std::vector<int64_t>& dims_;
  const NumpyTextOptions& options_;
  bool summed_up_;
  Format format_;
  absl::FunctionRef<void(absl::string_view)> emit_;
};

}  // namespace

std::string PythonBytesText(absl::string_view bytes) {
  const char quote =
      bytes.find('\'') != absl::string_view::npos && bytes.find('"') == absl::string_view::npos ? '"' : '\'';
  std::string text = {'b', quote};
  for (const char c : bytes) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\t') {
      text += "\\t";
    } else if (byte < 0x20 || byte >= 0x7f) {
      absl::StrAppendFormat(&text, "\\x%02x", byte);
    } else {
      text += c;
    }
  }
  return text + quote;
}

absl::Status NumpyText(const Tensor& value, const NumpyTextOptions& options,
                       absl::FunctionRef<void(absl::string_view)> emit) {
  if (value.dtype != DT_STRING && DataTypeBytes(value.dtype) == 0) {
    return absl::UnimplementedError(absl::StrCat("type ", DataTypeName(value.dtype), " has no numpy form"));
  }
  if (value.dims.empty()) {
    emit(ScalarOf(value, options));
    return absl::OkStatus();
  }
  if (value.num_elements() == 0) {
    emit("[]");
    return absl::OkStatus();
  }
  const bool summed_up = value.num_elements() > options.threshold;
  std::vector<uint64_t> shown;
  ForEachShown(value.dims, summed_up, options.edgeitems, 0, 0, [&](uint64_t i) { shown.push_back(i); });
  Layout layout(value, options, summed_up, MakeFormat(value, shown, options), emit);
  layout.Write(0, 0, 1, options.linewidth);
  return absl::OkStatus();
}

absl::StatusOr<std::string> NumpyText(const Tensor& value, const NumpyTextOptions& options) {
  std::string text;
  const absl::Status status =
      NumpyText(value, options, [&](absl::string_view piece) { text.append(piece.data(), piece.size()); });
  if (!status.ok()) return status;
  return text;
}

}  // namespace cryograph
