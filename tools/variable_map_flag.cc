#include "tools/variable_map_flag.h"

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

absl::Status AddPair(absl::string_view text, absl::string_view place, Pairs& pairs) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) {
    return cli::UsageError(absl::StrCat(place, ": '", text, "' is no VARIABLE=KEY"));
  }
  const absl::string_view from = absl::StripAsciiWhitespace(text.substr(0, equals));
  const absl::string_view to = absl::StripAsciiWhitespace(text.substr(equals + 1));
  if (from.empty() || to.empty())
    return cli::UsageError(absl::StrCat(place, ": '", text, "' is no VARIABLE=KEY"));
  pairs.emplace_back(from, to);
  return absl::OkStatus();
}

absl::Status AddFile(const std::string& path, Pairs& pairs) {
  const absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(cli::ExpandHome(path));
  if (!file.ok())
    return cli::UsageError(absl::StrCat("--variable_map=@", path, ": ", file.status().message()));
  int number = 0;
  for (absl::string_view line : absl::StrSplit((*file)->bytes(), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    RETURN_IF_ERROR(AddPair(line, absl::StrCat("--variable_map: ", path, ":", number), pairs));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Pairs> ParseVariableMap(const std::vector<std::string>& texts) {
  Pairs pairs;
  for (absl::string_view text : texts) {
    if (absl::ConsumePrefix(&text, "@")) {
      RETURN_IF_ERROR(AddFile(std::string(text), pairs));
    } else {
      RETURN_IF_ERROR(AddPair(text, "--variable_map", pairs));
    }
  }
  return pairs;
}

}  // namespace cryograph
