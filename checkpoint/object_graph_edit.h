// Keeps the object graph of a TensorFlow 2 checkpoint in step with its keys.
#ifndef CRYOGRAPH_CHECKPOINT_OBJECT_GRAPH_EDIT_H_
#define CRYOGRAPH_CHECKPOINT_OBJECT_GRAPH_EDIT_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cryograph {

// The serialized TrackableObjectGraph `graph` with the keys of its attributes replaced by what new_key(key)
// gives. Attributes for which it gives nothing go, and so do slots whose variables lose all of theirs. All
// else stays as it is, byte for byte. DataLoss if `graph` is no such message.
absl::StatusOr<std::string> EditObjectGraph(
    absl::string_view graph, absl::FunctionRef<absl::optional<std::string>(absl::string_view key)> new_key);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_OBJECT_GRAPH_EDIT_H_
