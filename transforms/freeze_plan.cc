#include "transforms/freeze_plan.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/variable_keys.h"
#include "graph/control_flow.h"
#include "graph/frames.h"
#include "transforms/freeze_checks.h"

namespace cryograph {
namespace {

constexpr absl::string_view kColocationPrefix = "loc:@";

class Planner {
 public:
  Planner(Model& model, const FreezeOptions& options, FreezeReport& report)
      : model_(model), graph_(model.graph()), options_(options), report_(report) {}

  absl::StatusOr<FreezePlan> Run() {
    report_.nodes_total = graph_.num_nodes();
    RETURN_IF_ERROR(ResolveOutputs());
    RETURN_IF_ERROR(SplitGroupedOps());
    Classify();
    RETURN_IF_ERROR(CheckHasVariables());
    const std::vector<char> everything = NodesNeeded(graph_, plan_, options_, plan_.outputs);
    RETURN_IF_ERROR(ChooseVariables(everything));
    FollowVariables(everything);
    DropUpdates(everything);
    FindAnchors(everything);
    plan_.keep = NodesNeeded(graph_, plan_, options_, plan_.outputs);
    RETURN_IF_ERROR(CheckPlan(model_, options_, plan_, report_));
    FillReport();
    return std::move(plan_);
  }

 private:
  static uint32_t Index(NodeId id) { return static_cast<uint32_t>(id); }
  FreezeOp Class(NodeId id) const { return plan_.Class(graph_.node(id)); }

  void Classify() {
    plan_.classes.resize(static_cast<size_t>(graph_.num_ops()));
    for (int i = 0; i < graph_.num_ops(); ++i) {
      plan_.classes[static_cast<size_t>(i)] = ClassifyForFreezing(graph_.OpName(i));
    }
    const FunctionTable functions(model_);
    plan_.kinds.resize(plan_.classes.size());
    for (int i = 0; i < graph_.num_ops(); ++i) {
      plan_.kinds[static_cast<size_t>(i)] = functions.Kind(graph_.OpName(i));
    }
    plan_.dropped.assign(graph_.id_limit(), 0);
    plan_.carries.assign(graph_.id_limit(), -1);
  }

  // Nodes that nothing reads and that look like results.
  std::vector<std::string> Sinks() {
    std::vector<std::string> sinks;
    for (Node node : graph_.nodes()) {
      const absl::string_view op = node.op();
      if (!node.uses().empty() || op == "NoOp" || op == "Const" || absl::StrContains(op, "Assign") ||
          absl::StartsWith(op, "Save") || absl::StrContains(op, "Summary") || IsVariableOp(op)) {
        continue;
      }
      sinks.emplace_back(node.name());
    }
    return sinks;
  }

  absl::Status ResolveOutputs() {
    for (const std::string& text : options_.outputs) {
      const absl::string_view name = absl::StripAsciiWhitespace(text);
      if (name.empty()) {
        report_.notes.push_back("an empty name among the outputs was ignored (CG103)");
        continue;
      }
      const Node node = FindTensor(graph_, name);
      if (!node) return UnknownOutput(name);
      if (node.name() != name) {
        report_.notes.push_back(
            absl::StrCat("the output '", name, "' names the node '", node.name(), "' (CG102)"));
      }
      if (std::find(plan_.outputs.begin(), plan_.outputs.end(), node) == plan_.outputs.end()) {
        plan_.outputs.push_back(node);
      }
    }
    if (!plan_.outputs.empty()) return absl::OkStatus();
    std::vector<std::string> lines;
    if (const std::vector<std::string> sinks = Sinks(); !sinks.empty()) {
      lines.push_back(absl::StrCat("try: nodes that nothing reads: ", NameList(sinks, 10)));
    }
    if (const std::vector<std::string> tensors = SignatureOutputs(); !tensors.empty()) {
      lines.push_back(absl::StrCat("try: outputs of the signatures: ", NameList(tensors, 10)));
    }
    return FreezeError(absl::StatusCode::kInvalidArgument, "CG104", "no output node is given", lines);
  }

