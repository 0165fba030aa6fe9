// The nodes that some fetches need, described and in order: the first half of planning.
#ifndef CRYOGRAPH_RUNTIME_NEEDED_NODES_H_
#define CRYOGRAPH_RUNTIME_NEEDED_NODES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/planner.h"

namespace cryograph {

struct NeededNode {
  Node node;
  std::unique_ptr<NodeInfo> info;
  std::unique_ptr<Kernel> kernel;      // Null for Const and for control flow.
  std::vector<Output> inputs;          // Flat output numbers.
  std::vector<NodeId> control_inputs;  // Those that are needed, too.
};

class NeededNodes {
 public:
  NeededNodes(const PlannerRequest& request, const OpRegistry& ops) : request_(request), ops_(ops) {}

  // Finds the nodes, producers first but for the back edges of loops.
  absl::Status Find();
  // Binds kernels and prepares functions. Those that are missing are added to *missing.
  absl::Status FindKernels(FunctionSource& functions, MissingKernels* missing);

  // InvalidArgument if a node reads a tensor of another type than it takes, or one that does not exist.
  absl::Status CheckTypes();

  std::vector<NeededNode>& nodes() { return nodes_; }
  // True if a node of control flow is among them.
  bool has_control_flow() const { return has_control_flow_; }
  bool IsFed(Output output) const { return fed_.contains(output); }
  // Number of the feed. The output must be fed.
  int FeedNumber(Output output) const { return fed_.at(output); }
  PlanFeed DescribeFeed(size_t number) const;
  std::string TensorName(Output output) const;

 private:
  AttrView Substitute(AttrView view) const;
  absl::StatusOr<std::unique_ptr<NodeInfo>> Describe(Node node) const;
  // Flat output numbers of the inputs.
  absl::Status ResolveInputs(NeededNode& needed) const;
  absl::Status PrepareFunctions(const NodeInfo& info, FunctionSource& functions,
                                MissingKernels* missing) const;
  // True if running the graph must run `node` for the sake of a control edge from it.
  bool ControlNeeds(Node node) const;

  const PlannerRequest& request_;
  const OpRegistry& ops_;
  absl::flat_hash_map<Output, int> fed_;
  std::vector<DataType> feed_types_;  // DT_INVALID where nothing says so.
  std::vector<NeededNode> nodes_;
  bool has_control_flow_ = false;
};

// "node 'x' (Op): " in front of the message.
absl::Status InNode(Node node, const absl::Status& status);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_NEEDED_NODES_H_
