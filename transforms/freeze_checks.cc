#include "transforms/freeze_checks.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "transforms/freeze_advice.h"
#include "transforms/value_of_update.h"

namespace cryograph {
namespace {

class Checker {
 public:
  Checker(Model& model, const FreezeOptions& options, FreezePlan& plan, FreezeReport& report)
      : model_(model), graph_(model.graph()), options_(options), plan_(plan), report_(report) {}

  absl::Status Run() {
    RETURN_IF_ERROR(CheckNames());
    RETURN_IF_ERROR(CheckCycles());
    RETURN_IF_ERROR(CheckConsumers());
    RETURN_IF_ERROR(CheckForeignState());
    return absl::OkStatus();
  }

 private:
  static uint32_t Index(NodeId id) { return static_cast<uint32_t>(id); }

  absl::Status CheckNames() {
    for (Node node : graph_.nodes()) {
      if (!plan_.Keeps(node.id())) continue;
      if ((node.defects() & kDefectDuplicateName) != 0) {
        return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' stands twice in the graph"));
      }
      for (int slot = 0; slot < node.num_inputs(); ++slot) {
        if (!node.input_node(slot).is_missing()) continue;
        return Dangling(node, node.input_node(slot).name());
      }
      for (const ControlEdge& edge : node.control_inputs()) {
        if (graph_.node(edge.node).is_missing())
          return Dangling(node, absl::StrCat("^", graph_.node(edge.node).name()));
      }
    }
    // References go to the last bearer of a name, so that an earlier one may not be among what is kept.
    for (Node node : graph_.nodes()) {
      if ((node.defects() & kDefectDuplicateName) == 0) continue;
      const Node bearer = graph_.Find(node.name());
      if (bearer && plan_.Keeps(bearer.id())) {
        return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' stands twice in the graph"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Dangling(Node node, absl::string_view input) {
    std::vector<absl::string_view> names;
    for (Node other : graph_.nodes()) names.push_back(other.name());
    return absl::InvalidArgumentError(
        absl::StrCat("node '", node.name(), "' (", node.op(), ") reads '", input,
                     "', but the graph has no node of that name",
                     DidYouMean(NearestNames(absl::StripPrefix(input, "^"), names))));
  }

  // What is kept must have a topological order, with NextIteration as the only way back.
  absl::Status CheckCycles() {
    std::vector<int32_t> waiting(graph_.id_limit(), 0);
    std::vector<NodeId> ready;
    size_t kept = 0;
    const auto counts = [&](NodeId from, Node to) {
      return plan_.Keeps(from) && !(IsMerge(to.op()) && IsNextIteration(graph_.node(from).op()));
    };
    for (Node node : graph_.nodes()) {
      if (!plan_.Keeps(node.id())) continue;
      ++kept;
      int32_t& count = waiting[Index(node.id())];
      for (const InputEdge& edge : node.inputs()) count += counts(edge.node, node) ? 1 : 0;
      for (const ControlEdge& edge : node.control_inputs()) count += counts(edge.node, node) ? 1 : 0;
      if (count == 0) ready.push_back(node.id());
    }
    for (size_t i = 0; i < ready.size(); ++i) {
      const Node node = graph_.node(ready[i]);
      for (const Use& use : node.uses()) {
        if (!plan_.Keeps(use.user) || !counts(node.id(), graph_.node(use.user))) continue;
        if (--waiting[Index(use.user)] == 0) ready.push_back(use.user);
      }
    }
    if (ready.size() == kept) return absl::OkStatus();
    // From any node that still waits, the way back through what it waits for runs into the cycle.
    Node node;
    for (Node other : graph_.nodes()) {
      if (plan_.Keeps(other.id()) && waiting[Index(other.id())] > 0) {
        node = other;
        break;
      }
    }
    std::vector<Node> path;
    absl::flat_hash_map<NodeId, size_t> place;
    while (node && place.emplace(node.id(), path.size()).second) {
      path.push_back(node);
      Node next;
      const auto consider = [&](NodeId id) {
        if (!next && counts(id, node) && waiting[Index(id)] > 0) next = graph_.node(id);
      };
      for (const InputEdge& edge : node.inputs()) consider(edge.node);
      for (const ControlEdge& edge : node.control_inputs()) consider(edge.node);
      node = next;
    }
    std::vector<std::string> names;
    for (size_t i = node ? place[node.id()] : 0; i < path.size(); ++i) names.emplace_back(path[i].name());
    return absl::InvalidArgumentError(
        absl::StrCat(names.size(), " nodes of the graph form a cycle: ", NameList(names, 8)));
  }

  // Why `target` is needed: "'y' <- 'bn/Merge' (Merge) <- …".
  std::string PathTo(Node target) {
    std::vector<NodeId> parent(graph_.id_limit(), kNoNode);
    std::vector<char> seen(graph_.id_limit(), 0);
    std::vector<NodeId> queue;
    for (Node node : plan_.outputs) {
      seen[Index(node.id())] = 1;
      queue.push_back(node.id());
    }
    for (size_t i = 0; i < queue.size() && seen[Index(target.id())] == 0; ++i) {
      const Node node = graph_.node(queue[i]);
      const auto visit = [&](NodeId id) {
        if (!plan_.Keeps(id) || seen[Index(id)] != 0) return;
        seen[Index(id)] = 1;
        parent[Index(id)] = node.id();
        queue.push_back(id);
      };
      for (const InputEdge& edge : node.inputs()) visit(edge.node);
      for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
    }
    std::vector<std::string> steps;
    for (NodeId id = target.id(); id != kNoNode; id = parent[Index(id)]) {
      const Node node = graph_.node(id);
      steps.push_back(absl::StrCat("'", node.name(), "' (", node.op(), ")"));
    }
    std::reverse(steps.begin(), steps.end());
    if (steps.size() > 12) {  // Both ends tell the story.
      steps.erase(steps.begin() + 6, steps.end() - 5);
      steps.insert(steps.begin() + 6, "…");
    }
    return absl::StrJoin(steps, " <- ");
  }

  absl::Status CheckConsumers() {
    for (Node node : graph_.nodes()) {
      if (!plan_.Keeps(node.id())) continue;
      const FreezeOp type = plan_.Class(node);
      if (type == FreezeOp::kTemporary) {
        return absl::FailedPreconditionError(absl::StrCat(
            "node '", node.name(), "' (", node.op(),
            ") is a temporary variable: it gets its value anew in every run, so no checkpoint has one\n",
            "why: needed by ", PathTo(node)));
      }
      RETURN_IF_ERROR(CheckMerged(node));
      const FreezePlan::Carried* updated = plan_.UpdatedBy(node);
      if (updated == nullptr) continue;
      if (updated->resource && type == FreezeOp::kOther && plan_.Kind(node) != CallKind::kNone) {
        plan_.calls.push_back(node);
        continue;
      }
      if (updated->resource && type == FreezeOp::kOther && CallsFunction(node)) {
        return absl::UnimplementedError(absl::StrCat(
            "node '", node.name(), "' (", node.op(), ") hands the variable '", updated->variable.name(),
            "' to a function that it does not simply call\nwhy: needed by ", PathTo(node)));
      }
      if (type == FreezeOp::kRelease) continue;
      RETURN_IF_ERROR(CheckUpdate(node, *updated));
      plan_.updates.push_back(node);
    }
    return absl::OkStatus();
  }

  // All that meets in a Merge must be variables of one type, and all frozen or none.
  absl::Status CheckMerged(Node node) {
    const int32_t mark = plan_.carries[Index(node.id())];
    if (mark < 0 || (!IsMerge(node.op()) && plan_.Class(node) != FreezeOp::kRefSelect))
      return absl::OkStatus();
    const FreezePlan::Carried& first = plan_.carried[static_cast<size_t>(mark)];
    for (int slot = IsMerge(node.op()) ? 0 : 1; slot < node.num_inputs(); ++slot) {
      const FreezePlan::Carried* other = plan_.Of(node.input(slot));
      if (other != nullptr && other->frozen == first.frozen &&
          BaseType(other->dtype) == BaseType(first.dtype))
        continue;
      return absl::FailedPreconditionError(
          absl::StrCat("node '", node.name(), "' (", node.op(), ") chooses between the variable '",
                       first.variable.name(), "' and ",
                       other == nullptr ? absl::StrCat("'", node.input_node(slot).name(), "', which is none")
                                        : absl::StrCat("'", other->variable.name(), "'"),
                       other != nullptr && other->frozen != first.frozen ? ", of which only one is frozen"
                                                                         : ", which cannot both be frozen"));
    }
    return absl::OkStatus();
  }

  bool CallsFunction(Node node) {
    if (model_.FindFunction(node.op()) != nullptr) return true;
    for (absl::string_view key : node.attr_keys()) {
      const AttrView attr = node.attr(key);
      if (attr.kind() == AttrView::kFunc || (attr.kind() == AttrView::kList && !attr.list_func().empty()))
        return true;
    }
    return false;
  }

  static bool HasPureForm(Node node) {
    const absl::string_view op = node.op();
    return HasValueForm(node) || ((op == "CountUpTo" || op == "ResourceCountUpTo") && node.num_inputs() == 1);
  }

  bool HasDataReader(Node node) {
    for (const Use& use : node.uses()) {
      if (use.slot != kControl && plan_.Keeps(use.user)) return true;
    }
    return false;
  }

  absl::Status CheckUpdate(Node node, const FreezePlan::Carried& carried) {
    // What the op gives is its first input, which may be a variable that stays while a slot of it is frozen.
    const FreezePlan::Carried* given = plan_.Of(node.input(0));
    const bool other = given == nullptr || !given->frozen;
    const bool unknown =
        (other || (carried.resource && node.op() != "ResourceCountUpTo")) && HasDataReader(node);
    if (options_.state == StatePolicy::kDrop && !unknown) return absl::OkStatus();
    if (options_.state == StatePolicy::kPure && HasPureForm(node) && !unknown) return absl::OkStatus();
    std::vector<std::string> lines = {absl::StrCat("why: ", PathTo(node))};
    std::string cause = "batch norm update ops, a step counter, or moving averages";
    const absl::string_view name = node.name();
    if (absl::StrContains(name, "AssignMovingAvg") || absl::StrContains(name, "moving_")) {
      cause = "batch norm or moving averages that are updated while the graph is used";
    } else if (absl::StrContains(name, "global_step")) {
      cause = "a step counter";
    }
    lines.push_back(absl::StrCat("why: the usual cause is ", cause));
    if (unknown) {
      lines.push_back(
          "try: name an output before this op; what the op computes from the variable is not known");
      return FreezeError(absl::StatusCode::kFailedPrecondition, "CG132",
                         absl::StrCat("the output needs the value of '", name, "' (", node.op(),
                                      "), which takes the variable '", carried.variable.name(), "' itself"),
                         lines);
    }
    if (const std::string set = PlaceholderThatAvoids(graph_, node); !set.empty()) {
      lines.push_back(absl::StrCat("try: --set=", set, " (in a spec: prune_branches(set=\"", set,
                                   "\") before this) takes the branch without it"));
    }
    if (options_.state == StatePolicy::kPure) {
      lines.push_back("try: state=drop, or name an output before this op");
    } else {
      lines.push_back(
          "try: --state=drop (in a spec: state=drop) takes the variable's frozen value instead; --state=pure "
          "what the "
          "op's first run gives; or name an output before this op");
    }
    return FreezeError(
        absl::StatusCode::kFailedPrecondition, "CG132",
        absl::StrCat("the output needs the value of '", name, "' (", node.op(),
                     "), which changes the variable '", carried.variable.name(), "'",
                     options_.state == StatePolicy::kPure ? " and has no form without state" : ""),
        lines);
  }

  // Names of inputs, outputs and neighbours of `nodes`, for messages.
  std::vector<std::string> Ports(const std::vector<Node>& nodes) {
    std::vector<std::string> ports;
    for (Node node : nodes) {
      int32_t last = 0;
      for (const Use& use : node.uses()) {
        if (use.slot != kControl) last = std::max(last, graph_.node(use.user).input(use.slot).index);
      }
      for (int32_t port = 0; port <= last && port < 16; ++port)
        ports.push_back(absl::StrCat(node.name(), ":", port));
    }
    return ports;
  }

  absl::Status CheckForeignState() {
    // What stands behind a fed input will never run.
    std::vector<char> running = plan_.keep;
    if (!options_.inputs.empty()) {
      std::vector<char> fed(graph_.id_limit(), 0);
      for (absl::string_view name : options_.inputs) {
        if (Node node = FindTensor(graph_, absl::StripAsciiWhitespace(name))) fed[Index(node.id())] = 1;
      }
      running = NodesNeeded(graph_, plan_, options_, plan_.outputs, /*data_only=*/false, &fed);
      for (uint32_t i = 0; i < graph_.id_limit(); ++i) running[i] = running[i] != 0 && fed[i] == 0;
    }
    std::vector<Node> py_funcs, pipeline;
    std::vector<std::string> tables;
    for (Node node : graph_.nodes()) {
      if (running[Index(node.id())] == 0) continue;
      switch (plan_.Class(node)) {
        case FreezeOp::kPyFunc:
          py_funcs.push_back(node);
          break;
        case FreezeOp::kPipeline:
          pipeline.push_back(node);
          break;
        case FreezeOp::kTable:
          tables.emplace_back(node.name());
          break;
        default:
          break;
      }
    }
    if (!py_funcs.empty()) {
      const Node node = py_funcs[0];
      std::vector<std::string> inputs, readers;
      for (const InputEdge& edge : node.inputs()) {
        inputs.push_back(absl::StrCat(graph_.node(edge.node).name(), ":", edge.index));
      }
      for (const Use& use : node.uses()) {
        if (plan_.Keeps(use.user)) readers.emplace_back(graph_.node(use.user).name());
      }
      const std::string what = absl::StrCat(
          py_funcs.size() == 1 ? "" : absl::StrCat(py_funcs.size(), " nodes call Python; the first is "),
          "node '", node.name(), "' (", node.op(),
          py_funcs.size() == 1 ? ") calls a Python function, which is not part of the graph" : ")");
      if (!options_.allow_py_func) {
        return FreezeError(
            absl::StatusCode::kFailedPrecondition, "CG138", what,
            {absl::StrCat("why: ", PathTo(node)),
             absl::StrCat("try: name an output before it (", NameList(inputs, 4), ") or feed what it gives (",
                          NameList(Ports({node}), 4), ", read by ", NameList(readers, 4), ") as an input"),
             "try: --allow_py_func keeps it; the graph then runs only where the function is registered"});
      }
      report_.notes.push_back(absl::StrCat(what, " (CG138)"));
    }
    if (!pipeline.empty()) {
      const std::vector<std::string> ports = Ports(pipeline);
      const std::string what =
          absl::StrCat("node '", pipeline[0].name(), "' (", pipeline[0].op(),
                       ") takes data from an input pipeline, whose state is not part of a frozen graph");
      if (!options_.allow_input_pipeline) {
        return FreezeError(
            absl::StatusCode::kFailedPrecondition, "CG137", what,
            {absl::StrCat("why: ", PathTo(pipeline[0])),
             absl::StrCat("try: cut here: strip_unused_nodes with --inputs=", absl::StrJoin(ports, ",")),
             "try: --allow_input_pipeline keeps it, for a graph that is fed at these ports"});
      }
      report_.notes.push_back(absl::StrCat(what, "; feed ", NameList(ports, 8), " (CG137)"));
    }
    if (!tables.empty() && options_.tables == TablePolicy::kLeave) {
      report_.notes.push_back(absl::StrCat(
          "the graph uses ", tables.size(), tables.size() == 1 ? " lookup table (" : " lookup tables (",
          NameList(tables, 3),
          "), whose contents are not variables: its initializer must be run before use, and it is "
          "kept only if it is among the outputs (CG136)"));
    }
    return absl::OkStatus();
  }

  Model& model_;
  Graph& graph_;
  const FreezeOptions& options_;
  FreezePlan& plan_;
  FreezeReport& report_;
};

}  // namespace

absl::Status CheckPlan(Model& model, const FreezeOptions& options, FreezePlan& plan, FreezeReport& report) {
  return Checker(model, options, plan, report).Run();
}

}  // namespace cryograph
