// Ops that ask for a variable and are given its value.
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "graph/frames.h"
#include "graph/topological_order.h"
#include "transforms/freeze_ops.h"
#include "transforms/repair.h"
#include "transforms/value_of_update.h"

namespace cryograph {
namespace {

// Updates of a resource that give nothing.
bool IsResourceUpdate(absl::string_view op) {
  return (absl::StartsWith(op, "Assign") && absl::EndsWith(op, "VariableOp")) ||
         absl::StartsWith(op, "ResourceScatter") || absl::StartsWith(op, "ResourceApply") ||
         absl::StartsWith(op, "ResourceSparseApply") || op == "ResourceStridedSliceAssign";
}

class Repairer {
 public:
  Repairer(Graph& graph, const OpRegistry& registry, const RepairOptions& options, RepairLog& log,
           const BodyFacts* body)
      : graph_(graph), registry_(registry), options_(options), log_(log), body_(body) {}

  absl::Status Run() {
    if (!HasWork()) return absl::OkStatus();
    frames_ = FrameInfo::Analyze(graph_);
    // What a node reads is repaired before it, so that one node's new type makes the next one's case.
    const TopologicalOrder order = StableOrder(graph_);
    for (NodeId id : order.order) RETURN_IF_ERROR(Visit(graph_.node(id)));
    return absl::OkStatus();
  }

 private:
  static bool Interests(absl::string_view op) {
    const FreezeOp type = ClassifyForFreezing(op);
    return (type >= FreezeOp::kRead && type <= FreezeOp::kRelease) || IsResourceUpdate(op);
  }

  bool HasWork() {
    for (int op = 0; op < graph_.num_ops(); ++op) {
      if (Interests(graph_.OpName(op)) && graph_.OpName(op) != "Identity") return true;
    }
    return false;
  }

  // DT_INVALID if it is not known.
  DataType TypeOf(Output output) const {
    const Node node = graph_.node(output.node);
    if (body_ != nullptr && node.is_argument()) {
      const auto argument = body_->arguments.find(node.name());
      return argument == body_->arguments.end() ? DT_INVALID : argument->second;
    }
    const absl::StatusOr<DataType> type = registry_.OutputType(graph_, output);
    return type.ok() ? *type : DT_INVALID;
  }

  // The plain type that input `slot` has, or DT_INVALID: not known, a reference, a resource.
  DataType PlainType(Node node, int slot) const {
    if (slot >= node.num_inputs()) return DT_INVALID;
    const DataType type = TypeOf(node.input(slot));
    return IsRefType(type) || type == DT_RESOURCE || type == DT_VARIANT ? DT_INVALID : type;
  }

  absl::Status Visit(Node node) {
    if (!graph_.alive(node.id())) return absl::OkStatus();
    const FreezeOp role = ClassifyForFreezing(node.op());
    if (IsReturned(node) && role != FreezeOp::kForward && role != FreezeOp::kRefForward)
      return absl::OkStatus();
    switch (role) {
      case FreezeOp::kForward:
        VisitForward(node);
        return absl::OkStatus();
      case FreezeOp::kRefForward:
        VisitRefForward(node);
        return absl::OkStatus();
      case FreezeOp::kRefUpdate:
        return VisitUpdate(node);
      case FreezeOp::kRead:
        if (const DataType type = PlainType(node, 0); type != DT_INVALID) {
          Note("resource", node, "Identity", ResourceWhy(node, type));
          Become(node, "Identity");
          graph_.SetAttr(node, "T", AttrType(type));
        }
        return absl::OkStatus();
      case FreezeOp::kGather:
        return VisitGather(node);
      case FreezeOp::kGatherNd:
        if (const DataType type = PlainType(node, 0); type != DT_INVALID) {
          const DataType indices = node.attr("Tindices", DT_INT32);
          Note("resource", node, "GatherNd", ResourceWhy(node, type));
          Become(node, "GatherNd");
          graph_.SetAttr(node, "Tparams", AttrType(type));
          graph_.SetAttr(node, "Tindices", AttrType(indices));
        }
        return absl::OkStatus();
      case FreezeOp::kShape:
        if (const DataType type = PlainType(node, 0); type != DT_INVALID) {
          const DataType out = node.attr("out_type", DT_INT32);
          Note("resource", node, "Shape", ResourceWhy(node, type));
          Become(node, "Shape");
          graph_.SetAttr(node, "T", AttrType(type));
          graph_.SetAttr(node, "out_type", AttrType(out));
        }
        return absl::OkStatus();
      case FreezeOp::kIsInitialized:
        return VisitIsInitialized(node);
      case FreezeOp::kRelease:
        if (const DataType type = PlainType(node, 0); type != DT_INVALID) {
          Note("resource", node, "NoOp", ResourceWhy(node, type));
          BecomeNoOp(node);
        }
        return absl::OkStatus();
      default:
        break;
    }
    if (!IsResourceUpdate(node.op())) return absl::OkStatus();
    if (const DataType type = PlainType(node, 0); type != DT_INVALID) {
      Note("update", node, "NoOp",
           absl::StrCat("it changes ", Source(node),
                        ", which is a constant; what waited for it waits for the rest"));
      BecomeNoOp(node);
    }
    return absl::OkStatus();
  }

