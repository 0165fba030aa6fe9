#include "transforms/scalar_values.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

// A placeholder's elements are all written out; what is larger was not meant as a constant.
constexpr int64_t kMostElements = 1 << 20;

ScalarValue IntegerValue(DataType dtype, int64_t value) { return {dtype, value, static_cast<double>(value)}; }

template <typename T>
ScalarValue IntegerIn(const Tensor& tensor) {
  return IntegerValue(tensor.dtype, static_cast<int64_t>(tensor.Copy<T>()[0]));
}

bool IsInteger(DataType dtype) {
  switch (dtype) {
    case DT_INT8:
    case DT_INT16:
    case DT_INT32:
    case DT_INT64:
    case DT_UINT8:
    case DT_UINT16:
    case DT_UINT32:
      return true;
    default:
      return false;
  }
}

// The limits of an integer type of at most 64 bits, unsigned 64 aside.
std::pair<int64_t, int64_t> Limits(DataType dtype) {
  const int bits = 8 * DataTypeBytes(dtype);
  const bool is_unsigned = dtype == DT_UINT8 || dtype == DT_UINT16 || dtype == DT_UINT32;
  if (bits == 64) return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  if (is_unsigned) return {0, (int64_t{1} << bits) - 1};
  return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
}

std::optional<ScalarValue> Cast(const ScalarValue& value, DataType to) {
  if (to == DT_BOOL) return BoolValue(value.truth());
  if (to == DT_FLOAT) {
    const float narrow =
        value.is_float() ? static_cast<float>(value.number) : static_cast<float>(value.integer);
    return ScalarValue{to, 0, narrow};
  }
  if (to == DT_DOUBLE) return ScalarValue{to, 0, value.number};
  if (!IsInteger(to)) return std::nullopt;
  const auto [least, most] = Limits(to);
  if (!value.is_float()) {
    if (value.integer < least || value.integer > most) return std::nullopt;
    return IntegerValue(to, value.integer);
  }
  // Far inside of int64, where the conversion is defined; towards zero, as the op does.
  if (!(std::fabs(value.number) < 9e18)) return std::nullopt;
  const int64_t integer = static_cast<int64_t>(value.number);
  if (integer < least || integer > most) return std::nullopt;
  return IntegerValue(to, integer);
}

// -1, 0 or 1; nothing if one is not a number.
std::optional<int> Compare(const ScalarValue& a, const ScalarValue& b) {
  if (!a.is_float()) return a.integer < b.integer ? -1 : a.integer > b.integer;
  if (std::isnan(a.number) || std::isnan(b.number)) return std::nullopt;
  return a.number < b.number ? -1 : a.number > b.number;
}

std::optional<ScalarValue> EvaluateComparison(absl::string_view op, const ScalarValue& a,
                                              const ScalarValue& b) {
  if (a.dtype != b.dtype) return std::nullopt;
  const std::optional<int> order = Compare(a, b);
  if (!order) return std::nullopt;
  if (op == "Equal") return BoolValue(*order == 0);
  if (op == "NotEqual") return BoolValue(*order != 0);
  if (op == "Less") return BoolValue(*order < 0);
  if (op == "LessEqual") return BoolValue(*order <= 0);
  if (op == "Greater") return BoolValue(*order > 0);
  if (op == "GreaterEqual") return BoolValue(*order >= 0);
  return std::nullopt;
}

absl::Status BadText(absl::string_view text, DataType dtype, absl::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no value of type ", DataTypeName(dtype), ", which is ", wanted));
}

template <typename T>
std::string Repeated(T value, int64_t count) {
  std::string bytes;
  for (int64_t i = 0; i < count; ++i) bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  return bytes;
}

absl::StatusOr<std::string> NumberBytes(absl::string_view text, DataType dtype, int64_t count) {
  if (dtype == DT_BOOL) {
    const std::string lower = absl::AsciiStrToLower(text);
    const bool is_true = lower == "true" || lower == "1";
    if (!is_true && lower != "false" && lower != "0") return BadText(text, dtype, "true or false");
    return Repeated<uint8_t>(is_true, count);
  }
  if (dtype == DT_FLOAT || dtype == DT_DOUBLE) {
    double number;
    if (!absl::SimpleAtod(text, &number)) return BadText(text, dtype, "a number");
    return dtype == DT_DOUBLE ? Repeated(number, count) : Repeated(static_cast<float>(number), count);
  }
  if (!IsInteger(dtype)) {
    return absl::UnimplementedError(
        absl::StrCat("a value of type ", DataTypeName(dtype), " cannot be given as text"));
  }
  int64_t integer;
  const auto [least, most] = Limits(dtype);
  if (!absl::SimpleAtoi(text, &integer) || integer < least || integer > most) {
    return BadText(text, dtype, absl::StrCat("a whole number from ", least, " to ", most));
  }
  switch (DataTypeBytes(dtype)) {
    case 1:
      return Repeated(static_cast<uint8_t>(integer), count);
    case 2:
      return Repeated(static_cast<uint16_t>(integer), count);
    case 4:
      return Repeated(static_cast<uint32_t>(integer), count);
    default:
      return Repeated(integer, count);
  }
}

}  // namespace

