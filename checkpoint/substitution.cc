#include "checkpoint/substitution.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

// Takes what stands before the next `delimiter`, which it removes; false if there is none.
bool TakePart(absl::string_view* rest, char delimiter, std::string* part) {
  part->clear();
  for (size_t i = 0; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (c == delimiter) {
      rest->remove_prefix(i + 1);
      return true;
    }
    if (c == '\\' && i + 1 < rest->size()) {
      ++i;
      if ((*rest)[i] != delimiter) *part += c;
      *part += (*rest)[i];
      continue;
    }
    *part += c;
  }
  return false;
}

}  // namespace

absl::Status CompileRegex(absl::string_view pattern, std::unique_ptr<RE2>* regex) {
  regex->reset();
  if (pattern.empty()) return absl::OkStatus();
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", pattern, "' is no regular expression of RE2: ", compiled->error()));
  }
  *regex = std::move(compiled);
  return absl::OkStatus();
}

absl::StatusOr<Substitution> Substitution::Parse(absl::string_view text) {
  Substitution result;
  absl::string_view rest = text;
  for (;;) {
    while (!rest.empty() && (rest[0] == ';' || absl::ascii_isspace(rest[0]))) rest.remove_prefix(1);
    if (rest.empty()) return result;
    Rule rule;
    std::string pattern;
    const char delimiter = rest.size() < 2 ? '\0' : rest[1];
    if (rest[0] != 's' || delimiter == '\0' || absl::ascii_isalnum(delimiter) || delimiter == '\\' ||
        absl::ascii_isspace(delimiter)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", rest, "' is no substitution\ntry: s/PATTERN/REPLACEMENT/"));
    }
    const absl::string_view whole = rest;
    rest.remove_prefix(2);
    if (!TakePart(&rest, delimiter, &pattern) || !TakePart(&rest, delimiter, &rule.replacement)) {
      return absl::InvalidArgumentError(absl::StrCat("'", whole, "' lacks a '", std::string(1, delimiter),
                                                     "'\ntry: s/PATTERN/REPLACEMENT/"));
    }
    rule.everywhere = !rest.empty() && rest[0] == 'g';
    if (rule.everywhere) rest.remove_prefix(1);
    if (!rest.empty() && rest[0] != ';' && !absl::ascii_isspace(rest[0])) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", rest, "' follows a substitution; only g may, and ; before the next one"));
    }
    if (pattern.empty()) return absl::InvalidArgumentError(absl::StrCat("'", whole, "' has no pattern"));
    RETURN_IF_ERROR(CompileRegex(pattern, &rule.regex));
    std::string error;
    if (!rule.regex->CheckRewriteString(rule.replacement, &error)) {
      return absl::InvalidArgumentError(absl::StrCat("the replacement '", rule.replacement, "': ", error));
    }
    result.rules_.push_back(std::move(rule));
  }
}

std::string Substitution::Apply(absl::string_view name) const {
  std::string result(name);
  for (const Rule& rule : rules_) {
    if (rule.everywhere) {
      RE2::GlobalReplace(&result, *rule.regex, rule.replacement);
    } else {
      RE2::Replace(&result, *rule.regex, rule.replacement);
    }
  }
  return result;
}

}  // namespace cryograph