  absl::Status UnknownOutput(absl::string_view name) {
    std::vector<absl::string_view> names;
    absl::string_view below;
    const std::string scope = absl::StrCat(name, "/");
    for (Node node : graph_.nodes()) {
      names.push_back(node.name());
      if (absl::StartsWith(node.name(), scope)) below = node.name();
    }
    std::vector<std::string> lines;
    const std::vector<std::string> near = NearestNames(name, names, 3);
    if (!near.empty()) lines.push_back(absl::StrCat("try: the nearest names: ", NameList(near, 3)));
    if (!below.empty()) {
      lines.push_back(absl::StrCat("try: '", name, "' is a scope; its last node is '", below, "'"));
    }
    if (const std::vector<std::string> sinks = Sinks(); !sinks.empty()) {
      lines.push_back(absl::StrCat("try: nodes that nothing reads: ", NameList(sinks, 10)));
    }
    if (const std::vector<std::string> tensors = SignatureOutputs(); !tensors.empty()) {
      lines.push_back(absl::StrCat("try: outputs of the signatures: ", NameList(tensors, 10)));
    }
    lines.push_back(
        "why: names are those of the graph, not of the program's variables or layers; a Keras layer 'dense' "
        "ends in "
        "'dense/BiasAdd' or 'dense/Softmax'");
    return FreezeError(
        absl::StatusCode::kNotFound, "CG101",
        absl::StrCat(model_.path, model_.path.empty() ? "" : ": ", "the graph has no node '", name, "'"),
        lines);
  }

  // Tensor names of all signatures' outputs: MetaGraphDef.signature_def (5) → value (2) → outputs (2) → value
  // (2) → name (1).
  std::vector<std::string> SignatureOutputs() const {
    std::vector<std::string> tensors;
    const auto each = [](absl::string_view message, uint32_t number, auto&& body) {
      WireReader reader(message);
      WireField field;
      while (reader.Next(&field)) {
        if (field.number == number && field.type == WireType::kBytes) body(field.bytes);
      }
    };
    for (const RawField& field : model_.meta_fields) {
      if (field.number != 5) continue;
      each(field.payload, 2, [&](absl::string_view signature) {
        each(signature, 2, [&](absl::string_view output) {
          each(output, 2, [&](absl::string_view info) {
            each(info, 1, [&](absl::string_view name) {
              if (std::find(tensors.begin(), tensors.end(), name) == tensors.end())
                tensors.emplace_back(name);
            });
          });
        });
      });
    }
    return tensors;
  }

