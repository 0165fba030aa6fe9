#include "transforms/lower_functional_ops.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"

namespace cryograph {
namespace {

class Lowering {
 public:
  Lowering(BodyCopier& copier, Node node)
      : copier_(copier), graph_(copier.graph()), node_(node), name_(node.name()) {}

  absl::StatusOr<Lowered> Run(CallKind kind) {
    ASSIGN_OR_RETURN(callees_, FunctionTable::Callees(node_, kind));
    for (const InputEdge& edge : node_.inputs()) inputs_.push_back(edge);
    for (const ControlEdge& edge : node_.control_inputs()) waits_.push_back(graph_.node(edge.node));
    return kind == CallKind::kWhile ? While() : Branches(kind);
  }

 private:
  std::string Named(absl::string_view part) const { return absl::StrCat(name_, "/", part); }

  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("node '", name_, "' (", node_.op(), ") ", what));
  }

  // The types of the tensors that a function takes.
  absl::StatusOr<std::vector<DataType>> ArgumentTypes(const Callee& callee) {
    const int function = copier_.functions().Find(callee.name);
    if (function < 0)
      return Error(absl::StrCat("runs function '", callee.name, "', which the library does not have"));
    ASSIGN_OR_RETURN(const FunctionTable::Entry* entry, copier_.functions().Get(function));
    const OpSchema& signature = entry->parts.signature;
    TypeRuns runs;
    if (const absl::Status status = ArgTypes(signature, signature.inputs, Bindings(callee, signature), &runs);
        !status.ok()) {
      return Error(absl::StrCat("runs function '", callee.name, "', which ", status.message()));
    }
    std::vector<DataType> types;
    for (const TypeRuns::Run& run : runs.runs()) {
      if (static_cast<int64_t>(types.size()) + run.count > (1 << 20))
        break;  // More than the node has inputs.
      types.insert(types.end(), static_cast<size_t>(run.count), BaseType(run.type));
    }
    return types;
  }

  absl::Status CheckArity(const Callee& callee, size_t takes, size_t given) const {
    if (takes == given) return absl::OkStatus();
    return Error(absl::StrCat("runs function '", callee.name, "', which takes ", takes,
                              takes == 1 ? " input" : " inputs", ", but is given ", given));
  }

  void Wait(Node node) {
    for (Node from : waits_) graph_.AddControlInput(node, from);
  }

  absl::StatusOr<Node> AddSwitch(Output data, DataType type, Output predicate, absl::string_view stem) {
    const Output inputs[] = {data, predicate};
    ASSIGN_OR_RETURN(const Node node, copier_.Add(stem, "Switch", type, inputs, node_));
    Wait(node);
    return node;
  }

  absl::StatusOr<Output> AsBool(Output value, DataType type, absl::string_view stem) {
    if (type == DT_BOOL || type == DT_INVALID) return value;
    ASSIGN_OR_RETURN(const Node node, copier_.Add(stem, "ToBool", type, {value}, node_));
    return node.out();
  }

  // One of several branches, or a loop's function.
  absl::StatusOr<BodyCopy> Copy(const Callee& callee, const std::string& prefix,
                                const std::vector<Output>& inputs, const Gate& gate) {
    ASSIGN_OR_RETURN(BodyCopy copy, copier_.Copy(node_, callee, prefix, inputs, gate));
    lowered_.copied.push_back(copy.nodes);
    return copy;
  }

  absl::Status EraseIfUnused(Node node) {
    if (!node.uses().empty()) return absl::OkStatus();
    return graph_.Erase(node);
  }

