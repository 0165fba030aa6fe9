// What an op that changes a variable gives, without the variable: for graphs in which that is a constant.
#ifndef CRYOGRAPH_TRANSFORMS_VALUE_OF_UPDATE_H_
#define CRYOGRAPH_TRANSFORMS_VALUE_OF_UPDATE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace cryograph {

// True if `node` is a reference op whose first run can be written as an expression: Assign, AssignAdd,
// AssignSub, the Scatter family but ScatterMul and its like.
bool HasValueForm(Node node);

// Adds a constant named "<node>/<name>" that `user` can read, in its frame.
using ConstantMaker = absl::FunctionRef<Node(Node user, absl::string_view name, Tensor value)>;

// Rewrites `node`, an Assign, AssignAdd, AssignSub or Scatter op whose first input is now a tensor of
// `dtype`, in place: with `pure` and HasValueForm() into what its first run gives (AssignSub becomes Sub,
// ScatterUpdate a TensorScatterUpdate), else into an Identity of that input. _class stays, the device goes.
absl::Status GiveValueOfUpdate(Graph& graph, Node node, DataType dtype, bool pure,
                               ConstantMaker add_constant);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_VALUE_OF_UPDATE_H_
