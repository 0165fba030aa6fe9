#include "transforms/computed_values.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/variable_keys.h"
#include "graph/control_flow.h"
#include "graph/op_schema.h"

namespace cryograph {
namespace {

using Given = std::vector<std::pair<std::string, Tensor>>;

absl::Status Cannot(Node node, absl::string_view why) {
  return absl::UnimplementedError(absl::StrCat("node '", node.name(), "' (", node.op(), ") ", why));
}

// The variable whose resource `output` is, through Identity; the null handle if it is none.
Node VariableOf(Graph& graph, Output output) {
  for (int steps = 0; steps < 64; ++steps) {
    const Node node = graph.node(output.node);
    if (IsVariableOp(node.op())) return node;
    if (node.op() != "Identity" || node.num_inputs() != 1) return Node();
    output = node.input(0);
  }
  return Node();
}

Tensor True() { return Tensor::OfBytes(DT_BOOL, {}, std::string(1, '\1')); }

// Walks what an output needs, and gathers what stands in for variables there.
class Cone {
 public:
  Cone(Model& model, const ConstantEvaluator& evaluator, const ComputedValues::KnownVariables& known)
      : model_(model), graph_(model.graph()), registry_(model), evaluator_(evaluator), known_(known) {}

  absl::Status Gather(Output output, Given* given) {
    std::vector<char> seen(graph_.id_limit(), 0);
    std::vector<NodeId> pending = {output.node};
    const auto visit = [&](NodeId id) {
      if (seen[static_cast<uint32_t>(id)] != 0) return;
      seen[static_cast<uint32_t>(id)] = 1;
      pending.push_back(id);
    };
    while (!pending.empty()) {
      const Node node = graph_.node(pending.back());
      pending.pop_back();
      if (!graph_.alive(node.id())) return Cannot(node, "is not in the graph");
      bool stands_in = false;
      RETURN_IF_ERROR(StandIn(node, given, &stands_in));
      if (stands_in) continue;
      RETURN_IF_ERROR(Check(node));
      for (const InputEdge& input : node.inputs()) visit(input.node);
      for (const ControlEdge& control : node.control_inputs()) visit(control.node);
    }
    return CheckFunctions();
  }

 private:
  // If the node is a variable, or reads one, its value is given.
  absl::Status StandIn(Node node, Given* given, bool* stands_in) {
    const absl::string_view op = node.op();
    Node variable;
    if (IsVariableOp(op)) {
      variable = node;
    } else if (op == "ReadVariableOp" || op == "IsVariableInitialized" || op == "VarIsInitializedOp") {
      variable = node.num_inputs() == 1 ? VariableOf(graph_, node.input(0)) : Node();
    }
    if (!variable) return absl::OkStatus();
    const std::shared_ptr<const TensorSource> value = known_ ? known_(variable) : nullptr;
    if (value == nullptr) return Cannot(variable, "has no value to go on from");
    *stands_in = true;
    const std::string name = absl::StrCat(node.name(), ":0");
    if (op == "IsVariableInitialized" || op == "VarIsInitializedOp") {
      given->emplace_back(name, True());
      return absl::OkStatus();
    }
    if (node == variable && node.attr("dtype", DT_INVALID) != DT_INVALID && op == "VarHandleOp") {
      return Cannot(node, "is handed on where its value is not known");
    }
    ASSIGN_OR_RETURN(Tensor tensor, value->Load());
    given->emplace_back(name, std::move(tensor));
    return absl::OkStatus();
  }

  absl::Status Check(Node node) {
    const absl::string_view op = node.op();
    if (absl::StartsWith(op, "Placeholder") && op != "PlaceholderWithDefault") {
      return Cannot(node, "would have to be fed");
    }
    const OpSchema* const schema = registry_.Find(op);
    if (schema == nullptr) return Cannot(node, "is of no op of TensorFlow's own");
    const bool calls = CheckCalls(node);
    if (schema->is_function || calls) return absl::OkStatus();
    const OpSchema* const old = FindOp(op, Release::k1_15);
    if (schema->is_stateful || (old != nullptr && old->is_stateful)) {
      return Cannot(node, "gives another value in each run");
    }
    if (op != "Const" && op != "NoOp" && !IsControlFlow(op) && !evaluator_.HasKernel(op)) {
      return Cannot(node, "cannot be run here");
    }
    return absl::OkStatus();
  }

  // Puts down the functions that the node runs, to be looked into; true if there are any.
  bool CheckCalls(Node node) {
    const size_t before = functions_.size();
    const auto add = [&](absl::string_view name) {
      if (!name.empty() && seen_functions_.insert(std::string(name)).second) functions_.emplace_back(name);
    };
    bool calls = false;
    for (absl::string_view key : node.attr_keys()) {
      const AttrView attr = node.attr(key);
      if (attr.kind() == AttrView::kFunc) {
        calls = true;
        add(attr.func_name());
      } else if (attr.kind() == AttrView::kList) {
        for (absl::string_view function : attr.list_func()) {
          calls = true;
          add(NameOfNameAttrList(function));
        }
      }
    }
    if (model_.FindFunction(node.op()) != nullptr) add(node.op());
    return calls || functions_.size() > before;
  }

  absl::Status CheckFunctions() {
    while (!functions_.empty()) {
      const std::string name = std::move(functions_.back());
      functions_.pop_back();
      for (Function& function : model_.functions()) {
        if (function.name() != name) continue;
        ASSIGN_OR_RETURN(Graph* const body, function.body());
        for (Node node : body->nodes()) RETURN_IF_ERROR(Check(node));
      }
    }
    return absl::OkStatus();
  }

  Model& model_;
  Graph& graph_;
  OpRegistry registry_;
  const ConstantEvaluator& evaluator_;
  const ComputedValues::KnownVariables& known_;
  std::vector<std::string> functions_;  // Still to be looked into.
  absl::flat_hash_set<std::string> seen_functions_;
};

}  // namespace

absl::StatusOr<Tensor> ComputedValues::Compute(Output output, const KnownVariables& known) {
  const Node node = model_.graph().node(output.node);
  if (evaluator_ == nullptr) return Cannot(node, "would have to be run");
  Given given;
  RETURN_IF_ERROR(Cone(model_, *evaluator_, known).Gather(output, &given));
  if (session_ == nullptr || edits_ != model_.graph().edits()) {
    ASSIGN_OR_RETURN(session_, evaluator_->Open(model_.Clone()));
    edits_ = model_.graph().edits();
  }
  const std::string names[] = {absl::StrCat(node.name(), ":", output.index)};
  ASSIGN_OR_RETURN(std::vector<Tensor> values, session_->Evaluate(names, given));
  if (values.size() != 1) return absl::InternalError("the evaluator gave no value");
  return std::move(values[0]);
}

}  // namespace cryograph
