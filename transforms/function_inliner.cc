#include "transforms/function_inliner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "graph/frames.h"
#include "transforms/body_copier.h"
#include "transforms/lower_functional_ops.h"

namespace cryograph {
namespace {

// Calls within calls. Recursion is found by name; this is about long chains, whose names grow with each link.
constexpr int kMaxDepth = 1000;

class Inliner {
 public:
  Inliner(Model& model, const InlineOptions& options)
      : model_(model),
        graph_(model.graph()),
        options_(options),
        functions_(model),
        copier_(graph_, functions_, options.max_nodes) {}

  absl::StatusOr<InlineReport> Run() {
    FindWork();
    while (!work_.empty()) {
      const Item item = work_.back();
      work_.pop_back();
      const Node node = graph_.node(item.node);
      const CallKind kind = functions_.Kind(node);
      RETURN_IF_ERROR(kind == CallKind::kCall ? InlineCall(node, item) : Lower(node, kind, item));
    }
    return std::move(report_);
  }

 private:
  // A node to replace.
  struct Item {
    NodeId node;
    int32_t chain = -1;    // Which function's body it comes from; index into chain_, -1: the main graph.
    bool in_flow = false;  // It may be dead, or run more than once.
  };
  struct Link {
    int function;
    int32_t parent;
    int depth;
  };

  bool Wanted(Node node) const {
    switch (functions_.Kind(node)) {
      case CallKind::kNone:
        return false;
      case CallKind::kCall:
        return options_.calls;
      default:
        return options_.control_flow;
    }
  }

  void FindWork() {
    bool has_flow = false;
    for (Node node : graph_.nodes()) {
      has_flow = has_flow || IsSwitch(node.op()) || IsEnter(node.op());
      if (!options_.only.empty() && options_.only[static_cast<uint32_t>(node.id())] == 0) continue;
      if (Wanted(node)) work_.push_back({node.id()});
    }
    if (has_flow && !work_.empty()) {
      const FrameInfo frames = FrameInfo::Analyze(graph_);
      for (Item& item : work_) item.in_flow = frames.InLoop(item.node) || frames.CanBeDead(item.node);
    }
    std::reverse(work_.begin(), work_.end());
  }

  // Pushes the nodes that came out of `functions` and are to be replaced themselves.
  void PushCopied(const std::vector<Node>& copied, int32_t chain, bool in_flow) {
    for (size_t i = copied.size(); i-- > 0;) {
      if (Wanted(copied[i])) work_.push_back({copied[i].id(), chain, in_flow});
    }
  }

  // New links below `parent`, one for each callee; gives the first. InvalidArgument if a callee is above
  // already.
  absl::StatusOr<int32_t> Descend(Node caller, const std::vector<Callee>& callees, int32_t parent) {
    for (int32_t link = parent; link >= 0; link = chain_[static_cast<size_t>(link)].parent) {
      const int above = chain_[static_cast<size_t>(link)].function;
      for (const Callee& callee : callees) {
        if (functions_.Find(callee.name) != above) continue;
        return absl::InvalidArgumentError(absl::StrCat("function '", callee.name, "' calls itself: ",
                                                       Way(callee.name, parent), "; it cannot be inlined"));
      }
    }
    const int depth = parent < 0 ? 1 : chain_[static_cast<size_t>(parent)].depth + 1;
    if (depth > kMaxDepth) {
      return absl::ResourceExhaustedError(absl::StrCat("functions call each other ", kMaxDepth,
                                                       " deep at function '", callees[0].name, "', node '",
                                                       caller.name().substr(0, 200), "'"));
    }
    const int32_t first = static_cast<int32_t>(chain_.size());
    for (const Callee& callee : callees) chain_.push_back({functions_.Find(callee.name), parent, depth});
    return first;
  }

