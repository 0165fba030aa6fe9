#include "transforms/freeze_rewrite.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "graph/frames.h"
#include "transforms/freeze_container.h"
#include "transforms/freeze_functions.h"
#include "transforms/value_of_update.h"

namespace cryograph {
namespace {

template <typename T>
Tensor Scalar(DataType dtype, T value) {
  return Tensor::Of<T>(dtype, {}, {value});
}

class Rewriter {
 public:
  Rewriter(Model& model, const FreezePlan& plan, const FreezeOptions& options, FreezeReport& report)
      : model_(model), graph_(model.graph()), plan_(plan), options_(options), report_(report) {}

  absl::Status Run(const std::vector<std::shared_ptr<const TensorSource>>& values) {
    for (size_t i = 0; i < values.size(); ++i) dims_[plan_.frozen[i].id()] = values[i]->dims();
    // By the ops as they are: each rewrite looks at the node it changes and at the plan only.
    std::vector<Node> nodes;
    for (Node node : graph_.nodes()) {
      if (!plan_.Keeps(node.id())) continue;
      nodes.push_back(node);
      has_control_flow_ = has_control_flow_ || IsEnter(node.op()) || IsSwitch(node.op());
    }
    if (has_control_flow_) frames_ = FrameInfo::Analyze(graph_);
    is_update_.assign(graph_.id_limit(), 0);
    for (Node node : plan_.updates) is_update_[Index(node.id())] = 1;
    for (Node node : nodes) {
      if (node.op() == "RefSelect") RETURN_IF_ERROR(CheckSelect(node));
    }
    RETURN_IF_ERROR(RewriteCalls());
    for (Node node : nodes) RETURN_IF_ERROR(CutDropped(node));
    for (Node node : nodes) RETURN_IF_ERROR(Rewrite(node));
    for (size_t i = 0; i < values.size(); ++i) {
      const Node node = plan_.frozen[i];
      graph_.Clear(node, "Const");
      graph_.SetAttr(node, "dtype", AttrType(values[i]->dtype()));
      graph_.SetAttr(node, "value", values[i]);
    }
    RETURN_IF_ERROR(EraseRest());
    CleanColocations();
    if (options_.clear_devices) {
      for (Node node : graph_.nodes()) {
        if (!node.device().empty()) graph_.SetDevice(node, "");
      }
    }
    if (!options_.keep_functions) report_.functions_pruned = model_.PruneFunctions();
    report_.changed_signatures = FitContainerToGraph(model_);
    if (report_.left.empty()) model_.variables_prefix.clear();
    report_.nodes_kept = graph_.num_nodes();
    return absl::OkStatus();
  }

 private:
  static uint32_t Index(NodeId id) { return static_cast<uint32_t>(id); }

  // The variable that input `slot` hands on, if it is one that is being frozen.
  const FreezePlan::Carried* Frozen(Node node, int slot) const {
    if (slot >= node.num_inputs()) return nullptr;
    const FreezePlan::Carried* carried = plan_.Of(node.input(slot));
    return carried != nullptr && carried->frozen ? carried : nullptr;
  }

  void KeepAttrs(Node node, std::initializer_list<absl::string_view> keys) {
    std::vector<std::string> gone;
    for (absl::string_view key : node.attr_keys()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) gone.emplace_back(key);
    }
    for (const std::string& key : gone) graph_.RemoveAttr(node, key);
  }

  void KeepInputs(Node node, int count) {
    while (node.num_inputs() > count) {
      graph_.RemoveInput(node, node.num_inputs() - 1);
      input_removed_ = true;
    }
  }

  // In place: name, order and control inputs stay, and so does _class; a device does not, since the
  // variable's readers are placed where constants are.
  void Become(Node node, absl::string_view op) {
    KeepAttrs(node, {"_class"});
    graph_.SetOp(node, op);
    graph_.SetDevice(node, "");
  }

  absl::Status BecomeConst(Node node, const Tensor& value) {
    KeepInputs(node, 0);
    KeepAttrs(node, {});
    graph_.SetOp(node, "Const");
    graph_.SetDevice(node, "");
    graph_.SetAttr(node, "dtype", AttrType(value.dtype));
    ASSIGN_OR_RETURN(const std::string proto, EncodeTensorProto(value));
    graph_.SetAttr(node, "value", AttrTensor(proto));
    return absl::OkStatus();
  }

  // A constant for `user` alone, right before it. Inside a loop it needs a control input to be in the user's
  // frame.
  Node ConstFor(Node user, absl::string_view name, Tensor value) {
    const Node constant = graph_.AddConst(absl::StrCat(user.name(), "/", name), std::move(value), user);
    if (has_control_flow_ && frames_.InLoop(user.id())) {
      if (const Node anchor = frames_.Anchor(user); anchor && plan_.Keeps(anchor.id())) {
        graph_.AddControlInput(constant, anchor);
      }
    }
    return constant;
  }