  // Hands on what was a resource and is a value now.
  void VisitForward(Node node) {
    if (node.attr("T", DT_INVALID) != DT_RESOURCE) return;
    const DataType type = PlainType(node, 0);
    if (type == DT_INVALID) return;
    log_.Add("resource", node, absl::StrCat("T of ", node.op(), " became ", DataTypeName(type)),
             absl::StrCat("it says resource, and ", Source(node), " is ", DataTypeName(type)));
    graph_.SetAttr(node, "T", AttrType(type));
    graph_.RemoveAttr(node, "_output_shapes");
  }

  void VisitRefForward(Node node) {
    const DataType type = PlainType(node, 0);
    const absl::string_view value_op = ValueOpOf(node.op());
    if (type == DT_INVALID || value_op.empty()) return;
    Note("reference", node, value_op, ReferenceWhy(node, type));
    graph_.SetOp(node, value_op);
  }

  absl::Status VisitUpdate(Node node) {
    const DataType type = PlainType(node, 0);
    if (type == DT_INVALID) return absl::OkStatus();
    const std::string op(node.op()), source = Source(node);
    const bool pure = options_.pure && HasValueForm(node) && !graph_.is_function();
    if (graph_.is_function()) {
      KeepInputs(node, 1);
      Become(node, "Identity");
      graph_.SetAttr(node, "T", AttrType(type));
    } else {
      RETURN_IF_ERROR(GiveValueOfUpdate(graph_, node, type, options_.pure,
                                        [this](Node user, absl::string_view name, Tensor value) {
                                          return ConstFor(user, name, std::move(value));
                                        }));
    }
    log_.Add("update", node, absl::StrCat(op, " became ", node.op()),
             absl::StrCat("it changes ", source, ", which is a constant; ",
                          pure ? "it gives what its first run would" : "its value is that constant"));
    return absl::OkStatus();
  }

  absl::Status VisitGather(Node node) {
    const DataType type = PlainType(node, 0);
    if (type == DT_INVALID || node.num_inputs() != 2) return absl::OkStatus();
    const DataType indices = node.attr("Tindices", DT_INT32);
    const int64_t batch_dims = node.attr("batch_dims", int64_t{0});
    Note("resource", node, "GatherV2", ResourceWhy(node, type));
    Become(node, "GatherV2");
    graph_.SetAttr(node, "Tparams", AttrType(type));
    graph_.SetAttr(node, "Tindices", AttrType(indices));
    graph_.SetAttr(node, "Taxis", AttrType(indices));
    if (batch_dims != 0) graph_.SetAttr(node, "batch_dims", AttrInt(batch_dims));
    Tensor axis = indices == DT_INT64 ? Tensor::Of<int64_t>(DT_INT64, {}, {batch_dims})
                                      : Tensor::Of<int32_t>(DT_INT32, {}, {static_cast<int32_t>(batch_dims)});
    const Node constant = ConstFor(node, "axis", std::move(axis));
    graph_.AddInput(node, {constant.id(), graph_.is_function() ? graph_.PortIndex(":output:0") : 0});
    return absl::OkStatus();
  }

