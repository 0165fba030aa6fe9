// Where in the control flow of TensorFlow 1.x a node is: in which loop's frame, and under which conditions it
// runs.
//
// A node runs once for each iteration of its frame, and is dead (gives no value) in an iteration if an input
// or control input is dead. Switch makes tensors dead, Merge revives them; an Enter opens a frame, an Exit
// leaves it. So in loops and branches a control edge is meaning, not only order: rewrites there must ask.
#ifndef CRYOGRAPH_GRAPH_FRAMES_H_
#define CRYOGRAPH_GRAPH_FRAMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace cryograph {

// A loop's frame; number 0 is the root frame, that of everything outside of loops.
struct Frame {
  int parent = -1;
  absl::string_view name;  // Attribute frame_name of the Enter nodes.
  NodeId enter = kNoNode;  // The first of them.
};

// A snapshot: edits after Analyze() are not seen. Any graph will do, also one with cycles, dangling inputs or
// unknown ops: what does not fit is listed in defects(). Linear but for nested conditions, of which 64 levels
// are told apart.
class FrameInfo {
 public:
  static FrameInfo Analyze(Graph& graph);

  // The frame that the outputs of `node` are in: for an Enter the loop's, for an Exit the one around the
  // loop.
  int frame(NodeId node) const { return At(out_frame_, node); }
  // The frame that its inputs must be in: the other way round for Enter and Exit.
  int input_frame(NodeId node) const { return At(in_frame_, node); }
  absl::Span<const Frame> frames() const { return frames_; }
  bool InLoop(NodeId node) const { return frame(node) != 0 || input_frame(node) != 0; }

  // Whether a run of the graph (in a loop: an iteration) may pass without this node running.
  bool CanBeDead(NodeId node) const { return At(guard_, node) != kAlways; }
  // The same for one output: an output of a Switch that always runs can be dead.
  bool CanBeDead(Graph& graph, Output output) const;
  // True if both run under conditions known to be the same: they are dead or alive together.
  bool SameGuard(NodeId a, NodeId b) const {
    return At(guard_, a) == At(guard_, b) && At(guard_, a) != kUnknown && input_frame(a) == input_frame(b);
  }

  // True if `output` is known to be alive just when `node` runs.
  bool HoldsGuard(Output output, NodeId node) const {
    const uint32_t guard = BranchGuard(output);
    return guard == At(guard_, node) && guard != kUnknown;
  }

  // Positions among control_inputs() that decide where `node` runs: without one of them it would be in
  // another frame, or would run in cases in which it is dead now. The others only order it.
  std::vector<int> GuardingControls(Node node) const;

  // What a new node without inputs, which shall serve `node`, must wait for (by a control input) to be in its
  // frame and, where one of the node's own inputs allows it, under its conditions. Null if there is nothing
  // to wait for.
  Node Anchor(Node node) const;

  struct Defect {
    NodeId node = kNoNode;
    std::string text;  // "reads 'x' of the root frame, but is in frame 'while/context'".
  };
  const std::vector<Defect>& defects() const { return defects_; }

  // "frame 'while/context'", "the root frame".
  std::string FrameText(int frame) const;

 private:
  // A conjunction of branches taken, as a chain: interned, so that equal ones have equal numbers.
  struct Guard {
    uint32_t parent = 0;
    uint32_t depth = 0;
    Output predicate;
    int32_t branch = 0;
    int32_t branches = 0;
  };
  static constexpr uint32_t kAlways = 0;
  static constexpr uint32_t kUnknown = 1;  // May be dead, under conditions that are not followed.

  template <typename T>
  static T At(const std::vector<T>& values, NodeId node) {
    const uint32_t index = static_cast<uint32_t>(node);
    return index < values.size() ? values[index] : T{};
  }
  uint32_t BranchGuard(Output output) const;
  uint32_t Both(uint32_t a, uint32_t b) const;
  uint32_t AnyOf(absl::Span<const uint32_t> guards) const;
  friend class FrameAnalysis;

  std::vector<int> in_frame_, out_frame_;
  std::vector<uint32_t> guard_;  // Under which a node runs.
  std::vector<uint32_t>
      switch_branch_;  // By node: the first of the guards of a Switch's outputs; 0 for other nodes.
  std::vector<Guard> guards_;
  std::vector<Frame> frames_;
  std::vector<Defect> defects_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_FRAMES_H_
