#include "transforms/spec.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

bool IsNameChar(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool IsOldBareChar(char c) { return IsNameChar(c) || c == '-' || c == '.' || c == '/'; }
bool IsBareChar(char c) { return IsOldBareChar(c) || c == ':' || c == '*' || c == '+'; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

class Parser {
 public:
  Parser(absl::string_view text, bool strict) : text_(text), strict_(strict) {}

  absl::StatusOr<Spec> Parse() {
    Spec spec;
    RETURN_IF_ERROR(ParseItems(&spec));
    spec.warnings = std::move(warnings_);
    return spec;
  }

 private:
  // Groups that are open, innermost last: no recursion, so no depth of text can exhaust the stack.
  absl::Status ParseItems(Spec* spec) {
    std::vector<SpecItem> open;
    for (;;) {
      SkipSpace();
      if (AtEnd()) break;
      if (!strict_ && Peek() == '}' && !open.empty()) {
        ++position_;
        SpecItem done = std::move(open.back());
        open.pop_back();
        (open.empty() ? spec->items : open.back().body).push_back(std::move(done));
        continue;
      }
      SpecItem item;
      item.offset = position_;
      item.name = TakeName();
      if (item.name.empty()) return Expected(open.empty() ? "a pass name" : "a pass name or '}'", position_);
      if (!strict_ && item.name == "repeat") {
        RETURN_IF_ERROR(ParseRepeatHead(&item));
        if (open.size() >= kMaxRepeatDepth) {
          return Error(item.offset,
                       absl::StrCat("repeat{} may be nested ", kMaxRepeatDepth, " deep, no deeper"));
        }
        open.push_back(std::move(item));
        continue;
      }
      bool keep = true;
      RETURN_IF_ERROR(ParseParams(&item, &keep));
      if (keep) (open.empty() ? spec->items : open.back().body).push_back(std::move(item));
    }
    if (!open.empty()) return Error(open.back().offset, "this repeat is never closed: '}' is missing");
    return absl::OkStatus();
  }

  // "repeat" was taken. Takes what follows up to the "{".
  absl::Status ParseRepeatHead(SpecItem* item) {
    item->max = kDefaultRepeatMax;
    SkipSpace();
    if (!AtEnd() && Peek() == '(') {
      bool keep = true;
      RETURN_IF_ERROR(ParseParams(item, &keep));
      SkipSpace();
    }
    if (AtEnd() || Peek() != '{') {
      return Expected("'{' after repeat", AtEnd() ? text_.size() : position_);
    }
    ++position_;
    for (const SpecParam& param : item->params) {
      if (param.key != "max") {
        return Error(param.offset, absl::StrCat("repeat has no parameter '", param.key, "'; it has 'max'"));
      }
      if (item->params.size() > 1) return Error(item->params[1].offset, "'max' is given twice");
      if (!absl::SimpleAtoi(param.value, &item->max) || item->max < 1 || item->max > 1000000) {
        return Error(param.value_offset, absl::StrCat("max is '", param.value, "'; expected 1 to 1000000"));
      }
    }
    item->is_repeat = true;
    item->params.clear();
    item->name.clear();
    return absl::OkStatus();
  }

  // Takes "(…)" if it comes next. *keep becomes false for a transform that transform_graph would drop.
  absl::Status ParseParams(SpecItem* item, bool* keep) {
    const size_t after_name = position_;
    if (!strict_) SkipSpace();
    if (AtEnd() || Peek() != '(') {
      position_ = after_name;
      return absl::OkStatus();
    }
    const size_t parenthesis = position_++;
    for (bool first = true;; first = false) {
      if (!strict_) SkipSpace();
      if (AtEnd()) return Unterminated(*item, parenthesis, keep);
      if (Peek() == ')') break;
      if (Peek() == ',') {
        ++position_;
        SkipSpace();
        // A comma before the ")" is ours, but must have a value before it: "(,)" is a slip.
        if (!strict_ && !first && !AtEnd() && Peek() == ')') break;
      } else {
        SkipSpace();
      }
      SpecParam param;
      param.offset = position_;
      param.key = TakeName();
      if (param.key.empty()) {
        if (AtEnd() && !strict_) return Unterminated(*item, parenthesis, keep);
        return Expected("a parameter name or ')'", position_);
      }
      if (!strict_) SkipSpace();
      if (AtEnd() || Peek() != '=') {
        return Expected(absl::StrCat("'=' after '", param.key, "'"), position_);
      }
      ++position_;
      if (!strict_) SkipSpace();
      if (AtEnd()) return Unterminated(*item, parenthesis, keep);
      RETURN_IF_ERROR(TakeValue(&param));
      item->params.push_back(std::move(param));
    }
    ++position_;
    return absl::OkStatus();
  }

  absl::Status TakeValue(SpecParam* param) {
    const char quote = Peek();
    if (quote == '"' || (quote == '\'' && !strict_)) {
      const size_t start = position_;
      param->value_offset = ++position_;
      // A backslash keeps the next character from ending the value, and stays in the value itself.
      while (!AtEnd() && Peek() != quote) position_ += Peek() == '\\' && position_ + 1 < text_.size() ? 2 : 1;
      if (AtEnd()) {
        return Error(start, absl::StrCat("this value of '", param->key, "' is never closed: ",
                                         quote == '"' ? "'\"'" : "a single quote", " is missing"));
      }
      param->value = std::string(text_.substr(param->value_offset, position_ - param->value_offset));
      ++position_;
    } else {
      param->value_offset = position_;
      while (!AtEnd() && (strict_ ? IsOldBareChar(Peek()) : IsBareChar(Peek()))) ++position_;
      if (position_ == param->value_offset) {
        return Expected(
            absl::StrCat("a value for '", param->key, "'; one with other characters than letters, digits",
                         strict_ ? " and - . / _" : " and - . / _ : * +", " must stand in double quotes"),
            position_);
      }
      param->value = std::string(text_.substr(param->value_offset, position_ - param->value_offset));
    }
    // transform_graph swallows a stray quote of each kind behind a value.
    if (!AtEnd() && Peek() == '"') ++position_;
    if (!AtEnd() && Peek() == '\'') ++position_;
    return absl::OkStatus();
  }

  absl::Status Unterminated(const SpecItem& item, size_t parenthesis, bool* keep) {
    if (!strict_) {
      return Error(parenthesis,
                   absl::StrCat("the parenthesis of '", item.name, "' is never closed: ')' is missing"));
    }
    warnings_.push_back(absl::StrCat(
        "'", item.name, "' is dropped, as transform_graph does: its parenthesis is never closed"));
    *keep = false;
    return absl::OkStatus();
  }

  void SkipSpace() {
    while (!AtEnd()) {
      const char c = Peek();
      if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
        ++position_;
      } else if (!strict_ && c == '#') {
        while (!AtEnd() && Peek() != '\n') ++position_;
      } else if (!strict_ && c == '\\' && LineEndAt(position_ + 1) > 0) {
        position_ += 1 + LineEndAt(position_ + 1);
      } else {
        return;
      }
    }
  }

  // Length of the line end at `offset`, 0 if there is none.
  size_t LineEndAt(size_t offset) const {
    const absl::string_view rest = text_.substr(std::min(offset, text_.size()));
    if (!rest.empty() && rest[0] == '\n') return 1;
    return rest.size() > 1 && rest[0] == '\r' && rest[1] == '\n' ? 2 : 0;
  }

  std::string TakeName() {
    const size_t start = position_;
    while (!AtEnd() && IsNameChar(Peek())) ++position_;
    return std::string(text_.substr(start, position_ - start));
  }

  absl::Status Expected(absl::string_view what, size_t offset) const {
    std::string found = "the end of the spec";
    if (offset < text_.size()) {
      size_t length = 1;
      while (offset + length < text_.size() && IsContinuation(text_[offset + length]) && length < 4) ++length;
      const absl::string_view character = text_.substr(offset, length);
      found = absl::StrCat("'", length == 1 ? absl::CEscape(character) : std::string(character), "'");
    }
    return Error(offset, absl::StrCat("expected ", what, ", but found ", found));
  }
  absl::Status Error(size_t offset, absl::string_view message) const {
    return SpecError(absl::StatusCode::kInvalidArgument, text_, offset, message);
  }

  bool AtEnd() const { return position_ >= text_.size(); }
  char Peek() const { return text_[position_]; }

  absl::string_view text_;
  bool strict_;
  size_t position_ = 0;
  std::vector<std::string> warnings_;
};

// A parsed value holds no unprotected quote of one of the two kinds, so one of them can enclose it.
std::string QuotedValue(absl::string_view value) {
  if (!value.empty() && std::all_of(value.begin(), value.end(), IsOldBareChar)) return std::string(value);
  bool protect = false, has_double = false;
  for (char c : value) {
    if (protect) {
      protect = false;
    } else if (c == '\\') {
      protect = true;
    } else if (c == '"') {
      has_double = true;
    }
  }
  const absl::string_view quote = has_double ? "'" : "\"";
  return absl::StrCat(quote, value, quote);
}

void AppendItems(const std::vector<SpecItem>& items, std::string* text) {
  for (const SpecItem& item : items) absl::StrAppend(text, &item == &items.front() ? "" : " ", item.ToText());
}

}  // namespace

