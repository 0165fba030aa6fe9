#include "runtime/gradients/function_gradient.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/function_parts.h"
#include "runtime/gradients/gradient_rules.h"
#include "runtime/gradients/gradient_scope.h"

namespace cryograph {
namespace {

bool IsComplex(DataType type) { return type == DT_COMPLEX64 || type == DT_COMPLEX128; }
bool IsDifferentiable(DataType type) {
  return type == DT_FLOAT || type == DT_DOUBLE || type == DT_HALF || type == DT_BFLOAT16 || IsComplex(type);
}

absl::Status InNode(Node node, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("node '", node.name(), "' (", node.op(), "): ", status.message()));
}

// The node's op and attributes as the value of an attribute that names a function.
std::string CallAttr(Node node) {
  constexpr uint32_t kFunc = 10;  // Of AttrValue. NameAttrList: name 1, attr 2, a map.
  std::string list, value;
  AppendBytesField(1, node.op(), &list);
  std::vector<std::pair<absl::string_view, AttrView>> attrs;
  node.GetAttrs(&attrs);
  for (const auto& [key, attr] : attrs) {
    std::string entry;
    AppendBytesField(1, key, &entry);
    AppendBytesField(2, attr.bytes(), &entry);
    AppendBytesField(2, entry, &list);
  }
  AppendBytesField(kFunc, list, &value);
  return value;
}

class Differentiator {
 public:
  Differentiator(const ForwardFunction& forward, const OpRegistry& ops)
      : forward_(forward), ops_(ops), graph_(*(gradient_.graph = std::make_unique<Graph>())) {}

  absl::StatusOr<FunctionGradient> Make() {
    graph_.KeepAliveWith(forward_.body);
    for (size_t i = 0; i < forward_.arguments.size(); ++i) {
      const Node argument = forward_.body.node(forward_.arguments[i].node);
      ASSIGN_OR_RETURN(const Output copy, AddArgument(argument.name(), forward_.types[i]));
      copies_.emplace(argument.id(), copy.node);
      active_.emplace(copy, IsDifferentiable(forward_.types[i]));
    }
    for (const Output result : forward_.results) RETURN_IF_ERROR(CopyWithInputs(result.node));
    for (const Output result : forward_.results) {
      const Output copy{copies_.at(result.node), result.index};
      ASSIGN_OR_RETURN(const DataType type, ops_.OutputType(graph_, copy));
      ASSIGN_OR_RETURN(const Output slope, AddArgument("dy", BaseType(type)));
      if (IsDifferentiable(BaseType(type))) slopes_[copy].push_back(slope);
    }
    for (auto node = order_.rbegin(); node != order_.rend(); ++node) {
      RETURN_IF_ERROR(DifferentiateNode(graph_.node(*node)));
    }
    const std::vector<Output> arguments(gradient_.arguments.begin(),
                                        gradient_.arguments.begin() + forward_.arguments.size());
    for (const Output argument : arguments) {
      ASSIGN_OR_RETURN(Output slope, SlopeOf(argument));
      if (slope.node == kNoNode) {
        GradientScope scope(graph_, ops_, graph_.node(argument.node), {Output()});
        slope = scope.ZerosLike(argument);
        RETURN_IF_ERROR(scope.status());
      }
      gradient_.results.push_back(slope);
    }
    return std::move(gradient_);
  }

 private:
  absl::StatusOr<Output> AddArgument(absl::string_view name, DataType type) {
    ASSIGN_OR_RETURN(const Node node, graph_.AddNode(graph_.UniqueName(name), "Placeholder", {}));
    graph_.SetAttr(node, "dtype", AttrType(type));
    gradient_.arguments.push_back(node.out(0));
    gradient_.types.push_back(type);
    return node.out(0);
  }

  // --- The forward part.

