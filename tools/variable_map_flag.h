// --variable_map: pairs of names on the command line or in a file.
#ifndef CRYOGRAPH_TOOLS_VARIABLE_MAP_FLAG_H_
#define CRYOGRAPH_TOOLS_VARIABLE_MAP_FLAG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace cryograph {

// Each text is "variable=key" or "@FILE"; a file has one such pair in each line, blank lines and lines that
// begin with
// '#' do not count. Usage error, with file and line, for anything else.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseVariableMap(
    const std::vector<std::string>& texts);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_VARIABLE_MAP_FLAG_H_
