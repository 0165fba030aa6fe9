// Where variables go in the body of a function that is handed them, and what freezing makes of their readers.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_BODY_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_BODY_H_

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "transforms/freeze_functions.h"
#include "transforms/freeze_ops.h"
#include "transforms/function_table.h"

namespace cryograph {

class FrozenBody {
 public:
  // Follows `arguments` (by position) through `body`, the body of a function of that name and those parts.
  // FailedPrecondition, naming function and node, if something takes the variable that no tensor replaces.
  static absl::StatusOr<FrozenBody> Follow(const FunctionTable& functions, const FunctionParts& parts,
                                           Graph& body, const FrozenArguments& arguments);

  // Nodes of the body that run functions and are handed a variable.
  const std::vector<FrozenCall>& calls() const { return calls_; }
  // The variable that a reference of the function's `ret` gives; null if it is none.
  const FrozenArgument* Returned(absl::string_view reference) const;
  // A reference of `ret`, "read:value:0", as it reads after Rewrite().
  std::string NewReference(absl::string_view reference) const;
  int num_updates() const { return num_updates_; }

  // Edits the body: readers of the variables read tensors. Calls are left to the caller.
  absl::Status Rewrite();

 private:
  FrozenBody(const FunctionTable& functions, const FunctionParts& parts, Graph& body,
             const FrozenArguments& arguments)
      : functions_(&functions), parts_(&parts), body_(&body), arguments_(&arguments) {}

  absl::Status FollowUse(Node user, int slot, const FrozenArgument& variable, std::vector<NodeId>* work);
  // The variable that an edge carries, or null.
  const FrozenArgument* Of(Output output) const;
  void Become(Node node, absl::string_view op, absl::string_view old_port);
  absl::Status RewriteGather(Node node, DataType dtype);
  absl::Status BecomeTrue(Node node);

  const FunctionTable* functions_;
  const FunctionParts* parts_;
  Graph* body_;
  const FrozenArguments* arguments_;
  absl::flat_hash_map<absl::string_view, int> positions_;  // Of arguments.
  absl::flat_hash_map<NodeId, FrozenArgument> carried_;    // Nodes that hand a variable on.
  absl::flat_hash_map<NodeId, std::map<int, FrozenArgument>> call_inputs_;
  std::vector<FrozenCall> calls_;
  std::vector<NodeId> readers_;  // What Rewrite() edits, in the body's order.
  int num_updates_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_BODY_H_
