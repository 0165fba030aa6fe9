// Cuts a graph off at its inputs and keeps what its outputs need: TensorFlow's strip_unused.
#ifndef CRYOGRAPH_GRAPH_STRIP_UNUSED_H_
#define CRYOGRAPH_GRAPH_STRIP_UNUSED_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "graph/dtype.h"
#include "graph/extract.h"
#include "graph/model.h"

namespace cryograph {

struct StripInput {
  std::string name;                // "x", or "x:1" for another output than the first.
  absl::optional<DataType> dtype;  // Without one it is that of the output that it replaces.
};

struct StripResult {
  ExtractResult extract;
  // Names of the placeholders in the order of the inputs: of "x:1" it is x_1, or what is free.
  std::vector<std::string> placeholders;
  std::vector<std::string> warnings;
};

// Every input becomes a Placeholder of the type and shape that the tensor had, as far as that is known; then
// what `outputs` do not need goes (see ExtractSubGraph). NotFound: names that are not there; InvalidArgument:
// an input of which an output is read that is not listed, too, or whose type is not known. The model is then
// to be dropped.
absl::StatusOr<StripResult> StripUnused(Model& model, const std::vector<StripInput>& inputs,
                                        const std::vector<std::string>& outputs,
                                        const ExtractOptions& options = {});

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_STRIP_UNUSED_H_