  // If and Case: a row of Switches, each of which takes one branch or leaves the rest to the next.
  absl::StatusOr<Lowered> Branches(CallKind kind) {
    const size_t count = callees_.size();
    if (inputs_.empty()) return Error("has no input that says which branch to take");
    const std::vector<Output> data(inputs_.begin() + 1, inputs_.end());
    for (const Callee& callee : callees_) {
      ASSIGN_OR_RETURN(const std::vector<DataType> types, ArgumentTypes(callee));
      RETURN_IF_ERROR(CheckArity(callee, types.size(), data.size()));
      if (argument_types_.empty()) argument_types_ = types;
      if (types != argument_types_) return Error("has branches that take inputs of different types");
    }
    std::vector<BodyCopy> copies;
    std::vector<Node> pivots;
    std::vector<Output> rest = data;
    Output rest_predicate;
    for (size_t i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      const std::string branch =
          kind == CallKind::kIf ? Named(i == 0 ? "then" : "else") : Named(absl::StrCat("branch", i));
      std::vector<Output> taken(data.size());
      Output alive;
      if (!last) {
        ASSIGN_OR_RETURN(const Output predicate, Predicate(kind, i));
        for (size_t k = 0; k < data.size(); ++k) {
          ASSIGN_OR_RETURN(const Node node,
                           AddSwitch(rest[k], argument_types_[k], predicate, Named("Switch")));
          taken[k] = node.out(1);
          rest[k] = node.out(0);
        }
        ASSIGN_OR_RETURN(const Node node, AddSwitch(i == 0 ? predicate : rest_predicate, DT_BOOL, predicate,
                                                    Named("pred/Switch")));
        alive = node.out(1);
        rest_predicate = node.out(0);
      } else if (i > 0) {
        taken = rest;
        alive = rest_predicate;
      } else {  // A Case of one branch decides nothing.
        taken = data;
        ASSIGN_OR_RETURN(const Node node,
                         copier_.Add(branch + "/pivot", "Identity", IndexType(), {inputs_[0]}, node_));
        Wait(node);
        pivots.push_back(node);
      }
      if (alive.node != kNoNode) {
        ASSIGN_OR_RETURN(const Node node,
                         copier_.Add(branch + "/pivot", "Identity", DT_BOOL, {alive}, node_));
        pivots.push_back(node);
      }
      Gate gate;
      gate.sources = pivots.back();
      if (count == 1) gate.entries = waits_;
      ASSIGN_OR_RETURN(BodyCopy copy, Copy(callees_[i], branch, taken, gate));
      ASSIGN_OR_RETURN(copy.outputs,
                       HoldBack(copier_, copy.outputs, copy.types, copy.effects, branch, node_));
      if (i > 0 && copy.types != copies[0].types)
        return Error("has branches whose outputs differ in number or type");
      copies.push_back(std::move(copy));
    }
    RETURN_IF_ERROR(MergeBranches(copies, pivots));
    for (Node pivot : pivots) RETURN_IF_ERROR(EraseIfUnused(pivot));
    return std::move(lowered_);
  }

  DataType IndexType() const {
    return node_.op() == "If" || node_.op() == "StatelessIf" ? DT_BOOL : DT_INT32;
  }

  // What decides about branch `i`: it is taken if that is true.
  absl::StatusOr<Output> Predicate(CallKind kind, size_t i) {
    if (kind == CallKind::kIf) return AsBool(inputs_[0], node_.attr("Tcond", DT_BOOL), Named("pred"));
    // A constant beside the index must be where the index is: in its frame, and dead if that is.
    ASSIGN_OR_RETURN(const Node alive, copier_.Alive(inputs_[0], node_));
    const Node constant =
        graph_.AddConst(Named(absl::StrCat("branch", i, "/index")),
                        Tensor::Of<int32_t>(DT_INT32, {}, {static_cast<int32_t>(i)}), node_);
    if (alive.num_inputs() > 0 || !alive.control_inputs().empty()) graph_.AddControlInput(constant, alive);
    const Output inputs[] = {inputs_[0], constant.out()};
    ASSIGN_OR_RETURN(const Node equal, copier_.Add(Named(absl::StrCat("branch", i, "/pred")), "Equal",
                                                   DT_INT32, inputs, node_));
    return equal.out();
  }