  // A node to wait for that is alive just when `output` is, in its frame. A control edge from a Switch says
  // nothing about which of its outputs is alive.
  absl::StatusOr<Node> Anchor(Node user, Output output, DataType dtype) {
    const Node producer = graph_.node(output.node);
    if (!IsSwitch(producer.op())) return producer;
    const Output inputs[] = {output};
    ASSIGN_OR_RETURN(const Node anchor, graph_.AddNode(graph_.UniqueName(absl::StrCat(user.name(), "/alive")),
                                                       "Identity", inputs, user));
    graph_.SetAttr(anchor, "T", AttrType(BaseType(dtype)));
    return anchor;
  }

  // Functions that are handed variables, and the calls of them.
  absl::Status RewriteCalls() {
    if (plan_.calls.empty()) return absl::OkStatus();
    std::vector<FrozenCall> calls;
    for (Node node : plan_.calls) {
      FrozenCall call;
      call.node = node;
      call.kind = plan_.Kind(node);
      for (int slot = 0; slot < node.num_inputs(); ++slot) {
        const FreezePlan::Carried* carried = Frozen(node, slot);
        if (carried == nullptr) continue;
        FrozenArgument& argument = call.inputs[slot];
        argument.dtype = BaseType(carried->dtype);
        const auto dims = dims_.find(node.input(slot).node);  // Not through a Merge of several.
        argument.shape.unknown_rank = dims == dims_.end();
        if (dims != dims_.end()) argument.shape.dims = dims->second;
      }
      calls.push_back(std::move(call));
    }
    int updates = 0;
    RETURN_IF_ERROR(FreezeFunctions(model_, calls, plan_.keep, &updates));
    report_.dropped_updates += updates;
    if (updates > 0) {
      report_.notes.push_back(absl::StrCat("dropped ", updates, updates == 1 ? " update op" : " update ops",
                                           " in functions, which only change variables"));
    }
    return absl::OkStatus();
  }

  // Takes away the control edges from dropped nodes, and puts the plan's anchors in their place.
  absl::Status CutDropped(Node node) {
    for (int i = static_cast<int>(node.control_inputs().size()) - 1; i >= 0; --i) {
      const NodeId from = node.control_inputs()[static_cast<size_t>(i)].node;
      if (plan_.dropped[Index(from)] != 0) graph_.RemoveControlInput(node, i);
    }
    const auto anchors = plan_.anchors.find(node.id());
    if (anchors == plan_.anchors.end()) return absl::OkStatus();
    for (const FreezePlan::Anchor& anchor : anchors->second) {
      Node from = graph_.node(anchor.from.node);
      if (!anchor.control) {
        const FreezePlan::Carried* carried = plan_.Of(anchor.from);
        const DataType dtype = carried != nullptr ? carried->dtype : from.attr("T", DT_FLOAT);
        ASSIGN_OR_RETURN(from, Anchor(node, anchor.from, dtype));
      }
      graph_.AddControlInput(node, from);
    }
    return absl::OkStatus();
  }

