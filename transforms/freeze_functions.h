// Functions that are handed variables take tensors instead: what freezing does to calls, If, Case and While
// that stay.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_FUNCTIONS_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_FUNCTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "transforms/function_table.h"

namespace cryograph {

// What an input of a call is after freezing: the value of a variable.
struct FrozenArgument {
  DataType dtype = DT_INVALID;
  PartialShape shape;  // Of the value; unknown where several variables come this way.
};
using FrozenArguments = std::map<int, FrozenArgument>;  // By position among the function's arguments.

// A call of the main graph, and which of its inputs (by slot) are frozen variables.
struct FrozenCall {
  Node node;
  CallKind kind = CallKind::kNone;
  std::map<int, FrozenArgument> inputs;
};

// Rewrites the functions that `calls` run, and those that they run, and retypes the calls: type lists,
// While's output_shapes, signatures, and in the bodies all that read the variable. A function keeps its name
// if every call that is left of it hands it the same variables; else there are copies, "<name>_frozen".
// Updates of a variable have no outputs and become NoOp: *dropped_updates counts them.
//
// `kept` says which nodes of the main graph stay, by id. FailedPrecondition or InvalidArgument, naming
// function and node, if a body does with the variable what no tensor can: the model is then half done.
absl::Status FreezeFunctions(Model& model, const std::vector<FrozenCall>& calls,
                             const std::vector<char>& kept, int* dropped_updates);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_FUNCTIONS_H_