std::string SpecItem::ToText() const {
  std::string text;
  if (is_repeat) {
    text = max == kDefaultRepeatMax ? "repeat { " : absl::StrCat("repeat(max=", max, ") { ");
    AppendItems(body, &text);
    return text + (body.empty() ? "}" : " }");
  }
  text = name;
  if (params.empty()) return text;
  for (const SpecParam& param : params) {
    absl::StrAppend(&text, &param == &params.front() ? "(" : ", ", param.key, "=", QuotedValue(param.value));
  }
  return text + ")";
}

std::string Spec::ToText() const {
  std::string text;
  AppendItems(items, &text);
  return text;
}

absl::StatusOr<Spec> ParseSpec(absl::string_view text, const SpecOptions& options) {
  return Parser(text, options.strict_compat).Parse();
}

absl::Status SpecError(absl::StatusCode code, absl::string_view text, size_t offset,
                       absl::string_view message) {
  offset = std::min(offset, text.size());
  const absl::string_view before = text.substr(0, offset);
  const size_t line_number = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t line_start = newline == absl::string_view::npos ? 0 : newline + 1;
  const size_t line_end = std::min(text.find('\n', offset), text.size());
  size_t column = 1;
  for (char c : text.substr(line_start, offset - line_start)) column += IsContinuation(c) ? 0 : 1;

  // Of a long line only the neighbourhood of the place is shown.
  constexpr size_t kBefore = 60, kAfter = 40;
  size_t from = offset - line_start > kBefore ? offset - kBefore : line_start;
  size_t to = std::min(line_end, offset + kAfter);
  while (from > line_start && IsContinuation(text[from])) --from;
  while (to < line_end && IsContinuation(text[to])) ++to;
  std::string line = from > line_start ? "…" : "", caret = from > line_start ? " " : "";
  for (size_t i = from; i < to; ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    line += c < 0x20 || c == 0x7f ? ' ' : text[i];
    if (i < offset && !IsContinuation(text[i])) caret += ' ';
  }
  if (to < line_end) line += "…";
  return absl::Status(code, absl::StrCat("pass spec ", line_number, ":", column, ": ", message, "\n  ", line,
                                         "\n  ", caret, "^"));
}

}  // namespace cryograph
