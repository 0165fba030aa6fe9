// The gradient of a library function as a graph of ordinary ops: what SymbolicGradient calls.
#ifndef CRYOGRAPH_RUNTIME_GRADIENTS_FUNCTION_GRADIENT_H_
#define CRYOGRAPH_RUNTIME_GRADIENTS_FUNCTION_GRADIENT_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/dtype.h"
#include "graph/graph.h"
#include "graph/op_schema.h"

namespace cryograph {

// What is differentiated. In `results`, Output::index counts all outputs of a node, also in a function body.
struct ForwardFunction {
  Graph& body;
  absl::Span<const Output> arguments;  // Nodes of the body that stand for values of the caller.
  absl::Span<const DataType> types;    // Of the arguments.
  absl::Span<const Output> results;
  AttrLookup bindings;  // What the placeholders in attributes stand for.
};

struct FunctionGradient {
  std::unique_ptr<Graph> graph;   // No function body: Output::index counts all outputs.
  std::vector<Output> arguments;  // The function's arguments, then a gradient of each result.
  std::vector<DataType> types;    // Of these.
  std::vector<Output> results;    // A gradient of each argument; zeros where no result depends on it.
};

// Calls of functions are not looked into: they become SymbolicGradient nodes of their own, and so does the
// forward part call them again. A function that TensorFlow differentiates on many levels computes its inner
// values once for each level.
//
// Unimplemented, naming op and node, if an op on the way from an argument to a result has no rule
// (gradient_rules.h); InvalidArgument for a body that is not well formed.
absl::StatusOr<FunctionGradient> DifferentiateFunction(const ForwardFunction& forward, const OpRegistry& ops);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_GRADIENTS_FUNCTION_GRADIENT_H_