  absl::Status Rewrite(Node node) {
    if (is_update_[Index(node.id())] != 0) return RewriteUpdate(node);
    switch (plan_.Class(node)) {
      case FreezeOp::kForward: {
        const FreezePlan::Carried* carried = Frozen(node, 0);
        if (carried == nullptr || !carried->resource || plan_.carries[Index(node.id())] < 0) break;
        graph_.SetAttr(node, "T", AttrType(carried->dtype));
        graph_.RemoveAttr(node, "_output_shapes");
        break;
      }
      case FreezeOp::kRefForward:
        if (Frozen(node, 0) != nullptr) graph_.SetOp(node, ValueOpOf(node.op()));
        break;
      case FreezeOp::kRefSelect:
        if (Frozen(node, 1) != nullptr) return RewriteSelect(node);
        break;
      case FreezeOp::kRead:
        if (const FreezePlan::Carried* carried = Frozen(node, 0)) {
          const DataType dtype = node.attr("dtype", carried->dtype);
          Become(node, "Identity");
          graph_.SetAttr(node, "T", AttrType(dtype));
        }
        break;
      case FreezeOp::kGather:
        if (Frozen(node, 0) != nullptr) return RewriteGather(node);
        break;
      case FreezeOp::kGatherNd:
        if (const FreezePlan::Carried* carried = Frozen(node, 0)) {
          const DataType dtype = node.attr("dtype", carried->dtype),
                         indices = node.attr("Tindices", DT_INT32);
          Become(node, "GatherNd");
          graph_.SetAttr(node, "Tparams", AttrType(dtype));
          graph_.SetAttr(node, "Tindices", AttrType(indices));
        }
        break;
      case FreezeOp::kShape:
        if (Frozen(node, 0) != nullptr) return RewriteShape(node);
        break;
      case FreezeOp::kIsInitialized:
        if (Frozen(node, 0) != nullptr) return RewriteIsInitialized(node);
        break;
      case FreezeOp::kRelease:
        if (Frozen(node, 0) != nullptr) {
          KeepInputs(node, 0);
          KeepAttrs(node, {});
          graph_.SetOp(node, "NoOp");
        }
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }

  absl::Status RewriteGather(Node node) {
    const DataType dtype = node.attr("dtype", Frozen(node, 0)->dtype),
                   indices = node.attr("Tindices", DT_INT32);
    const int64_t batch_dims = node.attr("batch_dims", int64_t{0});
    Become(node, "GatherV2");
    graph_.SetAttr(node, "Tparams", AttrType(dtype));
    graph_.SetAttr(node, "Tindices", AttrType(indices));
    graph_.SetAttr(node, "Taxis", AttrType(indices));
    if (batch_dims != 0) graph_.SetAttr(node, "batch_dims", AttrInt(batch_dims));
    const Node axis =
        ConstFor(node, "axis",
                 indices == DT_INT64 ? Scalar<int64_t>(DT_INT64, batch_dims)
                                     : Scalar<int32_t>(DT_INT32, static_cast<int32_t>(batch_dims)));
    graph_.AddInput(node, axis.out());
    return absl::OkStatus();
  }

  absl::Status RewriteShape(Node node) {
    const DataType type = node.attr("out_type", DT_INT32);
    const FreezePlan::Carried* carried = Frozen(node, 0);
    const auto dims = dims_.find(node.input(0).node);
    if (dims ==
        dims_.end()) {  // Through a Switch or into a loop: a constant would be alive where this is not.
      const DataType dtype = carried->dtype;
      Become(node, "Shape");
      graph_.SetAttr(node, "T", AttrType(dtype));
      graph_.SetAttr(node, "out_type", AttrType(type));
      return absl::OkStatus();
    }
    const int64_t rank = static_cast<int64_t>(dims->second.size());
    if (type == DT_INT64) return BecomeConst(node, Tensor::Of<int64_t>(DT_INT64, {rank}, dims->second));
    const std::vector<int32_t> narrow(dims->second.begin(), dims->second.end());
    return BecomeConst(node, Tensor::Of<int32_t>(DT_INT32, {rank}, narrow));
  }

  absl::Status RewriteIsInitialized(Node node) {
    const Output variable = node.input(0);
    const DataType dtype = Frozen(node, 0)->dtype;
    Node anchor;
    if (!dims_.contains(variable.node)) {
      ASSIGN_OR_RETURN(anchor, Anchor(node, variable, dtype));
    }
    RETURN_IF_ERROR(BecomeConst(node, Scalar<uint8_t>(DT_BOOL, 1)));
    if (anchor) graph_.AddControlInput(node, anchor);
    return absl::OkStatus();
  }

  absl::Status CheckSelect(Node node) {
    const FreezePlan::Carried* first = Frozen(node, 1);
    if (first == nullptr) return absl::OkStatus();
    for (int slot = 1; slot < node.num_inputs(); ++slot) {
      const auto dims = dims_.find(node.input(slot).node);
      if (dims != dims_.end() && dims->second == dims_[node.input(1).node]) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("node '", node.name(),
                       "' (RefSelect) chooses between variables of different shapes or through other "
                       "nodes, which no op on values does"));
    }
    return absl::OkStatus();
  }

  absl::Status RewriteSelect(Node node) {
    const DataType dtype = BaseType(Frozen(node, 1)->dtype);
    std::vector<Output> values;
    for (int slot = 1; slot < node.num_inputs(); ++slot) values.push_back(node.input(slot));
    ASSIGN_OR_RETURN(const Node pack, graph_.AddNode(graph_.UniqueName(absl::StrCat(node.name(), "/values")),
                                                     "Pack", values, node));
    graph_.SetAttr(pack, "T", AttrType(dtype));
    graph_.SetAttr(pack, "N", AttrInt(static_cast<int64_t>(values.size())));
    graph_.SetAttr(pack, "axis", AttrInt(0));
    const Output index = node.input(0);
    KeepInputs(node, 0);
    Become(node, "GatherV2");
    graph_.AddInput(node, pack.out());
    graph_.AddInput(node, index);
    const Node axis = ConstFor(node, "axis", Scalar<int32_t>(DT_INT32, 0));
    graph_.AddInput(node, axis.out());
    graph_.SetAttr(node, "Tparams", AttrType(dtype));
    graph_.SetAttr(node, "Tindices", AttrType(DT_INT32));
    graph_.SetAttr(node, "Taxis", AttrType(DT_INT32));
    return absl::OkStatus();
  }