ScalarValue BoolValue(bool value) { return IntegerValue(DT_BOOL, value ? 1 : 0); }

std::optional<ScalarValue> ScalarOf(const Tensor& tensor) {
  if (tensor.num_elements() != 1 || tensor.bytes.empty()) return std::nullopt;
  switch (tensor.dtype) {
    case DT_BOOL:
      return BoolValue(tensor.bytes[0] != 0);
    case DT_INT8:
      return IntegerIn<int8_t>(tensor);
    case DT_INT16:
      return IntegerIn<int16_t>(tensor);
    case DT_INT32:
      return IntegerIn<int32_t>(tensor);
    case DT_INT64:
      return IntegerIn<int64_t>(tensor);
    case DT_UINT8:
      return IntegerIn<uint8_t>(tensor);
    case DT_UINT16:
      return IntegerIn<uint16_t>(tensor);
    case DT_UINT32:
      return IntegerIn<uint32_t>(tensor);
    case DT_FLOAT:
      return ScalarValue{DT_FLOAT, 0, tensor.Copy<float>()[0]};
    case DT_DOUBLE:
      return ScalarValue{DT_DOUBLE, 0, tensor.Copy<double>()[0]};
    default:
      return std::nullopt;
  }
}

std::optional<ScalarValue> ScalarOfConst(Node node) {
  if (node.op() != "Const") return std::nullopt;
  const AttrView value = node.attr("value");
  if (value.kind() != AttrView::kTensor) return std::nullopt;
  std::vector<int64_t> dims;
  if (value.tensor_source() != nullptr) {
    dims = value.tensor_source()->dims();
  } else {
    const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(value.tensor_bytes());
    if (!header.ok() || header->unknown_rank) return std::nullopt;
    dims = header->dims;
  }
  const absl::StatusOr<int64_t> count = NumElements(dims);
  if (!count.ok() || *count != 1) return std::nullopt;
  const absl::StatusOr<Tensor> tensor = node.constant();
  return tensor.ok() ? ScalarOf(*tensor) : std::nullopt;
}

std::optional<ScalarValue> EvaluateScalar(Node node, const std::vector<std::optional<ScalarValue>>& inputs) {
  const absl::string_view op = node.op();
  if (inputs.empty()) return std::nullopt;
  const std::optional<ScalarValue>& first = inputs[0];
  if (op == "LogicalAnd" || op == "LogicalOr") {
    if (inputs.size() != 2) return std::nullopt;
    const bool decisive = op == "LogicalOr";
    for (const std::optional<ScalarValue>& input : inputs) {
      if (input && input->truth() == decisive) return BoolValue(decisive);
    }
    return first && inputs[1] ? std::make_optional(BoolValue(!decisive)) : std::nullopt;
  }
  if (!first) return std::nullopt;
  if (op == "LogicalNot") return BoolValue(!first->truth());
  if (op == "Identity" || op == "StopGradient" || op == "PreventGradient" || op == "Snapshot" ||
      op == "Squeeze" || op == "Reshape" || op == "ExpandDims") {
    return first;
  }
  // What enters a loop for good is the same in every iteration.
  if (op == "Enter") return node.attr("is_constant", false) ? first : std::nullopt;
  if (op == "Cast") return Cast(*first, node.attr("DstT", DT_INVALID));
  if (inputs.size() == 2 && inputs[1]) return EvaluateComparison(op, *first, *inputs[1]);
  return std::nullopt;
}

absl::StatusOr<Tensor> TensorFromText(absl::string_view text, DataType dtype, std::vector<int64_t> dims) {
  ASSIGN_OR_RETURN(const int64_t count, NumElements(dims));
  if (count > kMostElements) {
    return absl::InvalidArgumentError(
        absl::StrCat("a constant of shape ", ShapeText(dims), " is too large to be given as text"));
  }
  if (dtype == DT_STRING) {
    return Tensor::OfStrings(std::move(dims),
                             std::vector<std::string>(static_cast<size_t>(count), std::string(text)));
  }
  ASSIGN_OR_RETURN(std::string bytes, NumberBytes(absl::StripAsciiWhitespace(text), dtype, count));
  return Tensor::OfBytes(dtype, std::move(dims), std::move(bytes));
}

}  // namespace cryograph
