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

namespace cryograph {
namespace {

constexpr absl::string_view kColocationPrefix = "loc:@";

std::string Quoted(absl::string_view name) { return absl::StrCat("'", name, "'"); }

// Up to `limit` names, quoted, and how many more there are.
std::string NameList(const std::vector<std::string>& names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < limit; ++i) absl::StrAppend(&text, i == 0 ? "" : ", ", Quoted(names[i]));
  if (names.size() > limit) absl::StrAppend(&text, " and ", names.size() - limit, " more");
  return text;
}

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
    const std::vector<char> everything = Reach(/*data_only=*/false, /*from=*/plan_.outputs);
    RETURN_IF_ERROR(ChooseVariables(everything));
    FollowVariables(everything);
    DropUpdates(everything);
    FindAnchors(everything);
    plan_.keep = Reach(false, plan_.outputs);
    RETURN_IF_ERROR(CheckNames());
    RETURN_IF_ERROR(CheckCycles());
    RETURN_IF_ERROR(CheckConsumers());
    RETURN_IF_ERROR(CheckForeignState());
    FillReport();
    return std::move(plan_);
  }

 private:
  static uint32_t Index(NodeId id) { return static_cast<uint32_t>(id); }
  FreezeOp Class(NodeId id) const {
    return classes_[static_cast<size_t>(graph_.node(id).op_id())];
  }

  void Classify() {
    classes_.resize(static_cast<size_t>(graph_.num_ops()));
    for (int i = 0; i < graph_.num_ops(); ++i) {
      classes_[static_cast<size_t>(i)] = ClassifyForFreezing(graph_.OpName(i));
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

  Node FindTensor(absl::string_view name) {
    if (Node node = graph_.Find(name)) return node;
    if (!name.empty() && name[0] == '^') name.remove_prefix(1);
    const size_t colon = name.rfind(':');
    int port;
    if (colon == absl::string_view::npos || !absl::SimpleAtoi(name.substr(colon + 1), &port)) return Node();
    return graph_.Find(name.substr(0, colon));
  }

  absl::Status ResolveOutputs() {
    for (const std::string& text : options_.outputs) {
      const absl::string_view name = absl::StripAsciiWhitespace(text);
      if (name.empty()) {
        report_.notes.push_back("an empty name among the outputs was ignored (CG103)");
        continue;
      }
      const Node node = FindTensor(name);
      if (!node) return UnknownOutput(name);
      if (node.name() != name) {
        report_.notes.push_back(absl::StrCat("the output '", name, "' names the node '", node.name(), "' (CG102)"));
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
        "why: names are those of the graph, not of the program's variables or layers; a Keras layer 'dense' ends in "
        "'dense/BiasAdd' or 'dense/Softmax'");
    return FreezeError(absl::StatusCode::kNotFound, "CG101",
                       absl::StrCat(model_.path, model_.path.empty() ? "" : ": ", "the graph has no node '", name, "'"),
                       lines);
  }

  // Tensor names of all signatures' outputs: MetaGraphDef.signature_def (5) → value (2) → outputs (2) → value (2)
  // → name (1).
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
              if (std::find(tensors.begin(), tensors.end(), name) == tensors.end()) tensors.emplace_back(name);
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
        return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(),
                                                       "): its attributes disagree on how many variables it holds"));
      }
      std::vector<Node> parts;
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
          graph_.SetAttr(part, "container", AttrString(i < containers.size() ? containers[i] : absl::string_view()));
        }
        for (const ControlEdge& edge : node.control_inputs()) graph_.AddControlInput(part, graph_.node(edge.node));
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
          return absl::InvalidArgumentError(absl::StrCat("node '", user.name(), "' reads '", node.name(), ":", port,
                                                         "', which has ", parts.size(), " outputs"));
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

  // Nodes that `from` needs. Control edges and colocations count unless `data_only`; dropped nodes are not entered.
  std::vector<char> Reach(bool data_only, const std::vector<Node>& from, const std::vector<char>* stop = nullptr) {
    std::vector<char> seen(graph_.id_limit(), 0);
    std::vector<NodeId> stack;
    const auto visit = [&](NodeId id) {
      char& mark = seen[Index(id)];
      if (mark != 0 || plan_.dropped[Index(id)] != 0) return;
      mark = 1;
      if (stop == nullptr || (*stop)[Index(id)] == 0) stack.push_back(id);
    };
    for (Node node : from) visit(node.id());
    while (!stack.empty()) {
      const Node node = graph_.node(stack.back());
      stack.pop_back();
      if (!graph_.alive(node.id())) continue;
      for (const InputEdge& edge : node.inputs()) visit(edge.node);
      if (data_only) continue;
      for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
      if (const auto anchors = plan_.anchors.find(node.id()); anchors != plan_.anchors.end()) {
        for (const FreezePlan::Anchor& anchor : anchors->second) visit(anchor.from.node);
      }
      if (options_.drop_colocation) continue;
      const AttrView colocation = node.attr("_class");
      if (colocation.kind() != AttrView::kList) continue;
      for (absl::string_view entry : colocation.list_s()) {
        if (!absl::ConsumePrefix(&entry, kColocationPrefix)) continue;
        if (Node other = graph_.Find(entry)) visit(other.id());
      }
    }
    return seen;
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
        report_.notes.push_back(absl::StrCat("the ", list == &options_.allow ? "allow" : "deny", " list names '", name,
                                             "', which is no variable of the graph",
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
                         absl::StrCat("0 of ", needed, " variables selected: the allow and deny lists leave none to freeze"));
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
        return false;
    }
  }

  // The variable that a reader of `output` gets. Output 1 of a Merge is a number.
  const FreezePlan::Carried* CarriedBy(Output output) const { return plan_.Of(output); }

  void FollowVariables(const std::vector<char>& reached) {
    std::vector<NodeId> work;
    for (const FreezePlan::Carried& carried : plan_.carried) work.push_back(carried.variable.id());
    while (!work.empty()) {
      const Node node = graph_.node(work.back());
      work.pop_back();
      const int32_t number = plan_.carries[Index(node.id())];
      for (const Use& use : node.uses()) {
        if (use.slot == kControl || reached[Index(use.user)] == 0) continue;
        const Node user = graph_.node(use.user);
        if (CarriedBy(user.input(use.slot)) == nullptr) continue;
        if (!HandsOn(user, use.slot, plan_.carried[static_cast<size_t>(number)])) continue;
        int32_t& mark = plan_.carries[Index(use.user)];
        if (mark >= 0) continue;
        mark = number;
        work.push_back(use.user);
      }
    }
  }

  // The frozen variable that `node` is about to change, or null.
  const FreezePlan::Carried* UpdatedBy(Node node) const {
    const FreezeOp type = Class(node.id());
    if (type != FreezeOp::kRefUpdate && type != FreezeOp::kOther && type != FreezeOp::kRelease) return nullptr;
    const int references = type == FreezeOp::kRefUpdate ? NumReferenceInputs(node.op()) : node.num_inputs();
    for (int slot = 0; slot < std::min(references, node.num_inputs()); ++slot) {
      const FreezePlan::Carried* carried = CarriedBy(node.input(slot));
      if (carried == nullptr || !carried->frozen) continue;
      if (carried->resource != (type == FreezeOp::kRefUpdate)) return carried;
    }
    return nullptr;
  }

  // Update ops that are there for their effect alone are dropped, with all that only their value leads to. One whose
  // value decides about control flow cannot be: those stay, for the state policy.
  void DropUpdates(const std::vector<char>& reached) {
    const std::vector<char> for_value = Reach(/*data_only=*/true, plan_.outputs);
    std::vector<char> doomed(graph_.id_limit(), 0);
    for (Node node : graph_.nodes()) {
      if (reached[Index(node.id())] == 0 || for_value[Index(node.id())] != 0 || UpdatedBy(node) == nullptr) continue;
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
      report_.notes.push_back(absl::StrCat("dropped ", report_.dropped_updates,
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
      if (std::none_of(controls.begin(), controls.end(), [this](ControlEdge edge) { return IsDropped(edge.node); })) {
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
        if (graph_.node(edge.node).is_missing()) return Dangling(node, absl::StrCat("^", graph_.node(edge.node).name()));
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
    return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(), ") reads '", input,
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
    return absl::InvalidArgumentError(absl::StrCat(names.size(), " nodes of the graph form a cycle: ", NameList(names, 8)));
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
      const FreezeOp type = Class(node.id());
      if (type == FreezeOp::kTemporary) {
        return absl::FailedPreconditionError(
            absl::StrCat("node '", node.name(), "' (", node.op(),
                         ") is a temporary variable: it gets its value anew in every run, so no checkpoint has one\n",
                         "why: needed by ", PathTo(node)));
      }
      RETURN_IF_ERROR(CheckMerged(node));
      const FreezePlan::Carried* updated = UpdatedBy(node);
      if (updated == nullptr) continue;
      if (updated->resource && type == FreezeOp::kOther && CallsFunction(node)) {
        return absl::UnimplementedError(
            absl::StrCat("node '", node.name(), "' (", node.op(), ") hands the variable '", updated->variable.name(),
                         "' to a function; variables inside functions cannot be frozen yet\nwhy: needed by ",
                         PathTo(node)));
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
    if (mark < 0 || (!IsMerge(node.op()) && Class(node.id()) != FreezeOp::kRefSelect)) return absl::OkStatus();
    const FreezePlan::Carried& first = plan_.carried[static_cast<size_t>(mark)];
    for (int slot = IsMerge(node.op()) ? 0 : 1; slot < node.num_inputs(); ++slot) {
      const FreezePlan::Carried* other = CarriedBy(node.input(slot));
      if (other != nullptr && other->frozen == first.frozen && BaseType(other->dtype) == BaseType(first.dtype)) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "node '", node.name(), "' (", node.op(), ") chooses between the variable '", first.variable.name(), "' and ",
          other == nullptr ? absl::StrCat("'", node.input_node(slot).name(), "', which is none")
                           : absl::StrCat("'", other->variable.name(), "'"),
          other != nullptr && other->frozen != first.frozen ? ", of which only one is frozen" : ", which cannot both be frozen"));
    }
    return absl::OkStatus();
  }

  bool CallsFunction(Node node) {
    if (model_.FindFunction(node.op()) != nullptr) return true;
    for (absl::string_view key : node.attr_keys()) {
      const AttrView attr = node.attr(key);
      if (attr.kind() == AttrView::kFunc || (attr.kind() == AttrView::kList && !attr.list_func().empty())) return true;
    }
    return false;
  }

  static bool HasPureForm(absl::string_view op) {
    return op == "Assign" || op == "AssignAdd" || op == "AssignSub" || op == "CountUpTo" || op == "ResourceCountUpTo" ||
           op == "ScatterUpdate" || op == "ScatterAdd" || op == "ScatterSub" || op == "ScatterNdUpdate" ||
           op == "ScatterNdAdd" || op == "ScatterNdSub";
  }

  bool HasDataReader(Node node) {
    for (const Use& use : node.uses()) {
      if (use.slot != kControl && plan_.Keeps(use.user)) return true;
    }
    return false;
  }

  absl::Status CheckUpdate(Node node, const FreezePlan::Carried& carried) {
    const bool unknown = carried.resource && node.op() != "ResourceCountUpTo" && HasDataReader(node);
    if (options_.state == StatePolicy::kDrop && !unknown) return absl::OkStatus();
    if (options_.state == StatePolicy::kPure && HasPureForm(node.op()) && !unknown) return absl::OkStatus();
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
      lines.push_back("try: name an output before this op; what the op computes from the variable is not known");
      return FreezeError(absl::StatusCode::kFailedPrecondition, "CG132",
                         absl::StrCat("the output needs the value of '", name, "' (", node.op(),
                                      "), which takes the variable '", carried.variable.name(), "' itself"),
                         lines);
    }
    if (options_.state == StatePolicy::kPure) {
      lines.push_back("try: state=drop, or name an output before this op");
    } else {
      lines.push_back(
          "try: --state=drop (in a spec: state=drop) takes the variable's frozen value instead; --state=pure what the "
          "op's first run gives; or name an output before this op");
    }
    return FreezeError(
        absl::StatusCode::kFailedPrecondition, "CG132",
        absl::StrCat("the output needs the value of '", name, "' (", node.op(), "), which changes the variable '",
                     carried.variable.name(), "'",
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
      for (int32_t port = 0; port <= last && port < 16; ++port) ports.push_back(absl::StrCat(node.name(), ":", port));
    }
    return ports;
  }

  absl::Status CheckForeignState() {
    // What stands behind a fed input will never run.
    std::vector<char> running = plan_.keep;
    if (!options_.inputs.empty()) {
      std::vector<char> fed(graph_.id_limit(), 0);
      for (absl::string_view name : options_.inputs) {
        if (Node node = FindTensor(absl::StripAsciiWhitespace(name))) fed[Index(node.id())] = 1;
      }
      running = Reach(false, plan_.outputs, &fed);
      for (uint32_t i = 0; i < graph_.id_limit(); ++i) running[i] = running[i] != 0 && fed[i] == 0;
    }
    std::vector<Node> py_funcs, pipeline;
    std::vector<std::string> tables;
    for (Node node : graph_.nodes()) {
      if (running[Index(node.id())] == 0) continue;
      switch (Class(node.id())) {
        case FreezeOp::kPyFunc: py_funcs.push_back(node); break;
        case FreezeOp::kPipeline: pipeline.push_back(node); break;
        case FreezeOp::kTable: tables.emplace_back(node.name()); break;
        default: break;
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
      const std::string what =
          absl::StrCat(py_funcs.size() == 1 ? "" : absl::StrCat(py_funcs.size(), " nodes call Python; the first is "),
                       "node '", node.name(), "' (", node.op(),
                       py_funcs.size() == 1 ? ") calls a Python function, which is not part of the graph" : ")");
      if (!options_.allow_py_func) {
        return FreezeError(absl::StatusCode::kFailedPrecondition, "CG138", what,
                           {absl::StrCat("why: ", PathTo(node)),
                            absl::StrCat("try: name an output before it (", NameList(inputs, 4),
                                         ") or feed what it gives (", NameList(Ports({node}), 4), ", read by ",
                                         NameList(readers, 4), ") as an input"),
                            "try: --allow_py_func keeps it; the graph then runs only where the function is registered"});
      }
      report_.notes.push_back(absl::StrCat(what, " (CG138)"));
    }
    if (!pipeline.empty()) {
      const std::vector<std::string> ports = Ports(pipeline);
      const std::string what = absl::StrCat("node '", pipeline[0].name(), "' (", pipeline[0].op(),
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
    if (!tables.empty()) {
      report_.notes.push_back(absl::StrCat(
          "the graph uses ", tables.size(), tables.size() == 1 ? " lookup table (" : " lookup tables (",
          NameList(tables, 3), "), whose contents are not variables: its initializer must be run before use, and it is "
          "kept only if it is among the outputs (CG136)"));
    }
    return absl::OkStatus();
  }

  void FillReport() {
    // Dropped and unreached variables need no value.
    std::vector<Node> frozen;
    for (Node node : plan_.frozen) {
      if (plan_.Keeps(node.id())) frozen.push_back(node);
    }
    plan_.frozen = std::move(frozen);
    for (const FreezePlan::Carried& carried : plan_.carried) {
      if (!carried.frozen && plan_.Keeps(carried.variable.id())) report_.left.emplace_back(carried.variable.name());
    }
    if (!report_.left.empty()) {
      report_.notes.push_back(absl::StrCat(report_.left.size(), report_.left.size() == 1 ? " variable stays" : " variables stay",
                                           " and must be initialised by whoever runs the graph: ",
                                           NameList(report_.left, 10), " (CG143)"));
    }
    for (Node node : graph_.nodes()) {
      if (!plan_.Keeps(node.id())) continue;
      if (Class(node.id()) == FreezeOp::kPlaceholder) report_.inputs.push_back(absl::StrCat(node.name(), ":0"));
    }
  }

  Model& model_;
  Graph& graph_;
  const FreezeOptions& options_;
  FreezeReport& report_;
  FreezePlan plan_;
  std::vector<FreezeOp> classes_;  // By op id.
};

}  // namespace

absl::Status FreezeError(absl::StatusCode code, absl::string_view id, absl::string_view what,
                         const std::vector<std::string>& lines) {
  std::string message = absl::StrCat(what, " (", id, ")");
  for (const std::string& line : lines) absl::StrAppend(&message, "\n", line);
  return absl::Status(code, message);
}

const FreezePlan::Carried* FreezePlan::Of(Output output) const {
  const uint32_t id = static_cast<uint32_t>(output.node);
  const int32_t mark = id < carries.size() ? carries[id] : -1;
  if (mark < 0) return nullptr;
  const Carried& found = carried[static_cast<size_t>(mark)];
  const Node node(&found.variable.graph(), output.node);
  if (output.index != 0 && !IsSwitch(node.op())) return nullptr;
  return &found;
}

absl::StatusOr<FreezePlan> PlanFreezing(Model& model, const FreezeOptions& options, FreezeReport& report) {
  return Planner(model, options, report).Run();
}

}  // namespace cryograph
