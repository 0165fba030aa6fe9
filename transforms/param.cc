#include "transforms/param.h"

#include <cstdlib>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace cryograph {
namespace {

// Digits with an optional '-', blanks around: no '+', hexadecimal, exponent or fraction.
bool ParseDecimal(absl::string_view text, int64_t* value) {
  text = absl::StripAsciiWhitespace(text);
  absl::string_view digits = text;
  absl::ConsumePrefix(&digits, "-");
  if (digits.empty()) return false;
  for (char c : digits) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return absl::SimpleAtoi(text, value);
}

}  // namespace

absl::Status ParamBase::Set(absl::Span<const std::string> values) {
  if (!is_list() && values.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameter '", name_, "' takes one value, but is given ", values.size()));
  }
  Clear();
  given_ = true;
  for (const std::string& value : values) {
    if (const std::string expected = SetOne(value); !expected.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameter '", name_, "' is '", value, "'; expected ", expected));
    }
  }
  return absl::OkStatus();
}

ParamBase* ParamOwner::FindParam(absl::string_view name) const {
  for (ParamBase* param : params_) {
    if (param->name() == name) return param;
  }
  return nullptr;
}

ParamCheck<int64_t> AtLeast(int minimum) { return AtLeast(int64_t{minimum}); }
ParamCheck<int64_t> AtLeast(int64_t minimum) {
  return {absl::StrCat("at least ", minimum), [minimum](int64_t value) { return value >= minimum; }};
}
ParamCheck<int64_t> InRange(int64_t minimum, int64_t maximum) {
  return {absl::StrCat("from ", minimum, " to ", maximum),
          [=](int64_t value) { return value >= minimum && value <= maximum; }};
}
ParamCheck<double> AtLeast(double minimum) {
  return {absl::StrCat("at least ", minimum), [minimum](double value) { return value >= minimum; }};
}
ParamCheck<std::string> OneOf(std::initializer_list<absl::string_view> values) {
  const std::vector<std::string> allowed(values.begin(), values.end());
  return {absl::StrCat(allowed.size() > 1 ? "one of " : "", absl::StrJoin(allowed, ", ")),
          [allowed](const std::string& value) {
            for (const std::string& each : allowed) {
              if (each == value) return true;
            }
            return false;
          }};
}
ParamCheck<std::string> NotEmpty() {
  return {"a text that is not empty", [](const std::string& value) { return !value.empty(); }};
}

std::string ParamType<bool>::Parse(absl::string_view text, bool* value) {
  *value = text == "true" || text == "1";
  return *value || text == "false" || text == "0" ? "" : "true, false, 1 or 0";
}
std::string ParamType<bool>::Text(const bool& value) { return value ? "true" : "false"; }

std::string ParamType<int64_t>::Parse(absl::string_view text, int64_t* value) {
  return ParseDecimal(text, value) ? "" : "a decimal number of 64 bits, such as 3 or -1";
}
std::string ParamType<int64_t>::Text(const int64_t& value) { return absl::StrCat(value); }

std::string ParamType<double>::Parse(absl::string_view text, double* value) {
  const std::string number(
      text);  // strtod wants a terminator; a NUL inside ends it early and is refused below.
  char* end = nullptr;
  *value = std::strtod(number.c_str(), &end);
  const bool any = end != number.c_str();
  while (any && absl::ascii_isspace(static_cast<unsigned char>(*end))) ++end;
  return any && end == number.c_str() + number.size() ? "" : "a number, such as 0.5 or 1e-3";
}
std::string ParamType<double>::Text(const double& value) { return absl::StrCat(value); }

std::string ParamType<std::string>::Parse(absl::string_view text, std::string* value) {
  value->assign(text.data(), text.size());
  return "";
}
std::string ParamType<std::string>::Text(const std::string& value) { return value; }

std::string ParamType<Regex>::Parse(absl::string_view text, Regex* value) {
  absl::StatusOr<Regex> compiled = Regex::Compile(text);
  if (!compiled.ok()) return absl::StrCat("a regular expression; ", compiled.status().message());
  *value = *std::move(compiled);
  return "";
}
std::string ParamType<Regex>::Text(const Regex& value) { return value.pattern(); }

std::string ParamType<DataType>::Parse(absl::string_view text, DataType* value) {
  return ParseDataType(text, value) ? "" : "a data type, such as float, int32 or string";
}
std::string ParamType<DataType>::Text(const DataType& value) { return DataTypeName(value); }

std::string ParamType<PartialShape>::Parse(absl::string_view text, PartialShape* value) {
  *value = PartialShape();
  text = absl::StripAsciiWhitespace(text);
  if (text == "unknown" || text == "<unknown>") {
    value->unknown_rank = true;
    return "";
  }
  if (absl::StartsWith(text, "[") && absl::EndsWith(text, "]")) {
    text = absl::StripAsciiWhitespace(text.substr(1, text.size() - 2));
  }
  if (text.empty()) return "";
  int64_t product = 1;
  for (absl::string_view piece : absl::StrSplit(text, ',')) {
    piece = absl::StripAsciiWhitespace(piece);
    int64_t dim = -1;
    if (piece != "?" && piece != "None" && (!ParseDecimal(piece, &dim) || dim < -1)) {
      return "a shape: numbers with commas between, such as 1,224,224,3 (-1, ? or None for an unknown "
             "dimension)";
    }
    if (dim > 0 && product > std::numeric_limits<int64_t>::max() / dim) {
      return "a shape of less than 2^63 elements";
    }
    if (dim > 0) product *= dim;
    value->dims.push_back(dim);
  }
  return "";
}
std::string ParamType<PartialShape>::Text(const PartialShape& value) { return PartialShapeText(value); }

}  // namespace cryograph
