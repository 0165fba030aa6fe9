// Gives an input of a model another shape or type, and lets all that follows from it follow.
#ifndef CRYOGRAPH_GRAPH_SET_INPUT_H_
#define CRYOGRAPH_GRAPH_SET_INPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "graph/model.h"

namespace cryograph {

struct InputChange {
  std::string name;  // Of a Placeholder or PlaceholderWithDefault: "x" or "x:0".
  absl::optional<PartialShape> shape;
  absl::optional<DataType> dtype;
  // Put a Cast behind the input, so that the graph goes on with the type it had. Without it the ops that read
  // the input must themselves be able to take the new type.
  bool cast = false;
};

struct SetInputResult {
  int shapes = 0;                  // Nodes whose _output_shapes was written anew.
  int signatures = 0;              // Entries of signatures that were.
  std::vector<std::string> casts;  // Nodes added.
  std::vector<std::string> notes;
};

// NotFound for a name that the graph does not have; InvalidArgument for a node that is no placeholder, or if
// the shapes of the graph then contradict each other, naming the first node where they do and both shapes
// (the model is then changed, and to be dropped).
absl::StatusOr<SetInputResult> SetInputs(Model& model, const std::vector<InputChange>& changes);

// "[1,?,3]", "1,224,224,3", "?,10", "-1,10", "[]" and "" for a scalar, "*" for any. InvalidArgument
// otherwise.
absl::StatusOr<PartialShape> ParsePartialShape(absl::string_view text);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SET_INPUT_H_
