#include "transforms/prune_branches.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "graph/frames.h"
#include "graph/topological_order.h"
#include "transforms/branch_facts.h"

namespace cryograph {
namespace {

// Control inputs that a node hands on to its readers when it goes.
constexpr size_t kMostInherited = 8;

size_t Index(NodeId id) { return static_cast<size_t>(id); }

// "^a:2" → node a, output 2. The null node if there is none.
Output FindOutput(Graph& graph, absl::string_view name) {
  absl::ConsumePrefix(&name, "^");
  if (const Node node = graph.Find(name)) return node.out();
  const size_t colon = name.rfind(':');
  int32_t port;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(name.substr(colon + 1), &port)) return {};
  const Node node = graph.Find(name.substr(0, colon));
  return node ? node.out(port) : Output{};
}

class Pruner {
 public:
  Pruner(Graph& graph, const PruneOptions& options, const absl::flat_hash_set<NodeId>& fed,
         PruneReport& report)
      : graph_(graph), facts_(BranchFacts::Analyze(graph, fed)), report_(report) {
    for (const std::string& name : options.outputs) {
      const Output output = FindOutput(graph, name);
      if (output.node == kNoNode) continue;
      asked_.emplace_back(output, name);
      asked_nodes_.insert(output.node);
    }
  }

  absl::Status Run() {
    if (!facts_.any()) return absl::OkStatus();
    frames_ = FrameInfo::Analyze(graph_);
    stays_.assign(graph_.id_limit(), 0);
    is_opened_.assign(graph_.id_limit(), 0);
    for (Node node : graph_.nodes()) {
      had_readers_.push_back(!node.uses().empty());
      nodes_.push_back(node);
    }
    FindWhatStays();
    FindPure();
    for (Node node : nodes_) {
      if (!facts_.NeverRuns(node.id())) ForgetDeadControls(node);
    }
    for (Node node : nodes_) {
      if (IsMerge(node.op()) && !facts_.NeverRuns(node.id())) ShrinkMerge(node);
    }
    for (Node node : nodes_) {
      if (IsSwitch(node.op()) && !Stays(node.id())) RETURN_IF_ERROR(OpenSwitch(node));
    }
    std::vector<NodeId> dead;
    for (Node node : nodes_) {
      if (facts_.NeverRuns(node.id()) && !Stays(node.id())) dead.push_back(node.id());
    }
    report_.removed += static_cast<int>(dead.size());
    RETURN_IF_ERROR(graph_.Erase(dead));
    ForgetSettledControls();
    for (Node node : opened_) RETURN_IF_ERROR(Splice(node));
    return RemoveUnread();
  }

 private:
  bool Stays(NodeId id) const { return stays_[Index(id)] != 0; }
  bool IsDead(NodeId id) const { return facts_.NeverRuns(id) && !Stays(id); }

  void Keep(NodeId id, absl::string_view why, std::vector<NodeId>* work) {
    if (Stays(id)) return;
    report_.kept.emplace_back(std::string(graph_.node(id).name()), std::string(why));
    stays_[Index(id)] = 1;
    work->push_back(id);
  }

  // Nodes that never run and are asked for stay, with all that makes them what they are, and so does what a
  // Merge of several live inputs needs to number them. A Switch that stays keeps its way open.
  void FindWhatStays() {
    std::vector<NodeId> work;
    for (const auto& [output, name] : asked_) {
      const bool dead = facts_.NeverAlive(output);
      if (dead) report_.dead_outputs.push_back(name);
      // The number of an output is part of the promise.
      const Node node = graph_.node(output.node);
      if (dead || (output.index != 0 && (IsSwitch(node.op()) || IsMerge(node.op())))) {
        Keep(output.node, "it is an output of the graph", &work);
      }
    }
    for (Node node : nodes_) {
      if (node.pinned() && facts_.NeverRuns(node.id())) Keep(node.id(), "its name is promised", &work);
      if (!IsMerge(node.op()) || facts_.NeverRuns(node.id())) continue;
      const absl::Span<const InputEdge> inputs = node.inputs();
      const auto alive = std::count_if(inputs.begin(), inputs.end(),
                                       [this](const InputEdge& edge) { return !facts_.NeverAlive(edge); });
      if (alive >= 2 && static_cast<size_t>(alive) < inputs.size() && !node.OnlyOutputUsed(0)) {
        Keep(node.id(), "the number of its live input is read", &work);
      }
    }
    for (size_t i = 0; i < work.size(); ++i) {
      const Node node = graph_.node(work[i]);
      const auto visit = [&](NodeId id, bool needed) {
        if (Stays(id) || !graph_.alive(id) || !needed) return;
        stays_[Index(id)] = 1;
        work.push_back(id);
      };
      for (const InputEdge& edge : node.inputs()) visit(edge.node, facts_.NeverAlive(edge));
      for (const ControlEdge& edge : node.control_inputs()) visit(edge.node, facts_.NeverRuns(edge.node));
    }
  }

