#include "graph/element_name.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"

namespace cryograph {

absl::StatusOr<ElementName> ParseElementName(absl::string_view text) {
  ElementName name;
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  name.is_control = absl::ConsumePrefix(&rest, "^");
  const size_t colon = rest.find(':');
  name.has_port = colon != absl::string_view::npos;
  const bool bad_port =
      name.has_port &&
      (name.is_control || !absl::SimpleAtoi(rest.substr(colon + 1), &name.port) || name.port < 0);
  name.node = std::string(rest.substr(0, colon));
  if (name.node.empty() || bad_port) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no name of a node or tensor"));
  }
  return name;
}

absl::Status NoSuchNode(Graph& graph, absl::string_view name, absl::string_view where) {
  std::vector<absl::string_view> names;
  for (Node node : graph.nodes()) names.push_back(node.name());
  return absl::NotFoundError(
      absl::StrCat(where, " has no node '", name, "'", DidYouMean(NearestNames(name, names, 3))));
}

}  // namespace cryograph
