// Copies the body of a library function into a graph, bound to a caller's inputs and attributes: what
// inlining a call and lowering a functional If or While have in common.
#ifndef CRYOGRAPH_TRANSFORMS_BODY_COPIER_H_
#define CRYOGRAPH_TRANSFORMS_BODY_COPIER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/function_parts.h"
#include "graph/graph.h"
#include "transforms/function_table.h"

namespace cryograph {

// How much a library may grow when it is copied: a few functions that call each other twice are a graph of
// 2^n nodes.
struct CopyBudget {
  int64_t max_nodes = 1000000;
  int64_t nodes = 0;
  int64_t bytes = 0;  // Of names and of attributes that are not shared with the file.
};

// What the nodes of a body must wait for. In a branch or loop a node that depends on nothing would run in
// every case and once more.
struct Gate {
  std::vector<Node> entries;     // All nodes that read no other node of the body.
  Node sources;                  // Those of them that read no input but `everywhere` ones. May be null.
  std::vector<char> everywhere;  // By input: it is there in every iteration, whatever the branch.
};

struct BodyCopy {
  std::vector<Output> outputs;
  std::vector<DataType> types;  // Of the outputs.
  std::vector<Node> effects;    // Nodes that must run though no output may need them.
  std::vector<Node> nodes;      // All that were added.
};

class BodyCopier {
 public:
  // All must outlive the copier. `max_nodes` bounds the nodes added in all.
  BodyCopier(Graph& graph, FunctionTable& functions, int64_t max_nodes)
      : graph_(graph), functions_(functions) {
    budget_.max_nodes = max_nodes;
  }

  // Adds the nodes of `callee`'s body that its outputs and effects need, named "<prefix>/<node>", before
  // `caller`. A device or colocation of the body holds; nodes without a device take the caller's.
  // InvalidArgument, naming caller, function and node: there is no such function, wrong number of inputs, an
  // attribute that the caller does not give, a reference in the body that leads nowhere. ResourceExhausted:
  // the budget is spent.
  absl::StatusOr<BodyCopy> Copy(Node caller, const Callee& callee, const std::string& prefix,
                                absl::Span<const Output> inputs, const Gate& gate);

  // A node to wait for that is alive just when `output` is. (A control edge from a Switch says nothing about
  // which of its outputs is alive.)
  absl::StatusOr<Node> Alive(Output output, Node before);

  // Adds a node before `before` and on its device, with the first free name of that stem.
  absl::StatusOr<Node> Add(absl::string_view stem, absl::string_view op, absl::Span<const Output> inputs,
                           Node before);
  // The same with an attribute T.
  absl::StatusOr<Node> Add(absl::string_view stem, absl::string_view op, DataType type,
                           absl::Span<const Output> inputs, Node before);

  Graph& graph() { return graph_; }
  FunctionTable& functions() { return functions_; }
  const CopyBudget& budget() const { return budget_; }

 private:
  class Job;
  absl::Status Spend(Node caller, absl::string_view function, int64_t nodes, int64_t bytes);

  Graph& graph_;
  FunctionTable& functions_;
  CopyBudget budget_;
  absl::flat_hash_set<const Graph*> kept_;  // Bodies whose bytes the graph keeps alive.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_BODY_COPIER_H_
