#include "tools/numpy_options.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/nearest.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

constexpr absl::string_view kName = "printoptions";

absl::Status SetNumber(absl::string_view key, absl::string_view text, int64_t least, int64_t most,
                       int64_t* number) {
  // numpy.inf is what its manual gives for "never sum up".
  if (text == "inf" && key == "threshold") {
    *number = std::numeric_limits<int64_t>::max();
    return absl::OkStatus();
  }
  if (!absl::SimpleAtoi(text, number)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--printoptions ", key, "=", text, ": '", text, "' is no whole number"));
  }
  if (*number < least || *number > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("--printoptions ", key, "=", text, ": it must be from ", least, " to ", most));
  }
  return absl::OkStatus();
}

absl::Status SetWord(absl::string_view key, absl::string_view text,
                     const std::vector<absl::string_view>& choices, std::string* word) {
  *word = std::string(text);
  if (std::count(choices.begin(), choices.end(), text) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--printoptions ", key, "=", text, ": it is no value of that option"));
}

absl::Status SetOption(absl::string_view key, absl::string_view text, NumpyTextOptions* options) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (key == "precision") return SetNumber(key, text, 0, 1000, &options->precision);
  if (key == "threshold") return SetNumber(key, text, 0, kMax, &options->threshold);
  if (key == "edgeitems") return SetNumber(key, text, 0, 1000000, &options->edgeitems);
  if (key == "linewidth") return SetNumber(key, text, 0, kMax, &options->linewidth);
  if (key == "nanstr") options->nanstr = std::string(text);
  if (key == "infstr") options->infstr = std::string(text);
  if (key == "nanstr" || key == "infstr") return absl::OkStatus();
  if (key == "sign") return SetWord(key, text, {"-", "+", " "}, &options->sign);
  if (key == "floatmode") {
    return SetWord(key, text, {"fixed", "unique", "maxprec", "maxprec_equal"}, &options->floatmode);
  }
  if (key == "suppress") {
    const std::string word = absl::AsciiStrToLower(text);
    options->suppress = word == "true" || word == "t" || word == "1";
    if (options->suppress || word == "false" || word == "f" || word == "0") return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("--printoptions ", key, "=", text, ": write true or false"));
  }
  if (key == "formatter" || key == "legacy") {
    return absl::InvalidArgumentError(
        absl::StrCat("Setting '", key, "' from the command line is not supported."));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", key, "' is not a valid printoption.",
                   DidYouMean(NearestNames(key, {"precision", "threshold", "edgeitems", "linewidth",
                                                 "suppress", "nanstr", "infstr", "floatmode", "sign"}))));
}

}  // namespace

std::vector<std::string> TakePrintOptions(absl::Span<const std::string> args,
                                          std::vector<std::string>* words) {
  std::vector<std::string> rest;
  for (size_t i = 0; i < args.size(); ++i) {
    absl::string_view arg = args[i];
    const size_t dashes = std::min(arg.find_first_not_of('-'), arg.size());
    const absl::string_view name = arg.substr(dashes, arg.find('=') - dashes);
    // Any prefix that no other flag begins with.
    if (dashes == 0 || dashes > 2 || name.empty() || !absl::StartsWith(kName, name)) {
      rest.emplace_back(arg);
      continue;
    }
    if (arg.find('=') != absl::string_view::npos) {
      words->emplace_back(arg.substr(arg.find('=') + 1));
      continue;
    }
    while (i + 1 < args.size() && !absl::StartsWith(args[i + 1], "-")) words->push_back(args[++i]);
  }
  return rest;
}

absl::Status SetPrintOptions(const std::vector<std::string>& words, NumpyTextOptions* options) {
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("'", word, "' is not in the form k=v."));
    }
    RETURN_IF_ERROR(SetOption(absl::string_view(word).substr(0, equals),
                              absl::string_view(word).substr(equals + 1), options));
  }
  return absl::OkStatus();
}

}  // namespace cryograph