  // Copies `root` and all that it reads, depth first without recursion: a body can be deep.
  absl::Status CopyWithInputs(NodeId root) {
    struct Step {
      Node node;
      int next = 0;
    };
    std::vector<Step> stack;
    const auto visit = [&](NodeId id) -> absl::Status {
      const auto [found, is_new] = copies_.emplace(id, kNoNode);
      const Node node = forward_.body.node(id);
      if (!is_new) {
        return found->second != kNoNode ? absl::OkStatus()
                                        : InNode(node, absl::UnimplementedError("the gradient of a loop"));
      }
      if (node.is_missing() || node.is_argument()) {
        return absl::InvalidArgumentError(absl::StrCat("there is no node '", node.name(), "'"));
      }
      stack.push_back({node});
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(visit(root));
    while (!stack.empty()) {
      Step& step = stack.back();
      const int next = step.next++;
      const int controls = next - step.node.num_inputs();
      if (controls < 0) {
        RETURN_IF_ERROR(visit(step.node.input(next).node));
      } else if (controls < static_cast<int>(step.node.control_inputs().size())) {
        const NodeId control = step.node.control_inputs()[controls].node;
        if (!forward_.body.node(control).is_argument()) RETURN_IF_ERROR(visit(control));
      } else {
        RETURN_IF_ERROR(Copy(step.node));
        stack.pop_back();
      }
    }
    return absl::OkStatus();
  }

  // What it reads has been copied.
  absl::Status Copy(Node node) {
    ASSIGN_OR_RETURN(const Node copy, graph_.AddCopy(graph_.UniqueName(node.name()), node));
    std::vector<std::pair<absl::string_view, AttrView>> attrs;
    node.GetAttrs(&attrs);
    for (const auto& [key, value] : attrs) {
      if (!HasPlaceholder(value)) continue;
      ASSIGN_OR_RETURN(std::string bound, BindPlaceholders(value, forward_.bindings));
      graph_.SetAttr(copy, key, std::move(bound));
    }
    bool active = false;
    for (int i = 0; i < node.num_inputs(); ++i) {
      ASSIGN_OR_RETURN(const Output input, CopyOf(node.input(i)));
      graph_.AddInput(copy, input);
      active = active || IsActive(input);
    }
    for (const ControlEdge& control : node.control_inputs()) {
      const auto found = copies_.find(control.node);
      if (found != copies_.end()) graph_.AddControlInput(copy, graph_.node(found->second));
    }
    copies_[node.id()] = copy.id();
    if (!active || BlocksGradients(node.op())) return absl::OkStatus();
    const absl::StatusOr<std::vector<DataType>> types = ops_.OutputTypes(copy);
    if (!types.ok()) return InNode(node, absl::UnimplementedError(types.status().message()));
    bool differentiable = false;
    for (size_t i = 0; i < types->size(); ++i) {
      if (!IsDifferentiable(BaseType((*types)[i]))) continue;
      active_.emplace(copy.out(static_cast<int>(i)), true);
      differentiable = true;
    }
    if (differentiable) order_.push_back(copy.id());
    return absl::OkStatus();
  }

  absl::StatusOr<Output> CopyOf(Output input) const {
    const Node producer = forward_.body.node(input.node);
    const NodeId copy = copies_.at(input.node);
    if (!forward_.body.is_function() || producer.is_argument())
      return Output{copy, input.index * !producer.is_argument()};
    const OpSchema* schema = ops_.Find(producer.op());
    if (schema == nullptr) return InNode(producer, absl::UnimplementedError("no op of that name is known"));
    const absl::StatusOr<int64_t> index =
        FlatOutputIndex(*schema, graph_.node(copy), forward_.body.PortText(input.index));
    if (!index.ok()) return InNode(producer, index.status());
    return Output{copy, static_cast<int32_t>(*index)};
  }

  bool IsActive(Output output) const {
    const auto found = active_.find(output);
    return found != active_.end() && found->second;
  }

  // --- The way back.

  // The sum of all gradients that came to `output`; a null node if none did.
  absl::StatusOr<Output> SlopeOf(Output output) {
    const auto found = slopes_.find(output);
    if (found == slopes_.end()) return Output();
    if (found->second.size() == 1) return found->second[0];
    GradientScope scope(graph_, ops_, graph_.node(output.node), {});
    const Output sum = scope.Add("AddN", found->second);
    RETURN_IF_ERROR(scope.status());
    return sum;
  }

  absl::Status DifferentiateNode(Node node) {
    ASSIGN_OR_RETURN(const std::vector<DataType> types, ops_.OutputTypes(node));
    std::vector<Output> slopes;
    bool any = false, complex = false;
    for (size_t i = 0; i < types.size(); ++i) {
      ASSIGN_OR_RETURN(const Output slope, SlopeOf(node.out(static_cast<int>(i))));
      any = any || slope.node != kNoNode;
      complex = complex || IsComplex(BaseType(types[i]));
      slopes.push_back(slope);
    }
    if (!any) return absl::OkStatus();
    // Rules rely on it.
    const absl::StatusOr<std::vector<DataType>> inputs = ops_.InputTypes(node);
    if (!inputs.ok()) return InNode(node, inputs.status());
    if (static_cast<int>(inputs->size()) != node.num_inputs()) {
      return InNode(node, absl::InvalidArgumentError(absl::StrCat("it has ", node.num_inputs(),
                                                                  " inputs instead of ", inputs->size())));
    }
    GradientScope scope(graph_, ops_, node, std::move(slopes));
    const OpSchema* schema = ops_.Find(node.op());
    absl::Status status;
    if (schema->is_function || absl::EndsWith(node.op(), "PartitionedCall")) {
      status = DifferentiateCall(scope, *schema);
    } else if (const GradientRule* rule = FindGradientRule(node.op()); rule == nullptr) {
      status = absl::UnimplementedError(absl::StrCat("no gradient of ", node.op()));
    } else if (complex && !rule->complex) {
      status = absl::UnimplementedError(absl::StrCat("no gradient of ", node.op(), " in complex numbers"));
    } else {
      status = rule->function(scope);
    }
    if (!status.ok()) return InNode(node, status);
    for (int i = 0; i < node.num_inputs(); ++i) {
      if (scope.given()[i].node != kNoNode && IsActive(node.input(i))) {
        slopes_[node.input(i)].push_back(scope.given()[i]);
      }
    }
    return absl::OkStatus();
  }

  // SymbolicGradient of the function that the node calls: (its arguments, gradients of its results).
  absl::Status DifferentiateCall(GradientScope& scope, const OpSchema& schema) {
    const Node node = scope.node();
    std::vector<Output> inputs;
    std::vector<DataType> results;
    for (int i = 0; i < node.num_inputs(); ++i) {
      inputs.push_back(node.input(i));
      results.push_back(scope.TypeOf(node.input(i)));
    }
    for (int i = 0; i < scope.num_outputs(); ++i) inputs.push_back(scope.dy(i));
    const AttrView function = node.attr("f");
    const Output gradients =
        scope.Add("SymbolicGradient", inputs,
                  {{"Tout", AttrTypeList(results)},
                   {"f", schema.is_function ? CallAttr(node) : std::string(function.bytes())}});
    for (int i = 0; i < node.num_inputs(); ++i) scope.Give(i, {gradients.node, i});
    return scope.status();
  }

  const ForwardFunction& forward_;
  const OpRegistry& ops_;
  FunctionGradient gradient_;
  Graph& graph_;
  absl::flat_hash_map<NodeId, NodeId> copies_;  // From the body to the graph; null while a copy is made.
  absl::flat_hash_map<Output, bool> active_;    // Depends on an argument, and smoothly.
  absl::flat_hash_map<Output, std::vector<Output>> slopes_;
  std::vector<NodeId> order_;  // Copies with active outputs, what they read before them.
};

}  // namespace

absl::StatusOr<FunctionGradient> DifferentiateFunction(const ForwardFunction& forward,
                                                       const OpRegistry& ops) {
  return Differentiator(forward, ops).Make();
}

}  // namespace cryograph
