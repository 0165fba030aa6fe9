// Makes constants of placeholders: `is_training=false` for good.
#ifndef CRYOGRAPH_TRANSFORMS_PIN_PLACEHOLDERS_H_
#define CRYOGRAPH_TRANSFORMS_PIN_PLACEHOLDERS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace cryograph {

// Names of placeholders ("is_training", "is_training:0") and their values as text.
using PinnedValues = std::vector<std::pair<std::string, std::string>>;

// Splits "name=value" at its first '='. InvalidArgument if there is none or the name is empty.
absl::StatusOr<std::pair<std::string, std::string>> ParsePinnedValue(absl::string_view text);

// Each named Placeholder or PlaceholderWithDefault of the main graph becomes a Const of the same name. A
// value fills the placeholder's shape, which must be known or that of a scalar. All names are looked up
// before anything is changed. NotFound (CG133): no such placeholder, with near names and the bool ones there
// are. InvalidArgument: the node is no placeholder, the value does not fit its type, the shape is not known.
absl::Status PinPlaceholders(Graph& graph, const PinnedValues& values);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_PIN_PLACEHOLDERS_H_