  // "f -> g -> f".
  std::string Way(absl::string_view again, int32_t link) const {
    std::vector<absl::string_view> names = {again};
    for (; link >= 0; link = chain_[static_cast<size_t>(link)].parent) {
      names.push_back(
          model_.functions()[static_cast<size_t>(chain_[static_cast<size_t>(link)].function)].name());
      if (names.back() == again) break;
    }
    std::reverse(names.begin(), names.end());
    if (names.size() > 8) names.erase(names.begin() + 4, names.end() - 4);
    return absl::StrJoin(names, " -> ");
  }

  absl::Status InlineCall(Node node, const Item& item) {
    ASSIGN_OR_RETURN(const std::vector<Callee> callees, FunctionTable::Callees(node, CallKind::kCall));
    const int function = functions_.Find(callees[0].name);
    if (!options_.noinline && function >= 0) {
      ASSIGN_OR_RETURN(const FunctionTable::Entry* entry, functions_.Get(function));
      if (entry->parts.Flag("_noinline")) {
        report_.skipped.push_back(
            absl::StrCat("node '", node.name(), "': function '", callees[0].name, "' is marked _noinline"));
        return absl::OkStatus();
      }
    }
    ASSIGN_OR_RETURN(const int32_t chain, Descend(node, callees, item.chain));
    std::vector<Output> inputs;
    for (const InputEdge& edge : node.inputs()) inputs.push_back(edge);
    ASSIGN_OR_RETURN(const Gate gate, GateOf(node, inputs, item.in_flow));
    ASSIGN_OR_RETURN(BodyCopy copy, copier_.Copy(node, callees[0], std::string(node.name()), inputs, gate));
    PushCopied(copy.nodes, chain, item.in_flow);
    ++report_.calls;
    std::vector<Node> wait = copy.effects;
    // A resource that goes through is read by those who waited for the call.
    for (size_t i = 0; i < copy.outputs.size(); ++i) {
      if (copy.types[i] != DT_RESOURCE || std::count(inputs.begin(), inputs.end(), copy.outputs[i]) == 0)
        continue;
      wait.insert(wait.end(), gate.entries.begin(), gate.entries.end());
      break;
    }
    if (item.in_flow) {
      const std::vector<Node> here = gate.sources ? std::vector<Node>{gate.sources} : gate.entries;
      RETURN_IF_ERROR(HoldEverywhere(node, here, copy.types, &copy.outputs));
    }
    std::vector<Node> done = copy.effects;
    for (Output output : copy.outputs) {
      ASSIGN_OR_RETURN(const Node alive, copier_.Alive(output, node));
      done.push_back(alive);
    }
    if (done.empty()) done = gate.entries;
    return Replace(node, copy.outputs, copy.types, wait, done);
  }