  absl::Status VisitIsInitialized(Node node) {
    const DataType type = PlainType(node, 0);
    if (type == DT_INVALID) return absl::OkStatus();
    const bool resource = node.op() == "VarIsInitializedOp";
    Note(resource ? "resource" : "reference", node, "Const (true)",
         resource ? ResourceWhy(node, type) : ReferenceWhy(node, type));
    const Node anchor = frames_.Anchor(node);
    ASSIGN_OR_RETURN(const std::string value, EncodeTensorProto(Tensor::Of<uint8_t>(DT_BOOL, {}, {1})));
    KeepInputs(node, 0);
    Become(node, "Const");
    graph_.SetAttr(node, "dtype", AttrType(DT_BOOL));
    graph_.SetAttr(node, "value", AttrTensor(value));
    if (anchor) graph_.AddControlInput(node, anchor);
    return absl::OkStatus();
  }

  void Note(std::string kind, Node node, absl::string_view becomes, std::string why) {
    log_.Add(std::move(kind), node, absl::StrCat(node.op(), " became ", becomes), std::move(why));
  }

  std::string Source(Node node) const { return absl::StrCat("'", node.input_node(0).name(), "'"); }
  std::string ReferenceWhy(Node node, DataType type) const {
    return absl::StrCat("it takes a reference, and ", Source(node), " is a plain ", DataTypeName(type));
  }
  std::string ResourceWhy(Node node, DataType type) const {
    return absl::StrCat("it takes a resource, and ", Source(node), " is a plain ", DataTypeName(type));
  }

  void KeepInputs(Node node, int count) {
    while (node.num_inputs() > count) graph_.RemoveInput(node, node.num_inputs() - 1);
  }

  void Become(Node node, absl::string_view op) {
    std::vector<std::string> gone;
    for (absl::string_view key : node.attr_keys()) {
      if (key != "_class") gone.emplace_back(key);
    }
    for (const std::string& key : gone) graph_.RemoveAttr(node, key);
    graph_.SetOp(node, op);
    if (!graph_.is_function()) return;
    // In a function's body readers name an output as the op's definition does; all of these ops say "output".
    const int32_t port = graph_.PortIndex(":output:0");
    const std::vector<Use> uses(node.uses().begin(), node.uses().end());
    for (const Use& use : uses) {
      if (use.slot != kControl) graph_.SetInput(graph_.node(use.user), use.slot, {node.id(), port});
    }
  }

  // Whether the function gives an output of this node, which must then keep its name.
  bool IsReturned(Node node) const { return body_ != nullptr && body_->returned.contains(node.name()); }

  void BecomeNoOp(Node node) {
    KeepInputs(node, 0);
    Become(node, "NoOp");
  }

  Node ConstFor(Node user, absl::string_view name, Tensor value) {
    const Node constant = graph_.AddConst(absl::StrCat(user.name(), "/", name), std::move(value), user);
    if (frames_.InLoop(user.id())) {
      if (const Node anchor = frames_.Anchor(user)) graph_.AddControlInput(constant, anchor);
    }
    return constant;
  }

  Graph& graph_;
  const OpRegistry& registry_;
  const RepairOptions& options_;
  RepairLog& log_;
  FrameInfo frames_;
  const BodyFacts* body_;
};

}  // namespace

absl::Status RepairVariableUses(Graph& graph, const OpRegistry& registry, const RepairOptions& options,
                                RepairLog& log, const BodyFacts* body) {
  return Repairer(graph, registry, options, log, body).Run();
}

}  // namespace cryograph
