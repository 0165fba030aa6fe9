#include "tools/signature_spec.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

absl::StatusOr<std::vector<SignatureEntry>> ParseEntries(absl::string_view text, absl::string_view flag) {
  std::vector<SignatureEntry> entries;
  if (absl::StripAsciiWhitespace(text).empty()) return entries;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const absl::string_view entry = absl::StripAsciiWhitespace(part);
    const size_t equals = entry.find('=');
    SignatureEntry parsed;
    if (equals != absl::string_view::npos)
      parsed.key = std::string(absl::StripAsciiWhitespace(entry.substr(0, equals)));
    parsed.tensor = std::string(
        absl::StripAsciiWhitespace(equals == absl::string_view::npos ? entry : entry.substr(equals + 1)));
    if (parsed.tensor.empty() || (equals != absl::string_view::npos && parsed.key.empty())) {
      return cli::UsageError(absl::StrCat(flag, ": '", entry, "' must have the form KEY=TENSOR, or TENSOR"));
    }
    entries.push_back(std::move(parsed));
  }
  return entries;
}

}  // namespace

absl::StatusOr<std::vector<SignatureSpec>> ParseSignatureSpecs(absl::string_view text,
                                                               absl::string_view flag) {
  std::vector<SignatureSpec> specs;
  for (const absl::string_view part : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    const absl::string_view each = absl::StripAsciiWhitespace(part);
    const size_t open = each.find('('), arrow = each.find("->");
    if (open == absl::string_view::npos || open == 0 || !absl::EndsWith(each, ")") ||
        arrow == absl::string_view::npos || arrow < open) {
      return cli::UsageError(
          absl::StrCat(flag, ": '", each, "' must have the form KEY(IN=TENSOR, … -> OUT=TENSOR, …)"));
    }
    SignatureSpec spec;
    const absl::string_view head = absl::StripAsciiWhitespace(each.substr(0, open));
    const size_t colon = head.find(':');
    spec.key = std::string(absl::StripAsciiWhitespace(head.substr(0, colon)));
    spec.method = colon == absl::string_view::npos
                      ? kPredictMethod
                      : std::string(absl::StripAsciiWhitespace(head.substr(colon + 1)));
    if (spec.key.empty()) return cli::UsageError(absl::StrCat(flag, ": '", each, "' has no key before '('"));
    ASSIGN_OR_RETURN(spec.inputs, ParseEntries(each.substr(open + 1, arrow - open - 1), flag));
    ASSIGN_OR_RETURN(spec.outputs, ParseEntries(each.substr(arrow + 2, each.size() - arrow - 3), flag));
    if (spec.outputs.empty())
      return cli::UsageError(absl::StrCat(flag, ": signature '", spec.key, "' has no outputs"));
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace cryograph