  // Nodes whose value is known and that nothing but known values leads to: whoever waits for one of them in
  // the same place waits for nothing.
  void FindPure() {
    pure_.assign(graph_.id_limit(), 0);
    for (NodeId id : StableOrder(graph_).order) {
      const Node node = graph_.node(id);
      const int32_t branch = std::max(facts_.TakenBranch(id), 0);
      if (!facts_.Value(node.out(branch))) continue;
      const absl::Span<const InputEdge> inputs = node.inputs();
      const absl::Span<const ControlEdge> controls = node.control_inputs();
      // Of a Merge the one input that is alive counts.
      pure_[Index(id)] = std::all_of(inputs.begin(), inputs.end(),
                                     [&](const InputEdge& edge) {
                                       return pure_[Index(edge.node)] != 0 ||
                                              (IsMerge(node.op()) && facts_.NeverAlive(edge));
                                     }) &&
                         std::all_of(controls.begin(), controls.end(),
                                     [&](const ControlEdge& edge) { return pure_[Index(edge.node)] != 0; });
    }
  }

  void ForgetDeadControls(Node node) {
    for (int i = static_cast<int>(node.control_inputs().size()) - 1; i >= 0; --i) {
      if (IsDead(node.control_inputs()[static_cast<size_t>(i)].node)) graph_.RemoveControlInput(node, i);
    }
  }

  // A Merge loses the inputs that never bring anything; one that has a single input left forwards it.
  void ShrinkMerge(Node node) {
    if (Stays(node.id())) return;
    std::vector<int> alive;
    for (int slot = 0; slot < node.num_inputs(); ++slot) {
      if (!facts_.NeverAlive(node.input(slot))) alive.push_back(slot);
    }
    if (alive.empty() || static_cast<int>(alive.size()) == node.num_inputs()) return;
    for (int slot = node.num_inputs() - 1, i = static_cast<int>(alive.size()) - 1; slot >= 0; --slot) {
      if (i >= 0 && alive[static_cast<size_t>(i)] == slot) {
        --i;
      } else {
        graph_.RemoveInput(node, slot);
      }
    }
    ++report_.merges;
    if (alive.size() > 1) {
      graph_.SetAttr(node, "N", AttrInt(static_cast<int64_t>(alive.size())));
      return;
    }
    graph_.RemoveAttr(node, "N");
    Forward(node, 0);
    if (node.OnlyOutputUsed(0)) return;
    const Node number = graph_.AddConst(absl::StrCat(node.name(), "/value_index"),
                                        Tensor::Of<int32_t>(DT_INT32, {}, {alive[0]}), node);
    if (frames_.InLoop(node.id()) || frames_.CanBeDead(node.id())) graph_.AddControlInput(number, node);
    MoveReaders(node, 1, number.out());
  }

  // A Switch whose way is known forwards what it is given.
  absl::Status OpenSwitch(Node node) {
    const int32_t branch = facts_.TakenBranch(node.id());
    if (branch < 0 || facts_.NeverRuns(node.id())) return absl::OkStatus();
    const Output predicate = node.input(1);
    Node anchor;
    // Where the predicate is dead, so was what came out.
    if (predicate != node.input(0) && frames_.CanBeDead(graph_, predicate) &&
        !frames_.HoldsGuard(node.input(0), node.id())) {
      const Output inputs[] = {predicate};
      ASSIGN_OR_RETURN(anchor, graph_.AddNode(graph_.UniqueName(absl::StrCat(node.name(), "/alive")),
                                              "Identity", inputs, node));
      graph_.SetAttr(anchor, "T", AttrType(node.op() == "_SwitchN" ? DT_INT32 : DT_BOOL));
    }
    graph_.RemoveInput(node, 1);
    if (anchor) graph_.AddControlInput(node, anchor);
    graph_.RemoveAttr(node, "num_outs");
    ++report_.switches;
    Forward(node, branch);
    if (branch != 0) MoveReaders(node, branch, node.out());
    return absl::OkStatus();
  }

  void Forward(Node node, int32_t branch) {
    const bool reference = node.op() == "RefSwitch" || node.op() == "RefMerge";
    if (branch != 0 || node.attr("_output_shapes").list_size() > 1) graph_.RemoveAttr(node, "_output_shapes");
    graph_.SetOp(node, reference ? "RefIdentity" : "Identity");
    opened_.push_back(node);
    is_opened_[Index(node.id())] = 1;
  }

  // Data readers of output `index` read `to` instead; those that never run stay out of it.
  void MoveReaders(Node node, int32_t index, Output to) {
    std::vector<std::pair<NodeId, int>> readers;
    for (const Use& use : node.uses()) {
      if (use.slot == kControl || IsDead(use.user)) continue;
      if (graph_.node(use.user).input(use.slot).index == index) readers.emplace_back(use.user, use.slot);
    }
    for (const auto& [user, slot] : readers) graph_.SetInput(graph_.node(user), slot, to);
  }

