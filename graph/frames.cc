#include "graph/frames.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "graph/control_flow.h"
#include "graph/topological_order.h"

namespace cryograph {
namespace {

constexpr uint32_t kDeepestGuard = 64;
constexpr int64_t kWidestSwitch = 64;

enum Role : uint8_t { kPlain, kSwitch, kMerge, kEnter, kExit, kNextIteration, kReceive };

Role RoleOf(absl::string_view op) {
  if (IsSwitch(op)) return kSwitch;
  if (IsMerge(op)) return kMerge;
  if (IsEnter(op)) return kEnter;
  if (IsExit(op)) return kExit;
  if (IsNextIteration(op)) return kNextIteration;
  return IsReceive(op) ? kReceive : kPlain;
}

}  // namespace

// Builds a FrameInfo: one walk over the nodes in topological order.
class FrameAnalysis {
 public:
  explicit FrameAnalysis(Graph& graph) : graph_(graph) {}

  FrameInfo Run() {
    roles_.reserve(static_cast<size_t>(graph_.num_ops()));
    for (int op = 0; op < graph_.num_ops(); ++op) roles_.push_back(RoleOf(graph_.OpName(op)));
    info_.frames_.push_back(Frame());
    entry_guard_.push_back(FrameInfo::kAlways);
    info_.guards_.resize(2);  // kAlways, kUnknown.
    info_.in_frame_.assign(graph_.id_limit(), 0);
    info_.out_frame_.assign(graph_.id_limit(), 0);
    info_.guard_.assign(graph_.id_limit(), FrameInfo::kAlways);
    info_.switch_branch_.assign(graph_.id_limit(), 0);
    // Most graphs have no control flow: then all is said.
    if (std::all_of(roles_.begin(), roles_.end(), [](Role role) { return role == kPlain; }))
      return std::move(info_);

    seen_.assign(graph_.id_limit(), false);
    const TopologicalOrder order = StableOrder(graph_);
    for (NodeId id : order.order) Visit(graph_.node(id));
    for (NodeId id : order.stuck) Visit(graph_.node(id));
    for (Node node : graph_.nodes()) CheckEdges(node);
    return std::move(info_);
  }

 private:
  static size_t Index(NodeId id) { return static_cast<size_t>(id); }
  Role role(Node node) const {
    const int op = node.op_id();
    return op >= 0 && static_cast<size_t>(op) < roles_.size() ? roles_[static_cast<size_t>(op)] : kPlain;
  }

  void Visit(Node node) {
    const size_t id = Index(node.id());
    const Role own = role(node);
    int frame = 0;
    uint32_t guard = FrameInfo::kAlways;
    std::vector<uint32_t> alternatives;  // Of a Merge.
    for (const InputEdge& input : node.inputs()) {
      if (!seen_[Index(input.node)]) continue;  // Missing, an argument, a back edge.
      if (frame == 0) frame = info_.out_frame_[Index(input.node)];
      const uint32_t edge = EdgeGuard(input, false);
      if (own == kMerge) {
        alternatives.push_back(edge);
      } else {
        guard = info_.Both(guard, edge);
      }
    }
    for (const ControlEdge& control : node.control_inputs()) {
      if (!seen_[Index(control.node)]) continue;
      if (frame == 0) frame = info_.out_frame_[Index(control.node)];
      // A Merge waits for its control inputs, but is alive with any live data input.
      if (own != kMerge) guard = info_.Both(guard, EdgeGuard({control.node, 0}, true));
    }
    if (own == kMerge) guard = info_.AnyOf(alternatives);
    if (own == kReceive) guard = FrameInfo::kUnknown;
    seen_[id] = true;
    info_.in_frame_[id] = frame;
    info_.out_frame_[id] = frame;
    info_.guard_[id] = guard;
    if (own == kEnter) {
      info_.out_frame_[id] = EnteredFrame(node, frame, guard);
    } else if (own == kExit) {
      if (frame == 0) {
        info_.defects_.push_back({node.id(), "leaves a frame, but is in the root frame"});
      } else {
        info_.out_frame_[id] = info_.frames_[static_cast<size_t>(frame)].parent;
      }
    } else if (own == kSwitch) {
      info_.switch_branch_[id] = Branches(node, guard);
    }
  }