  absl::Status MergeBranches(const std::vector<BodyCopy>& copies, const std::vector<Node>& pivots) {
    lowered_.types = copies[0].types;
    if (copies.size() == 1) {
      lowered_.outputs = copies[0].outputs;
      lowered_.done = copies[0].effects;
      for (Output output : lowered_.outputs) lowered_.done.push_back(graph_.node(output.node));
      return absl::OkStatus();
    }
    for (size_t k = 0; k < lowered_.types.size(); ++k) {
      std::vector<Output> values;
      // The last branch first, as TensorFlow's cond() has it.
      for (size_t i = copies.size(); i-- > 0;) values.push_back(copies[i].outputs[k]);
      ASSIGN_OR_RETURN(const Node merge, AddMerge(values, lowered_.types[k], Named("Merge")));
      lowered_.outputs.push_back(merge.out());
      lowered_.done.push_back(merge);
    }
    if (!lowered_.done.empty()) return absl::OkStatus();
    // Without outputs the pivots tell which branch has run.
    std::vector<Output> marks;
    for (size_t i = copies.size(); i-- > 0;) {
      ASSIGN_OR_RETURN(const std::vector<Output> mark, HoldBack(copier_, {pivots[i].out()}, {DT_BOOL},
                                                                copies[i].effects, Named("done"), node_));
      marks.push_back(mark[0]);
    }
    ASSIGN_OR_RETURN(const Node merge, AddMerge(marks, DT_BOOL, Named("done")));
    lowered_.done.push_back(merge);
    return absl::OkStatus();
  }

  absl::StatusOr<Node> AddMerge(const std::vector<Output>& values, DataType type, absl::string_view stem) {
    ASSIGN_OR_RETURN(const Node merge, copier_.Add(stem, "Merge", type, values, node_));
    graph_.SetAttr(merge, "N", AttrInt(static_cast<int64_t>(values.size())));
    return merge;
  }