  // What goes through a call in a loop's body and is there in every iteration: for those who read it at the
  // call, it is there only when the call runs. A NextIteration that it leads to would never end.
  absl::Status HoldEverywhere(Node node, const std::vector<Node>& here, const std::vector<DataType>& types,
                              std::vector<Output>* outputs) {
    for (size_t i = 0; i < outputs->size(); ++i) {
      if (!IsEverywhere(graph_.node((*outputs)[i].node))) continue;
      ASSIGN_OR_RETURN(const std::vector<Output> held,
                       HoldBack(copier_, {(*outputs)[i]}, {types[i]}, here, std::string(node.name()), node));
      (*outputs)[i] = held[0];
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Gate> GateOf(Node node, const std::vector<Output>& inputs, bool in_flow) {
    Gate gate;
    for (const ControlEdge& edge : node.control_inputs()) gate.entries.push_back(graph_.node(edge.node));
    if (gate.entries.size() > 1) {
      ASSIGN_OR_RETURN(const Node start, copier_.Add(absl::StrCat(node.name(), "/start"), "NoOp", {}, node));
      for (Node from : gate.entries) graph_.AddControlInput(start, from);
      gate.entries = {start};
    }
    if (!in_flow) return gate;
    gate.everywhere.assign(inputs.size(), 0);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (IsEverywhere(graph_.node(inputs[i].node))) {
        gate.everywhere[i] = 1;
      } else if (!gate.sources) {
        ASSIGN_OR_RETURN(gate.sources, copier_.Alive(inputs[i], node));
      }
    }
    if (!gate.sources && gate.entries.empty() && !inputs.empty()) gate.sources = graph_.node(inputs[0].node);
    return gate;
  }

  absl::Status Lower(Node node, CallKind kind, const Item& item) {
    ASSIGN_OR_RETURN(const std::vector<Callee> callees, FunctionTable::Callees(node, kind));
    if (kind == CallKind::kWhile && node.num_inputs() == 0) {
      report_.skipped.push_back(
          absl::StrCat("node '", node.name(), "' (", node.op(),
                       ") has no loop variables, and a loop of TensorFlow 1 needs one"));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const int32_t chain, Descend(node, callees, item.chain));
    ASSIGN_OR_RETURN(Lowered lowered, LowerFunctionalOp(copier_, node, kind));
    for (size_t i = 0; i < lowered.copied.size(); ++i) {
      PushCopied(lowered.copied[i], chain + static_cast<int32_t>(i), true);
    }
    ++report_.control_flow;
    if (item.in_flow) RETURN_IF_ERROR(HoldEverywhere(node, lowered.done, lowered.types, &lowered.outputs));
    return Replace(node, lowered.outputs, lowered.types, {}, lowered.done);
  }

  // `node` goes: its readers read `outputs`, after `wait` has run; who waited for it waits for `done`.
  absl::Status Replace(Node node, const std::vector<Output>& outputs, const std::vector<DataType>& types,
                       const std::vector<Node>& wait, std::vector<Node> done) {
    const std::vector<Use> uses(node.uses().begin(), node.uses().end());
    for (const Use& use : uses) {
      if (use.slot == kControl) continue;
      const Node user = graph_.node(use.user);
      const int32_t index = user.input(use.slot).index;
      if (index >= 0 && static_cast<size_t>(index) < outputs.size()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("node '", user.name(), "' (", user.op(), ") reads '", node.name(), ":", index,
                       "', but the functions of that node give ", outputs.size(),
                       outputs.size() == 1 ? " output" : " outputs"));
    }
    const bool pinned = node.pinned();
    const std::string device(node.device());
    if (pinned && !outputs.empty()) {
      // It takes up the outputs under its own name; readers inside of the graph are spared the detour.
      graph_.Clear(node, outputs.size() == 1 ? "Identity" : "IdentityN");
      if (outputs.size() == 1) {
        graph_.SetAttr(node, "T", AttrType(types[0]));
      } else {
        graph_.SetAttr(node, "T", AttrTypeList(types));
      }
      if (!device.empty()) graph_.SetDevice(node, device);
      for (Output output : outputs) graph_.AddInput(node, output);
      for (Node from : wait) graph_.AddControlInput(node, from);
      if (wait.empty()) Redirect(uses, outputs);
      return absl::OkStatus();
    }
    if (wait.empty()) {
      Redirect(uses, outputs);
    } else {
      ASSIGN_OR_RETURN(const std::vector<Output> held,
                       HoldBack(copier_, outputs, types, wait, std::string(node.name()), node));
      Redirect(uses, held);
    }
    if (!pinned && !node.HasControlReaders()) return graph_.Erase(node);
    graph_.Clear(node, "NoOp");
    if (!device.empty()) graph_.SetDevice(node, device);
    for (Node from : done) graph_.AddControlInput(node, from);
    return absl::OkStatus();
  }

  void Redirect(const std::vector<Use>& uses, const std::vector<Output>& outputs) {
    for (const Use& use : uses) {
      if (use.slot == kControl) continue;
      const Node user = graph_.node(use.user);
      graph_.SetInput(user, use.slot, outputs[static_cast<size_t>(user.input(use.slot).index)]);
    }
  }

  Model& model_;
  Graph& graph_;
  const InlineOptions& options_;
  FunctionTable functions_;
  BodyCopier copier_;
  std::vector<Item> work_;
  std::vector<Link> chain_;
  InlineReport report_;
};

}  // namespace

absl::StatusOr<InlineReport> InlineFunctions(Model& model, const InlineOptions& options) {
  return Inliner(model, options).Run();
}

}  // namespace cryograph
