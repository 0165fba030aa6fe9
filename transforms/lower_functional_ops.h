// If, Case and While as the control flow of TensorFlow 1: Switch, Merge, Enter, Exit, NextIteration,
// LoopCond.
#ifndef CRYOGRAPH_TRANSFORMS_LOWER_FUNCTIONAL_OPS_H_
#define CRYOGRAPH_TRANSFORMS_LOWER_FUNCTIONAL_OPS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "transforms/body_copier.h"
#include "transforms/function_table.h"

namespace cryograph {

// What is to take a node's place.
struct Lowered {
  std::vector<Output> outputs;
  std::vector<DataType> types;            // Of the outputs.
  std::vector<Node> done;                 // Alive when the node has run, with all its effects.
  std::vector<std::vector<Node>> copied;  // Nodes of each function's body, in the order of Callees().
};

// Builds the lowered form of `node`, of kind kIf, kCase or kWhile, beside it; the node itself stays, and so
// do its readers. Errors as BodyCopier::Copy(), and InvalidArgument, naming the node, if its functions
// disagree about inputs or outputs.
//
// A branch is alive only if it is taken, constants in it included, and a loop's body only in iterations that
// run. Loop variables that no iteration changes, variables among them, enter the loop once. If the predicate
// is no bool, ToBool says what it means. A While without loop variables has no such form: Unimplemented.
absl::StatusOr<Lowered> LowerFunctionalOp(BodyCopier& copier, Node node, CallKind kind);

// What is there in every iteration of a loop, whatever the branch: outputs of a constant Enter.
bool IsEverywhere(Node producer);

// `outputs`, each held back by an Identity "<stem>/output" until `wait` has run; as they are if that is
// empty.
absl::StatusOr<std::vector<Output>> HoldBack(BodyCopier& copier, absl::Span<const Output> outputs,
                                             absl::Span<const DataType> types, const std::vector<Node>& wait,
                                             absl::string_view stem, Node before);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_LOWER_FUNCTIONAL_OPS_H_