  // Control edges from pure nodes go where they hold nobody in a frame or under a condition.
  void ForgetSettledControls() {
    const FrameInfo frames = FrameInfo::Analyze(graph_);
    const auto is_pure = [this](NodeId id) { return Index(id) < pure_.size() && pure_[Index(id)] != 0; };
    for (Node node : nodes_) {
      if (!graph_.alive(node.id())) continue;
      const absl::Span<const ControlEdge> controls = node.control_inputs();
      if (std::none_of(controls.begin(), controls.end(),
                       [&](const ControlEdge& edge) { return is_pure(edge.node); })) {
        continue;
      }
      const std::vector<int> guarding = frames.GuardingControls(node);
      for (int i = static_cast<int>(controls.size()) - 1; i >= 0; --i) {
        if (!is_pure(node.control_inputs()[static_cast<size_t>(i)].node)) continue;
        if (!std::binary_search(guarding.begin(), guarding.end(), i)) graph_.RemoveControlInput(node, i);
      }
    }
  }

  // A node that forwards goes where nothing hangs on its being there.
  absl::Status Splice(Node node) {
    if (!graph_.alive(node.id()) || node.pinned() || IsAsked(node.id()) || !node.OnlyOutputUsed(0)) {
      return absl::OkStatus();
    }
    const Node source = node.input_node(0);
    if (IsControlFlow(source.op()) && !IsLoopCond(source.op()) && node.HasControlReaders()) {
      return absl::OkStatus();
    }
    const bool waits = !node.control_inputs().empty(), next = IsNextIteration(source.op());
    if (waits || next) {
      for (const Use& use : node.uses()) {
        if (IsMerge(graph_.node(use.user).op())) return absl::OkStatus();
      }
    }
    // One that nobody reads is removed later. Each reader would wait for all that the node waits for.
    if (node.uses().empty() || node.control_inputs().size() > kMostInherited) return absl::OkStatus();
    return graph_.Bypass(node, node.input(0));
  }

  bool IsAsked(NodeId id) const { return asked_nodes_.contains(id); }

  // What chose between branches, and what only led into one that is gone, has done its work.
  absl::Status RemoveUnread() {
    std::vector<NodeId> work;
    const auto consider = [&](NodeId id) {
      if (Index(id) >= pure_.size() || !graph_.alive(id)) return;
      const Node node = graph_.node(id);
      if ((pure_[Index(id)] == 0 && is_opened_[Index(id)] == 0) || node.pinned() || IsAsked(id) ||
          !node.uses().empty())
        return;
      work.push_back(id);
    };
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (had_readers_[i]) consider(nodes_[i].id());
    }
    while (!work.empty()) {
      const NodeId id = work.back();
      work.pop_back();
      if (!graph_.alive(id)) continue;
      const Node node = graph_.node(id);
      std::vector<NodeId> sources;
      for (const InputEdge& edge : node.inputs()) sources.push_back(edge.node);
      for (const ControlEdge& edge : node.control_inputs()) sources.push_back(edge.node);
      RETURN_IF_ERROR(graph_.Erase(node));
      ++report_.removed;
      for (NodeId source : sources) consider(source);
    }
    return absl::OkStatus();
  }

  Graph& graph_;
  const BranchFacts facts_;
  PruneReport& report_;
  FrameInfo frames_;
  std::vector<std::pair<Output, std::string>> asked_;
  absl::flat_hash_set<NodeId> asked_nodes_;
  std::vector<Node> nodes_;                     // As they were.
  std::vector<char> had_readers_;               // As nodes_.
  std::vector<char> stays_, pure_, is_opened_;  // By node id.
  std::vector<Node> opened_;                    // Switch and Merge nodes that forward now.
};

}  // namespace

absl::StatusOr<PruneReport> PruneBranches(Model& model, const PruneOptions& options) {
  PruneReport report;
  Graph& graph = model.graph();
  absl::flat_hash_set<NodeId> fed;
  for (const std::string& name : options.inputs) {
    if (const Output output = FindOutput(graph, name); output.node != kNoNode) fed.insert(output.node);
  }
  RETURN_IF_ERROR(Pruner(graph, options, fed, report).Run());
  graph.FixColocations();
  ASSIGN_OR_RETURN(report.functional,
                   CallTakenBranches(graph, [&](Node node) { return fed.contains(node.id()); }));
  for (Function& function : model.functions()) {
    // Parsing a body is worth it only if there is something to find.
    if (function.wire().find("If") == absl::string_view::npos &&
        function.wire().find("Case") == absl::string_view::npos) {
      continue;
    }
    ASSIGN_OR_RETURN(Graph* const body, function.body());
    ASSIGN_OR_RETURN(const int changed,
                     CallTakenBranches(*body, [](Node node) { return node.is_argument(); }));
    report.functional += changed;
  }
  return report;
}

}  // namespace cryograph
