#include "tools/python_expression.h"

#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

constexpr int kMaxDepth = 64;

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<PythonValue> Parse() {
    ASSIGN_OR_RETURN(PythonValue value, Expression(0));
    SkipSpace();
    if (!rest_.empty()) return Fail("nothing more");
    return value;
  }

 private:
  absl::Status Fail(absl::string_view expected) const {
    return absl::InvalidArgumentError(absl::StrCat("'", text_, "': expected ", expected, " at character ",
                                                   text_.size() - rest_.size() + 1));
  }
  void SkipSpace() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }
  bool Next(char c) {
    SkipSpace();
    return absl::StartsWith(rest_, absl::string_view(&c, 1));
  }
  bool Take(char c) {
    if (!Next(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  static bool IsWordCharacter(char c) { return absl::ascii_isalnum(c) || c == '_'; }
  absl::string_view Word() {
    size_t end = 0;
    while (end < rest_.size() && IsWordCharacter(rest_[end])) ++end;
    const absl::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }

  absl::StatusOr<PythonValue> Expression(int depth) {
    if (depth > kMaxDepth) return Fail("fewer brackets");
    ASSIGN_OR_RETURN(PythonValue value, Primary(depth));
    for (int methods = 0; Next('.'); ++methods) {
      if (methods == kMaxDepth) return Fail("fewer methods of methods");
      rest_.remove_prefix(1);
      SkipSpace();
      PythonValue call;
      call.kind = PythonValue::kCall;
      call.text = absl::StrCat(".", Word());
      call.items.push_back(std::move(value));
      if (!Take('(')) return Fail("'('");
      RETURN_IF_ERROR(Arguments(depth, &call));
      value = std::move(call);
    }
    return value;
  }

  absl::StatusOr<PythonValue> Primary(int depth) {
    SkipSpace();
    if (rest_.empty()) return Fail("a value");
    PythonValue value;
    if (Take('[')) {
      value.kind = PythonValue::kList;
      RETURN_IF_ERROR(Items(']', depth, &value).status());
      return value;
    }
    if (Take('(')) {
      value.kind = PythonValue::kTuple;
      ASSIGN_OR_RETURN(const bool comma, Items(')', depth, &value));
      if (value.items.size() == 1 && !comma) return PythonValue(value.items[0]);
      return value;
    }
    if (Take('{')) {
      RETURN_IF_ERROR(Dictionary(depth, &value));
      return value;
    }
    const char first = rest_[0];
    if (absl::ascii_isdigit(first) || first == '-' || first == '+' || first == '.') return Number();
    if (IsString()) return String();
    if (absl::ascii_isalpha(first) || first == '_') return Named(depth);
    return Fail("a value");
  }

  // Up to `end`; true if a comma stands before it.
  absl::StatusOr<bool> Items(char end, int depth, PythonValue* value) {
    bool comma = false;
    while (!Take(end)) {
      if (!value->items.empty() && !comma) return Fail(absl::StrCat("',' or '", std::string(1, end), "'"));
      ASSIGN_OR_RETURN(PythonValue item, Expression(depth + 1));
      value->items.push_back(std::move(item));
      comma = Take(',');
    }
    return comma;
  }

  absl::Status Dictionary(int depth, PythonValue* value) {
    value->kind = PythonValue::kDict;
    bool comma = true;
    while (!Take('}')) {
      if (!comma) return Fail("',' or '}'");
      ASSIGN_OR_RETURN(PythonValue key, Expression(depth + 1));
      if (!Take(':')) return Fail("':'");
      ASSIGN_OR_RETURN(PythonValue item, Expression(depth + 1));
      value->items.push_back(std::move(key));
      value->items.push_back(std::move(item));
      comma = Take(',');
    }
    return absl::OkStatus();
  }

  // Behind the "(".
  absl::Status Arguments(int depth, PythonValue* call) {
    bool comma = true;
    while (!Take(')')) {
      if (!comma) return Fail("',' or ')'");
      SkipSpace();
      const absl::string_view before = rest_;
      const absl::string_view word = Word();
      if (!word.empty() && Next('=') && !absl::StartsWith(rest_, "==")) {
        rest_.remove_prefix(1);
        ASSIGN_OR_RETURN(PythonValue value, Expression(depth + 1));
        call->named.emplace_back(word, std::move(value));
      } else {
        rest_ = before;
        ASSIGN_OR_RETURN(PythonValue value, Expression(depth + 1));
        call->items.push_back(std::move(value));
      }
      comma = Take(',');
    }
    return absl::OkStatus();
  }

  // A word of dots: a constant, a name, or a call.
  absl::StatusOr<PythonValue> Named(int depth) {
    std::string name(Word());
    while (rest_.size() > 1 && rest_[0] == '.' && absl::ascii_isalpha(rest_[1])) {
      rest_.remove_prefix(1);
      absl::StrAppend(&name, ".", Word());
    }
    PythonValue value;
    if (Take('(')) {
      value.kind = PythonValue::kCall;
      value.text = std::move(name);
      RETURN_IF_ERROR(Arguments(depth, &value));
      return value;
    }
    if (name == "None") return value;
    if (name == "True" || name == "true" || name == "False" || name == "false") {
      value.kind = PythonValue::kBool;
      value.integer = absl::EqualsIgnoreCase(name, "true") ? 1 : 0;
      return value;
    }
    absl::string_view plain = name;
    if (!absl::ConsumePrefix(&plain, "np.")) absl::ConsumePrefix(&plain, "numpy.");
    if (absl::EqualsIgnoreCase(plain, "inf") || absl::EqualsIgnoreCase(plain, "nan")) {
      value.kind = PythonValue::kFloat;
      value.number = absl::EqualsIgnoreCase(plain, "inf") ? std::numeric_limits<double>::infinity()
                                                          : std::numeric_limits<double>::quiet_NaN();
      return value;
    }
    value.kind = PythonValue::kName;
    value.text = std::string(plain);
    return value;
  }

  absl::StatusOr<PythonValue> Number() {
    const absl::string_view before = rest_;
    const bool negative = absl::StartsWith(rest_, "-");
    if (negative || absl::StartsWith(rest_, "+")) {
      rest_.remove_prefix(1);
      SkipSpace();
      if (rest_.empty()) return Fail("a number");
      if (absl::ascii_isalpha(rest_[0])) {  // -inf
        ASSIGN_OR_RETURN(PythonValue value, Named(kMaxDepth));
        if (value.kind != PythonValue::kFloat) return FailAt(before, "a number");
        if (negative) value.number = -value.number;
        return value;
      }
    }
    std::string digits;
    bool is_float = false;
    const bool prefixed = rest_.size() > 1 && rest_[0] == '0' && absl::ascii_isalpha(rest_[1]) &&
                          !absl::StrContains("eE", rest_[1]);
    size_t end = 0;
    for (; end < rest_.size(); ++end) {
      const char c = rest_[end];
      const bool exponent_sign =
          (c == '-' || c == '+') && !prefixed && end > 0 && absl::StrContains("eE", rest_[end - 1]);
      if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && !exponent_sign) break;
      if (c == '_') continue;
      is_float = is_float || c == '.' || (!prefixed && (c == 'e' || c == 'E'));
      digits += c;
    }
    PythonValue value;
    if (is_float) {
      value.kind = PythonValue::kFloat;
      if (!absl::SimpleAtod(digits, &value.number)) return FailAt(before, "a number");
      if (negative) value.number = -value.number;
    } else {
      value.kind = PythonValue::kInt;
      const absl::string_view kind = absl::string_view(digits).substr(0, 2);
      const int base = !prefixed                            ? 10
                       : absl::EqualsIgnoreCase(kind, "0x") ? 16
                       : absl::EqualsIgnoreCase(kind, "0o") ? 8
                       : absl::EqualsIgnoreCase(kind, "0b") ? 2
                                                            : 0;
      if (base == 0 ||
          !ParseDigits(absl::string_view(digits).substr(prefixed ? 2 : 0), base, negative, &value.integer)) {
        return FailAt(before, "a number of at most 64 bits");
      }
    }
    rest_.remove_prefix(end);
    return value;
  }

  static bool ParseDigits(absl::string_view digits, int base, bool negative, int64_t* value) {
    if (digits.empty()) return false;
    *value = 0;
    for (const char c : digits) {
      const int digit = absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
      if (digit < 0 || digit >= base || __builtin_mul_overflow(*value, base, value)) return false;
      if (negative ? __builtin_sub_overflow(*value, digit, value)
                   : __builtin_add_overflow(*value, digit, value)) {
        return false;
      }
    }
    return true;
  }

  absl::Status FailAt(absl::string_view where, absl::string_view expected) {
    rest_ = where;
    return Fail(expected);
  }

  size_t StringPrefix() const {
    size_t size = 0;
    while (size < 2 && size < rest_.size() && absl::StrContains("bBrRuU", rest_[size])) ++size;
    return size;
  }
  bool IsString() const {
    const size_t prefix = StringPrefix();
    return prefix < rest_.size() && (rest_[prefix] == '\'' || rest_[prefix] == '"');
  }

  absl::StatusOr<PythonValue> String() {
    const absl::string_view before = rest_;
    const std::string prefix = absl::AsciiStrToLower(rest_.substr(0, StringPrefix()));
    const bool raw = absl::StrContains(prefix, 'r'), bytes = absl::StrContains(prefix, 'b');
    rest_.remove_prefix(prefix.size());
    std::string quote(1, rest_[0]);
    if (rest_.substr(0, 3) == std::string(3, rest_[0])) quote = std::string(3, rest_[0]);
    rest_.remove_prefix(quote.size());
    PythonValue value;
    value.kind = bytes ? PythonValue::kBytes : PythonValue::kText;
    while (!absl::ConsumePrefix(&rest_, quote)) {
      if (rest_.empty()) return FailAt(before, "a string that ends");
      if (rest_[0] != '\\') {
        value.text += rest_[0];
        rest_.remove_prefix(1);
        continue;
      }
      if (raw) {
        absl::StrAppend(&value.text, rest_.substr(0, 2));
        rest_.remove_prefix(std::min<size_t>(2, rest_.size()));
        continue;
      }
      rest_.remove_prefix(1);
      RETURN_IF_ERROR(Escape(bytes, &value.text));
    }
    return value;
  }

  // Behind the backslash.
  absl::Status Escape(bool bytes, std::string* text) {
    if (rest_.empty()) return Fail("a character");
    const char c = rest_[0];
    const auto number = [&](size_t from, size_t count, int base, uint32_t* code) {
      size_t used = from;
      *code = 0;
      for (; used < rest_.size() && used < from + count; ++used) {
        const char d = absl::ascii_tolower(rest_[used]);
        const int digit = absl::ascii_isdigit(d) ? d - '0' : d >= 'a' && d <= 'f' ? d - 'a' + 10 : base;
        if (digit >= base) break;
        *code = *code * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
      }
      return used - from;
    };
    uint32_t code = 0;
    size_t digits = 0;
    if (c >= '0' && c <= '7') {
      digits = number(0, 3, 8, &code);
      rest_.remove_prefix(digits);
    } else if (c == 'x' || (!bytes && (c == 'u' || c == 'U'))) {
      const size_t wanted = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      digits = number(1, wanted, 16, &code);
      if (digits != wanted) return Fail(absl::StrCat(wanted, " hexadecimal digits"));
      rest_.remove_prefix(1 + digits);
    } else {
      static constexpr absl::string_view kLetters = "abfnrtv\\'\"", kMeanings = "\a\b\f\n\r\t\v\\'\"";
      const size_t at = kLetters.find(c);
      if (at != absl::string_view::npos) {
        *text += kMeanings[at];
      } else if (c != '\n') {
        absl::StrAppend(text, "\\", std::string(1, c));  // Python keeps both.
      }
      rest_.remove_prefix(1);
      return absl::OkStatus();
    }
    if (bytes) {
      *text += static_cast<char>(code);
    } else if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
      return Fail("a code point");
    } else {
      AppendUtf8(code, text);
    }
    return absl::OkStatus();
  }

  const absl::string_view text_;
  absl::string_view rest_;
};

}  // namespace

const char* PythonTypeName(PythonValue::Kind kind) {
  switch (kind) {
    case PythonValue::kNone:
      return "NoneType";
    case PythonValue::kBool:
      return "bool";
    case PythonValue::kInt:
      return "int";
    case PythonValue::kFloat:
      return "float";
    case PythonValue::kText:
      return "str";
    case PythonValue::kBytes:
      return "bytes";
    case PythonValue::kList:
      return "list";
    case PythonValue::kTuple:
      return "tuple";
    case PythonValue::kDict:
      return "dict";
    case PythonValue::kName:
      return "name";
    case PythonValue::kCall:
      return "call";
  }
  return "";
}

absl::StatusOr<PythonValue> ParsePythonExpression(absl::string_view text) { return Parser(text).Parse(); }

}  // namespace cryograph