  int EnteredFrame(Node enter, int parent, uint32_t guard) {
    const auto key = std::make_pair(parent, enter.attr("frame_name", absl::string_view()));
    const auto [found, is_new] = frame_ids_.emplace(key, static_cast<int>(info_.frames_.size()));
    if (is_new) {
      Frame frame;
      frame.parent = parent;
      frame.name = key.second;
      frame.enter = enter.id();
      info_.frames_.push_back(frame);
      entry_guard_.push_back(guard);
    }
    return found->second;
  }

  // The first of the consecutive guards of the outputs of a Switch that runs under `guard`.
  uint32_t Branches(Node node, uint32_t guard) {
    int64_t branches = 2;
    if (node.op() == "_SwitchN") branches = node.attr("num_outs", int64_t{0});
    const FrameInfo::Guard outer = info_.guards_[guard];
    if (guard == FrameInfo::kUnknown || outer.depth >= kDeepestGuard || node.num_inputs() < 2 ||
        branches < 1 || branches > kWidestSwitch) {
      return FrameInfo::kUnknown;
    }
    const Output predicate = node.input(1);
    const auto key = std::make_tuple(guard, predicate, branches);
    const auto [found, is_new] = guard_ids_.emplace(key, static_cast<uint32_t>(info_.guards_.size()));
    for (int32_t branch = 0; is_new && branch < branches; ++branch) {
      info_.guards_.push_back({guard, outer.depth + 1, predicate, branch, static_cast<int32_t>(branches)});
    }
    return found->second;
  }

  // The guard under which an edge brings a live value or signal.
  uint32_t EdgeGuard(Output output, bool control) const {
    const size_t id = Index(output.node);
    const Role own = role(graph_.node(output.node));
    // What comes out of a loop is there if the loop was entered.
    if (own == kExit) return entry_guard_[static_cast<size_t>(info_.in_frame_[id])];
    return control || own != kSwitch ? info_.guard_[id] : info_.BranchGuard(output);
  }

  void CheckEdges(Node node) {
    const int frame = info_.in_frame_[Index(node.id())];
    const auto check = [&](NodeId producer) {
      if (!seen_[Index(producer)]) return;
      const int other = info_.out_frame_[Index(producer)];
      if (other == frame) return;
      info_.defects_.push_back(
          {node.id(), absl::StrCat("reads '", graph_.node(producer).name(), "' of ", info_.FrameText(other),
                                   ", but is in ", info_.FrameText(frame))});
    };
    for (const InputEdge& input : node.inputs()) check(input.node);
    for (const ControlEdge& control : node.control_inputs()) check(control.node);
  }

