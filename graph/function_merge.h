// Brings the function library of one model into another: equal functions are one, and those of one name that
// differ are refused or renamed, with all that calls them.
#ifndef CRYOGRAPH_GRAPH_FUNCTION_MERGE_H_
#define CRYOGRAPH_GRAPH_FUNCTION_MERGE_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"

namespace cryograph {

using FunctionNames = absl::flat_hash_map<std::string, std::string>;  // Old name to new one.

// What is to be added to a library, worked out before anything is changed.
struct FunctionMerge {
  std::vector<Function> added;         // Under their new names.
  std::vector<std::string> gradients;  // Serialized library fields (gradient, registered_gradients) to add.
  FunctionNames renamed;               // Of those that are added under another name.
  int shared = 0;                      // Functions that the target has already.
};

// Plans to bring the functions of `source` into `target`. With `rename`, a function that differs from the
// target's of the same name becomes `<stem>name` (`stem` may be empty), made unique; without it that is
// InvalidArgument, as in TensorFlow. Also InvalidArgument: a function for which the target has another
// gradient.
absl::StatusOr<FunctionMerge> PlanFunctionMerge(Model& target, Model& source, bool rename,
                                                absl::string_view stem);
void ApplyFunctionMerge(FunctionMerge merge, Model* target);

// A serialized AttrValue in which functions have their new names, at any depth. Bytes that name none of them
// come back as they are.
std::string RenameFunctionsInAttr(absl::string_view attr_value, const FunctionNames& names);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_FUNCTION_MERGE_H_