  // Which loop variables the body gives back as it took them.
  absl::StatusOr<std::vector<char>> Invariants(const Callee& body_ref) {
    std::vector<char> invariant(inputs_.size(), 0);
    const int function = copier_.functions().Find(body_ref.name);
    ASSIGN_OR_RETURN(const FunctionTable::Entry* entry, copier_.functions().Get(function));
    const OpSchema& signature = entry->parts.signature;
    // Arguments that are lists would need their positions; no loop's body has any.
    if (signature.inputs.size() != inputs_.size() || signature.outputs.size() != inputs_.size())
      return invariant;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      absl::string_view reference = entry->parts.Return(signature.outputs[i].name);
      for (int step = 0; step < 16; ++step) {
        const Node node = entry->body->Find(reference.substr(0, reference.find(':')));
        if (!node || node.op() != "Identity" || node.num_inputs() != 1) break;
        reference = node.input_node(0).name();
      }
      invariant[i] = reference.substr(0, reference.find(':')) == signature.inputs[i].name ? 1 : 0;
    }
    return invariant;
  }

  absl::StatusOr<Lowered> While() {
    const size_t count = inputs_.size();
    if (count == 0) {
      return absl::UnimplementedError(
          absl::StrCat("node '", name_, "' (", node_.op(),
                       ") has no loop variables, and a loop of TensorFlow 1 needs one"));
    }
    const Callee &cond = callees_[0], &body = callees_[1];
    for (const Callee& callee : callees_) {
      ASSIGN_OR_RETURN(const std::vector<DataType> types, ArgumentTypes(callee));
      RETURN_IF_ERROR(CheckArity(callee, types.size(), count));
      if (argument_types_.empty()) argument_types_ = types;
      if (types != argument_types_)
        return Error("has a condition and a body that take inputs of different types");
    }
    ASSIGN_OR_RETURN(std::vector<char> invariant, Invariants(body));
    size_t first = 0;  // A loop variable that goes around: it shows which iterations there are.
    while (first < count && invariant[first] != 0) ++first;
    if (first == count) {
      first = 0;
      while (first + 1 < count && argument_types_[first] == DT_RESOURCE) ++first;
      invariant[first] = 0;
    }

    const int64_t parallel = node_.attr("parallel_iterations", int64_t{10});  // Default of the op schema.
    std::vector<Output> top(count);                                           // What the condition sees.
    std::vector<Node> merges(count), switches(count);
    for (size_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const Node enter,
                       copier_.Add(Named("Enter"), "Enter", argument_types_[i], {inputs_[i]}, node_));
      graph_.SetAttr(enter, "frame_name", AttrString(name_));
      graph_.SetAttr(enter, "is_constant", AttrBool(invariant[i] != 0));
      graph_.SetAttr(enter, "parallel_iterations", AttrInt(parallel));
      Wait(enter);
      top[i] = enter.out();
      if (invariant[i] != 0) continue;
      ASSIGN_OR_RETURN(merges[i], AddMerge({enter.out(), enter.out()}, argument_types_[i], Named("Merge")));
      top[i] = merges[i].out();
    }
    Gate gate;
    gate.everywhere = invariant;
    gate.sources = merges[first];
    ASSIGN_OR_RETURN(BodyCopy condition, Copy(cond, Named("cond"), top, gate));
    if (condition.outputs.size() != 1) {
      return Error(absl::StrCat("has the condition '", cond.name, "' of ", condition.outputs.size(),
                                " outputs instead of one"));
    }
    ASSIGN_OR_RETURN(condition.outputs, HoldBack(copier_, condition.outputs, condition.types,
                                                 condition.effects, Named("cond"), node_));
    ASSIGN_OR_RETURN(const Output predicate,
                     AsBool(condition.outputs[0], condition.types[0], Named("cond/pred")));
    ASSIGN_OR_RETURN(const Node loop_cond, copier_.Add(Named("LoopCond"), "LoopCond", {predicate}, node_));

    std::vector<Output> inside = top;
    for (size_t i = 0; i < count; ++i) {
      if (invariant[i] != 0) continue;
      const Output inputs[] = {top[i], loop_cond.out()};
      ASSIGN_OR_RETURN(switches[i],
                       copier_.Add(Named("Switch"), "Switch", argument_types_[i], inputs, node_));
      inside[i] = switches[i].out(1);
    }
    ASSIGN_OR_RETURN(const Node pivot, copier_.Add(Named("body/pivot"), "Identity", argument_types_[first],
                                                   {inside[first]}, node_));
    gate.sources = pivot;
    ASSIGN_OR_RETURN(BodyCopy turn, Copy(body, Named("body"), inside, gate));
    if (turn.types != argument_types_) return Error("has a body whose outputs are not what the loop takes");
    ASSIGN_OR_RETURN(turn.outputs,
                     HoldBack(copier_, turn.outputs, turn.types, turn.effects, Named("body"), node_));

    lowered_.types = argument_types_;
    for (size_t i = 0; i < count; ++i) {
      if (invariant[i] != 0) {
        lowered_.outputs.push_back(inputs_[i]);
        continue;
      }
      Output next = turn.outputs[i];
      if (IsEverywhere(graph_.node(next.node))) {  // Or it would start iterations for ever.
        ASSIGN_OR_RETURN(const std::vector<Output> held,
                         HoldBack(copier_, {next}, {argument_types_[i]}, {pivot}, Named("body"), node_));
        next = held[0];
      }
      ASSIGN_OR_RETURN(const Node again, copier_.Add(Named("NextIteration"), "NextIteration",
                                                     argument_types_[i], {next}, node_));
      graph_.SetInput(merges[i], 1, again.out());
      ASSIGN_OR_RETURN(const Node exit,
                       copier_.Add(Named("Exit"), "Exit", argument_types_[i], {switches[i].out(0)}, node_));
      lowered_.outputs.push_back(exit.out());
      lowered_.done.push_back(exit);
    }
    RETURN_IF_ERROR(EraseIfUnused(pivot));
    return std::move(lowered_);
  }

  BodyCopier& copier_;
  Graph& graph_;
  const Node node_;
  const std::string name_;
  std::vector<Callee> callees_;
  std::vector<Output> inputs_;
  std::vector<Node> waits_;  // The node's control inputs.
  std::vector<DataType> argument_types_;
  Lowered lowered_;
};

}  // namespace

bool IsEverywhere(Node producer) { return IsEnter(producer.op()) && producer.attr("is_constant", false); }

absl::StatusOr<std::vector<Output>> HoldBack(BodyCopier& copier, absl::Span<const Output> outputs,
                                             absl::Span<const DataType> types, const std::vector<Node>& wait,
                                             absl::string_view stem, Node before) {
  std::vector<Output> held(outputs.begin(), outputs.end());
  if (wait.empty()) return held;
  for (size_t i = 0; i < held.size(); ++i) {
    ASSIGN_OR_RETURN(const Node node,
                     copier.Add(absl::StrCat(stem, "/output"), "Identity", types[i], {held[i]}, before));
    for (Node from : wait) copier.graph().AddControlInput(node, from);
    held[i] = node.out();
  }
  return held;
}

absl::StatusOr<Lowered> LowerFunctionalOp(BodyCopier& copier, Node node, CallKind kind) {
  return Lowering(copier, node).Run(kind);
}

}  // namespace cryograph