  Graph& graph_;
  FrameInfo info_;
  std::vector<Role> roles_;            // By op number.
  std::vector<bool> seen_;             // By node.
  std::vector<uint32_t> entry_guard_;  // By frame: under which it is entered.
  std::map<std::pair<int, absl::string_view>, int> frame_ids_;
  absl::flat_hash_map<std::tuple<uint32_t, Output, int64_t>, uint32_t> guard_ids_;
};

FrameInfo FrameInfo::Analyze(Graph& graph) { return FrameAnalysis(graph).Run(); }

uint32_t FrameInfo::BranchGuard(Output output) const {
  const uint32_t first = At(switch_branch_, output.node);
  if (first <= kUnknown) return first == 0 ? At(guard_, output.node) : kUnknown;
  return output.index >= 0 && output.index < guards_[first].branches
             ? first + static_cast<uint32_t>(output.index)
             : kUnknown;
}

// Under both: the deeper one if it implies the other.
uint32_t FrameInfo::Both(uint32_t a, uint32_t b) const {
  if (a == b || b == kAlways) return a;
  if (a == kAlways) return b;
  if (a == kUnknown || b == kUnknown) return kUnknown;
  if (guards_[a].depth < guards_[b].depth) std::swap(a, b);
  uint32_t outer = a;
  while (guards_[outer].depth > guards_[b].depth) outer = guards_[outer].parent;
  return outer == b ? a : kUnknown;
}

// Under one of them at least: the outermost if the others imply it; what is around all branches of a Switch.
uint32_t FrameInfo::AnyOf(absl::Span<const uint32_t> guards) const {
  if (guards.empty()) return kAlways;
  uint32_t outermost = guards[0];
  for (uint32_t guard : guards) {
    if (guard == kAlways) return kAlways;
    if (guard == kUnknown) outermost = kUnknown;
    if (outermost != kUnknown && guards_[guard].depth < guards_[outermost].depth) outermost = guard;
  }
  if (outermost == kUnknown) return kUnknown;
  bool all_imply = true, all_are_branches = true;
  uint64_t branches = 0;
  const Guard& first = guards_[outermost];
  for (uint32_t guard : guards) {
    all_imply = all_imply && Both(guard, outermost) == guard;
    const Guard& other = guards_[guard];
    all_are_branches = all_are_branches && other.parent == first.parent &&
                       other.predicate == first.predicate && other.branches == first.branches;
    branches |= uint64_t{1} << other.branch;
  }
  if (all_imply) return outermost;
  const uint64_t all = first.branches == 64 ? ~uint64_t{0} : (uint64_t{1} << first.branches) - 1;
  return all_are_branches && branches == all ? first.parent : kUnknown;
}

bool FrameInfo::CanBeDead(Graph& graph, Output output) const {
  const Node node = graph.node(output.node);
  if (IsExit(node.op())) {
    const Node enter = graph.node(frames_[static_cast<size_t>(input_frame(output.node))].enter);
    return enter && enter.id() != kNoNode && input_frame(output.node) != 0 && CanBeDead(enter.id());
  }
  return BranchGuard(output) != kAlways;
}

std::vector<int> FrameInfo::GuardingControls(Node node) const {
  std::vector<int> guarding;
  const absl::Span<const ControlEdge> controls = node.control_inputs();
  if (controls.empty()) return guarding;
  const int frame = input_frame(node.id());
  const bool is_merge = IsMerge(node.op());
  const auto signal = [&](NodeId producer) {
    // The signal of an Exit belongs to the frame around the loop.
    if (IsExit(node.graph().node(producer).op())) {
      return CanBeDead(node.graph(), {producer, 0}) ? static_cast<uint32_t>(kUnknown)
                                                    : static_cast<uint32_t>(kAlways);
    }
    return At(guard_, producer);
  };
  int in_frame = 0;  // Inputs that hold the node in its frame.
  uint32_t data = kAlways;
  for (const InputEdge& input : node.inputs()) {
    in_frame += this->frame(input.node) == frame;
    if (!is_merge) {
      data = Both(data, IsExit(node.graph().node(input.node).op()) ? signal(input.node) : BranchGuard(input));
    }
  }
  std::vector<uint32_t> behind(controls.size() + 1, kAlways);  // All controls from a position on.
  for (size_t i = controls.size(); i-- > 0;) {
    behind[i] = is_merge ? data : Both(behind[i + 1], signal(controls[i].node));
    in_frame += this->frame(controls[i].node) == frame;
  }
  uint32_t before = data;
  for (size_t i = 0; i < controls.size(); ++i) {
    const bool holds_frame = frame != 0 && in_frame == 1 && this->frame(controls[i].node) == frame;
    const uint32_t without = Both(before, behind[i + 1]);
    const uint32_t own = is_merge ? static_cast<uint32_t>(kAlways) : signal(controls[i].node);
    // An unknown condition beside another unknown one may still be one of its own.
    const bool holds_guard = own == kUnknown || Both(without, own) != without;
    if (holds_frame || holds_guard) guarding.push_back(static_cast<int>(i));
    before = Both(before, own);
  }
  return guarding;
}

Node FrameInfo::Anchor(Node node) const {
  const int frame = input_frame(node.id());
  const uint32_t guard = At(guard_, node.id());
  Graph& graph = node.graph();
  Node in_frame;
  if (frame == 0 && guard == kAlways) return in_frame;
  const auto fits = [&](NodeId producer) {
    if (!graph.alive(producer) || this->frame(producer) != frame) return false;
    if (!in_frame && frame != 0) in_frame = graph.node(producer);
    return At(guard_, producer) == guard && !IsExit(graph.node(producer).op());
  };
  for (const InputEdge& input : node.inputs()) {
    if (fits(input.node)) return graph.node(input.node);
  }
  for (const ControlEdge& control : node.control_inputs()) {
    if (fits(control.node)) return graph.node(control.node);
  }
  return in_frame;
}

std::string FrameInfo::FrameText(int frame) const {
  if (frame <= 0 || static_cast<size_t>(frame) >= frames_.size()) return "the root frame";
  return absl::StrCat("frame '", frames_[static_cast<size_t>(frame)].name, "'");
}

}  // namespace cryograph