  // The value that an update op gives: the frozen one, or what its first run would make of it.
  absl::Status RewriteUpdate(Node node) {
    const std::string op(node.op());
    const FreezePlan::Carried* carried = Frozen(node, 0);
    if (carried == nullptr ||
        (carried->resource && op != "ResourceCountUpTo")) {  // No output that anybody reads.
      KeepInputs(node, 0);
      KeepAttrs(node, {});
      graph_.SetOp(node, "NoOp");
      return absl::OkStatus();
    }
    ++replaced_updates_;
    input_removed_ = true;
    return GiveValueOfUpdate(graph_, node, BaseType(carried->dtype), options_.state == StatePolicy::kPure,
                             [this](Node user, absl::string_view name, Tensor value) {
                               return ConstFor(user, name, std::move(value));
                             });
  }

  absl::Status EraseRest() {
    std::vector<char> keep = plan_.keep;
    keep.resize(graph_.id_limit(), 1);  // What was added serves what is kept.
    if (replaced_updates_ > 0) {
      report_.notes.push_back(absl::StrCat("replaced ", replaced_updates_, " update ops by ",
                                           options_.state == StatePolicy::kPure
                                               ? "what their first run gives"
                                               : "the frozen value of their variable"));
    }
    if (input_removed_) keep = Needed();
    std::vector<NodeId> dead;
    for (Node node : graph_.nodes()) {
      if (keep[Index(node.id())] == 0) dead.push_back(node.id());
    }
    return graph_.Erase(dead);
  }

  std::vector<char> Needed() {
    std::vector<char> seen(graph_.id_limit(), 0);
    std::vector<NodeId> stack;
    const auto visit = [&](NodeId id) {
      if (seen[Index(id)] != 0) return;
      seen[Index(id)] = 1;
      stack.push_back(id);
    };
    for (Node node : plan_.outputs) visit(node.id());
    while (!stack.empty()) {
      const Node node = graph_.node(stack.back());
      stack.pop_back();
      for (const InputEdge& edge : node.inputs()) visit(edge.node);
      for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
      const AttrView colocation = node.attr("_class");
      if (options_.drop_colocation || colocation.kind() != AttrView::kList) continue;
      for (absl::string_view entry : colocation.list_s()) {
        if (!absl::ConsumePrefix(&entry, "loc:@")) continue;
        if (const Node other = graph_.Find(entry)) {
          if (plan_.dropped[Index(other.id())] == 0) visit(other.id());
        }
      }
    }
    return seen;
  }

  // Colocation with a node that is gone, or that never was, would keep the graph from loading.
  void CleanColocations() {
    int removed = graph_.FixColocations();
    for (Node node : graph_.nodes()) {
      const AttrView colocation = node.attr("_class");
      if (colocation.kind() != AttrView::kList) continue;
      std::vector<std::string> left;
      const std::vector<absl::string_view> entries = colocation.list_s();
      for (absl::string_view entry : entries) {
        absl::string_view name = entry;
        if (absl::ConsumePrefix(&name, "loc:@") && !graph_.Find(name)) continue;
        left.emplace_back(entry);
      }
      if (left.size() == entries.size()) continue;
      removed += static_cast<int>(entries.size() - left.size());
      if (left.empty()) {
        graph_.RemoveAttr(node, "_class");
      } else {
        graph_.SetAttr(node, "_class", AttrStringList(left));
      }
    }
    if (removed > 0 && !options_.drop_colocation) {
      report_.notes.push_back(
          absl::StrCat("removed ", removed, " colocations with nodes that are not there (CG144)"));
    }
  }

  Model& model_;
  Graph& graph_;
  const FreezePlan& plan_;
  const FreezeOptions& options_;
  FreezeReport& report_;
  absl::flat_hash_map<NodeId, std::vector<int64_t>> dims_;  // Of frozen variables' values.
  bool has_control_flow_ = false;
  FrameInfo frames_;             // Only if so.
  std::vector<char> is_update_;  // By node id.
  bool input_removed_ = false;   // So that more may be dead than the plan knew.
  int replaced_updates_ = 0;
};

}  // namespace

absl::Status RewriteFrozen(Model& model, const FreezePlan& plan, const FreezeOptions& options,
                           const std::vector<std::shared_ptr<const TensorSource>>& values,
                           FreezeReport& report) {
  return Rewriter(model, plan, options, report).Run(values);
}

}  // namespace cryograph