  // _VarHandlesOp and _ReadVariablesOp are several VarHandleOps and ReadVariableOps in one node.
  absl::Status SplitGroupedOps() {
    for (Node node : graph_.nodes()) {
      const bool handles = node.op() == "_VarHandlesOp";
      if (!handles && node.op() != "_ReadVariablesOp") continue;
      const AttrView dtypes = node.attr("dtypes");
      const std::vector<DataType> types = dtypes.list_type();
      const std::vector<absl::string_view> containers = node.attr("containers").list_s();
      const std::vector<absl::string_view> shared_names = node.attr("shared_names").list_s();
      const std::vector<PartialShape> shapes = node.attr("shapes").list_shape();
      if (handles ? types.size() != shared_names.size() || types.size() != shapes.size()
                  : static_cast<int>(types.size()) != node.num_inputs()) {
        return absl::InvalidArgumentError(
            absl::StrCat("node '", node.name(), "' (", node.op(),
                         "): its attributes disagree on how many variables it holds"));
      }
      std::vector<Node> parts,
          waits_for;  // The second is copied: the node's own list ends with the first edit.
      for (const ControlEdge& edge : node.control_inputs()) waits_for.push_back(graph_.node(edge.node));
      for (size_t i = 0; i < types.size(); ++i) {
        std::vector<Output> inputs;
        if (!handles) inputs.push_back(node.input(static_cast<int>(i)));
        ASSIGN_OR_RETURN(Node part, graph_.AddNode(graph_.UniqueName(absl::StrCat(node.name(), "/", i)),
                                                   handles ? "VarHandleOp" : "ReadVariableOp", inputs, node));
        graph_.SetDevice(part, std::string(node.device()));
        graph_.SetAttr(part, "dtype", AttrType(types[i]));
        if (handles) {
          graph_.SetAttr(part, "shape", AttrShape(shapes[i]));
          graph_.SetAttr(part, "shared_name", AttrString(shared_names[i]));
          graph_.SetAttr(part, "container",
                         AttrString(i < containers.size() ? containers[i] : absl::string_view()));
        }
        for (Node from : waits_for) graph_.AddControlInput(part, from);
        parts.push_back(part);
      }
      const std::vector<Use> uses(node.uses().begin(), node.uses().end());
      for (const Use& use : uses) {
        const Node user = graph_.node(use.user);
        if (use.slot == kControl) {
          for (Node part : parts) graph_.AddControlInput(user, part);
          continue;
        }
        const int32_t port = user.input(use.slot).index;
        if (port < 0 || static_cast<size_t>(port) >= parts.size()) {
          return absl::InvalidArgumentError(absl::StrCat("node '", user.name(), "' reads '", node.name(), ":",
                                                         port, "', which has ", parts.size(), " outputs"));
        }
        graph_.SetInput(user, use.slot, parts[static_cast<size_t>(port)].out());
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckHasVariables() {
    int variables = 0, constants = 0;
    for (Node node : graph_.nodes()) {
      const FreezeOp type = Class(node.id());
      if (type == FreezeOp::kVariable || type == FreezeOp::kHandle) ++variables;
      if (node.op() == "Const") ++constants;
    }
    if (variables > 0) return absl::OkStatus();
    const bool meta = !model_.meta_fields.empty();
    const std::string what = absl::StrCat("this ", meta ? "MetaGraph" : "graph", " holds ", constants,
                                          " constants and no variable; it is frozen already");
    if (options_.allow_frozen) {
      report_.notes.push_back(what);
      return absl::OkStatus();
    }
    return FreezeError(absl::StatusCode::kFailedPrecondition, meta ? "CG125" : "CG124", what,
                       {"try: --allow_frozen (in a spec: allow_frozen=true) copies what the outputs need"});
  }

  absl::Status ChooseVariables(const std::vector<char>& reached) {
    const auto names = [](const std::vector<std::string>& list) {
      absl::flat_hash_set<absl::string_view> set;
      for (absl::string_view name : list) {
        name = absl::StripAsciiWhitespace(name);
        absl::ConsumeSuffix(&name, ":0");
        if (!name.empty()) set.insert(name);
      }
      return set;
    };
    const auto allow = names(options_.allow), deny = names(options_.deny);
    std::vector<absl::string_view> variables;
    for (Node node : graph_.nodes()) {
      if (IsVariableOp(node.op())) variables.push_back(node.name());
    }
    const absl::flat_hash_set<absl::string_view> known(variables.begin(), variables.end());
    for (const std::vector<std::string>* list : {&options_.allow, &options_.deny}) {
      for (absl::string_view name : *list) {
        name = absl::StripAsciiWhitespace(name);
        absl::ConsumeSuffix(&name, ":0");
        if (name.empty() || known.contains(name)) continue;
        report_.notes.push_back(absl::StrCat("the ", list == &options_.allow ? "allow" : "deny",
                                             " list names '", name, "', which is no variable of the graph",
                                             DidYouMean(NearestNames(name, variables)), " (CG142)"));
      }
    }
    size_t needed = 0;
    for (Node node : graph_.nodes()) {
      if (reached[Index(node.id())] == 0 || !IsVariableOp(node.op())) continue;
      ++needed;
      const bool chosen = (allow.empty() || allow.contains(node.name())) && !deny.contains(node.name());
      FreezePlan::Carried carried;
      carried.variable = node;
      carried.dtype = node.attr("dtype", DT_INVALID);
      carried.resource = Class(node.id()) == FreezeOp::kHandle;
      carried.frozen = chosen;
      if (chosen && BaseType(carried.dtype) == DT_INVALID) {
        return absl::InvalidArgumentError(
            absl::StrCat("node '", node.name(), "' (", node.op(), ") has no attribute 'dtype'"));
      }
      plan_.carries[Index(node.id())] = static_cast<int32_t>(plan_.carried.size());
      plan_.carried.push_back(carried);
      if (chosen) plan_.frozen.push_back(node);
    }
    if (needed > 0 && plan_.frozen.empty()) {
      return FreezeError(absl::StatusCode::kInvalidArgument, "CG142",
                         absl::StrCat("0 of ", needed,
                                      " variables selected: the allow and deny lists leave none to freeze"));
    }
    return absl::OkStatus();
  }

  // True if `user` gives on, as its output 0 (a Switch: also 1), the variable that its input `slot` is.
  bool HandsOn(Node user, int slot, const FreezePlan::Carried& carried) {
    switch (Class(user.id())) {
      case FreezeOp::kForward:
        return carried.resource && (slot == 0 || IsMerge(user.op()));
      case FreezeOp::kRefForward:
        return !carried.resource && (slot == 0 || IsMerge(user.op()));
      case FreezeOp::kRefSelect:
        return !carried.resource && slot > 0;
      case FreezeOp::kRefUpdate:
        return !carried.resource && slot == 0 && user.op() != "CountUpTo";
      default:
        return carried.resource && plan_.Kind(user) == CallKind::kWhile;
    }
  }

  void FollowVariables(const std::vector<char>& reached) {
    std::vector<NodeId> work;
    absl::flat_hash_set<std::pair<NodeId, int32_t>> seen;
    for (const FreezePlan::Carried& carried : plan_.carried) work.push_back(carried.variable.id());
    while (!work.empty()) {
      const Node node = graph_.node(work.back());
      work.pop_back();
      for (const Use& use : node.uses()) {
        if (use.slot == kControl || reached[Index(use.user)] == 0) continue;
        const Node user = graph_.node(use.user);
        const FreezePlan::Carried* variable = plan_.Of(user.input(use.slot));
        if (variable == nullptr) continue;
        if (!HandsOn(user, use.slot, *variable)) continue;
        if (plan_.Kind(user) == CallKind::kWhile) {  // Of() looks through it; once for each of its inputs.
          if (seen.emplace(use.user, use.slot).second) work.push_back(use.user);
          continue;
        }
        int32_t& mark = plan_.carries[Index(use.user)];
        if (mark >= 0) continue;
        mark = static_cast<int32_t>(variable - plan_.carried.data());
        work.push_back(use.user);
      }
    }
  }

  // Update ops that are there for their effect alone are dropped, with all that only their value leads to.
  // One whose value decides about control flow cannot be: those stay, for the state policy.
  void DropUpdates(const std::vector<char>& reached) {
    const std::vector<char> for_value =
        NodesNeeded(graph_, plan_, options_, plan_.outputs, /*data_only=*/true);
    std::vector<char> doomed(graph_.id_limit(), 0);
    for (Node node : graph_.nodes()) {
      if (reached[Index(node.id())] == 0 || for_value[Index(node.id())] != 0 ||
          plan_.UpdatedBy(node) == nullptr)
        continue;
      std::vector<NodeId> branch = {node.id()};
      std::vector<char*> marks;
      bool decides = false;
      for (size_t i = 0; i < branch.size() && !decides; ++i) {
        char& mark = doomed[Index(branch[i])];
        if (mark != 0) continue;
        mark = 1;
        marks.push_back(&mark);
        for (const Use& use : graph_.node(branch[i]).uses()) {
          if (use.slot == kControl || reached[Index(use.user)] == 0) continue;
          const Node user = graph_.node(use.user);
          decides = decides || IsLoopCond(user.op()) || (IsSwitch(user.op()) && use.slot == 1);
          branch.push_back(use.user);
        }
      }
      if (decides) {
        for (char* mark : marks) *mark = 0;
      } else if (Class(node.id()) != FreezeOp::kRelease) {
        ++report_.dropped_updates;
      }
    }
    plan_.dropped = std::move(doomed);
    if (report_.dropped_updates > 0) {
      report_.notes.push_back(
          absl::StrCat("dropped ", report_.dropped_updates,
                       " update ops that were reached only through control dependencies"));
    }
  }

  bool IsDropped(NodeId id) const { return plan_.dropped[Index(id)] != 0; }

  void FindAnchors(const std::vector<char>& reached) {
    if (report_.dropped_updates == 0) return;
    const FrameInfo frames = FrameInfo::Analyze(graph_);
    for (Node node : graph_.nodes()) {
      if (reached[Index(node.id())] == 0 || IsDropped(node.id())) continue;
      const absl::Span<const ControlEdge> controls = node.control_inputs();
      if (std::none_of(controls.begin(), controls.end(),
                       [this](ControlEdge edge) { return IsDropped(edge.node); })) {
        continue;
      }
      for (int position : frames.GuardingControls(node)) {
        const NodeId from = controls[static_cast<size_t>(position)].node;
        FreezePlan::Anchor anchor;
        if (IsDropped(from) && FindAnchor(from, &anchor)) plan_.anchors[node.id()].push_back(anchor);
      }
    }
  }

  // What `dropped`, in its frame and branch, waits for and that stays.
  bool FindAnchor(NodeId dropped, FreezePlan::Anchor* anchor) const {
    std::vector<NodeId> queue = {dropped};
    absl::flat_hash_set<NodeId> seen = {dropped};
    for (size_t i = 0; i < queue.size(); ++i) {
      const Node node = graph_.node(queue[i]);
      if (IsEnter(node.op()) || IsExit(node.op())) continue;  // Another frame lies behind.
      for (const ControlEdge& edge : node.control_inputs()) {
        if (IsDropped(edge.node)) {
          if (seen.insert(edge.node).second) queue.push_back(edge.node);
        } else if (HasInputs(edge.node)) {
          *anchor = {{edge.node, 0}, /*control=*/true};
          return true;
        }
      }
      for (const InputEdge& edge : node.inputs()) {
        if (IsDropped(edge.node)) {
          if (seen.insert(edge.node).second) queue.push_back(edge.node);
        } else if (HasInputs(edge.node) && !IsEnter(graph_.node(edge.node).op())) {
          *anchor = {edge, /*control=*/false};
          return true;
        }
      }
    }
    // An Enter is in the loop too, but keeps its variable alive: better than nothing.
    for (NodeId id : queue) {
      for (const InputEdge& edge : graph_.node(id).inputs()) {
        if (IsDropped(edge.node) || !HasInputs(edge.node)) continue;
        *anchor = {edge, /*control=*/false};
        return true;
      }
    }
    return false;
  }

  // A node without inputs is everywhere and holds nothing in its place.
  bool HasInputs(NodeId id) const {
    const Node node = graph_.node(id);
    return node.num_inputs() > 0 || !node.control_inputs().empty();
  }

  void FillReport() {
    // Dropped and unreached variables need no value.
    std::vector<Node> frozen;
    for (Node node : plan_.frozen) {
      if (plan_.Keeps(node.id())) frozen.push_back(node);
    }
    plan_.frozen = std::move(frozen);
    for (const FreezePlan::Carried& carried : plan_.carried) {
      if (!carried.frozen && plan_.Keeps(carried.variable.id()))
        report_.left.emplace_back(carried.variable.name());
    }
    if (!report_.left.empty()) {
      report_.notes.push_back(absl::StrCat(
          report_.left.size(), report_.left.size() == 1 ? " variable stays" : " variables stay",
          " and must be initialised by whoever runs the graph: ", NameList(report_.left, 10), " (CG143)"));
    }
    for (Node node : graph_.nodes()) {
      if (!plan_.Keeps(node.id())) continue;
      if (Class(node.id()) == FreezeOp::kPlaceholder)
        report_.inputs.push_back(absl::StrCat(node.name(), ":0"));
    }
  }

  Model& model_;
  Graph& graph_;
  const FreezeOptions& options_;
  FreezeReport& report_;
  FreezePlan plan_;
};

}  // namespace

std::vector<char> NodesNeeded(Graph& graph, const FreezePlan& plan, const FreezeOptions& options,
                              const std::vector<Node>& from, bool data_only, const std::vector<char>* stop) {
  std::vector<char> seen(graph.id_limit(), 0);
  std::vector<NodeId> stack;
  const auto visit = [&](NodeId id) {
    char& mark = seen[static_cast<uint32_t>(id)];
    if (mark != 0 || plan.dropped[static_cast<uint32_t>(id)] != 0) return;
    mark = 1;
    if (stop == nullptr || (*stop)[static_cast<uint32_t>(id)] == 0) stack.push_back(id);
  };
  for (Node node : from) visit(node.id());
  while (!stack.empty()) {
    const Node node = graph.node(stack.back());
    stack.pop_back();
    if (!graph.alive(node.id())) continue;
    for (const InputEdge& edge : node.inputs()) visit(edge.node);
    if (data_only) continue;
    for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
    if (const auto anchors = plan.anchors.find(node.id()); anchors != plan.anchors.end()) {
      for (const FreezePlan::Anchor& anchor : anchors->second) visit(anchor.from.node);
    }
    if (options.drop_colocation) continue;
    const AttrView colocation = node.attr("_class");
    if (colocation.kind() != AttrView::kList) continue;
    for (absl::string_view entry : colocation.list_s()) {
      if (!absl::ConsumePrefix(&entry, kColocationPrefix)) continue;
      if (Node other = graph.Find(entry)) visit(other.id());
    }
  }
  return seen;
}

Node FindTensor(Graph& graph, absl::string_view name) {
  if (Node node = graph.Find(name)) return node;
  if (!name.empty() && name[0] == '^') name.remove_prefix(1);
  const size_t colon = name.rfind(':');
  int port;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(name.substr(colon + 1), &port)) return Node();
  return graph.Find(name.substr(0, colon));
}

std::string NameList(const std::vector<std::string>& names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < limit; ++i)
    absl::StrAppend(&text, i == 0 ? "" : ", ", "'", names[i], "'");
  if (names.size() > limit) absl::StrAppend(&text, " and ", names.size() - limit, " more");
  return text;
}

const FreezePlan::Carried* FreezePlan::UpdatedBy(Node node) const {
  const FreezeOp type = Class(node);
  if (type != FreezeOp::kRefUpdate && type != FreezeOp::kOther && type != FreezeOp::kRelease) return nullptr;
  const int references = type == FreezeOp::kRefUpdate ? NumReferenceInputs(node.op()) : node.num_inputs();
  for (int slot = 0; slot < std::min(references, node.num_inputs()); ++slot) {
    const Carried* carried = Of(node.input(slot));
    if (carried == nullptr || !carried->frozen) continue;
    if (carried->resource != (type == FreezeOp::kRefUpdate)) return carried;
  }
  return nullptr;
}

absl::Status FreezeError(absl::StatusCode code, absl::string_view id, absl::string_view what,
                         const std::vector<std::string>& lines) {
  std::string message = absl::StrCat(what, " (", id, ")");
  for (const std::string& line : lines) absl::StrAppend(&message, "\n", line);
  return absl::Status(code, message);
}

const FreezePlan::Carried* FreezePlan::Of(Output output) const {
  if (carried.empty()) return nullptr;
  Graph& graph = carried[0].variable.graph();
  for (size_t step = 0; step <= carries.size(); ++step) {
    const uint32_t id = static_cast<uint32_t>(output.node);
    if (id >= carries.size()) return nullptr;
    const Node node(&graph, output.node);
    if (carries[id] >= 0) {
      if (output.index != 0 && !IsSwitch(node.op())) return nullptr;
      return &carried[static_cast<size_t>(carries[id])];
    }
    // A While gives back what it was handed; one behind the other is a chain.
    if (node.is_missing() || Kind(node) != CallKind::kWhile || output.index < 0 ||
        output.index >= node.num_inputs()) {
      return nullptr;
    }
    output = node.input(output.index);
  }
  return nullptr;
}

absl::StatusOr<FreezePlan> PlanFreezing(Model& model, const FreezeOptions& options, FreezeReport& report) {
  return Planner(model, options, report).Run();
}

}  // namespace cryograph
