// Computes what does not depend on any input, once and for all.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/nearest.h"
#include "graph/attr.h"
#include "graph/control_flow.h"
#include "graph/dtype.h"
#include "graph/op_schema.h"
#include "graph/shape_inference.h"
#include "graph/tensor.h"
#include "graph/topological_order.h"
#include "transforms/constant_evaluator.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

struct FoldLimits {
  const std::vector<std::string>* exclude_op = nullptr;
  const std::vector<std::string>* exclude_node = nullptr;
  uint64_t max_bytes = 0;
  bool clear_output_shapes = true;
};

bool IsShapeOp(absl::string_view op) {
  return op == "Shape" || op == "ShapeN" || op == "Rank" || op == "Size";
}

// Ops without state in the table that look at more than their inputs, or are there for what they do.
bool LooksOutside(absl::string_view op) {
  static constexpr absl::string_view kOps[] = {
      "Placeholder",    "PlaceholderV2",    "ReadFile",           "WriteFile",       "MatchingFiles",
      "ImmutableConst", "CheckNumerics",    "CheckNumericsV2",    "Print",           "PrintV2",
      "Assert",         "GetSessionHandle", "GetSessionHandleV2", "GetSessionTensor"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

bool Lists(const std::vector<std::string>& list, absl::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// One run over one graph.
class Folder {
 public:
  Folder(Graph& graph, PassContext& context, const FoldLimits& limits)
      : graph_(graph), context_(context), limits_(limits), registry_(context.model()) {}

  absl::Status Run() {
    role_.resize(graph_.id_limit());
    RETURN_IF_ERROR(FindPromises());
    RETURN_IF_ERROR(CutInputs());
    ASSIGN_OR_RETURN(needed_, Needed());
    RETURN_IF_ERROR(CheckNames());
    RETURN_IF_ERROR(FindShapes());
    const std::vector<NodeId> order = StableOrder(graph_).order;
    bad_.resize(graph_.id_limit());
    std::vector<Output> wanted;
    std::vector<Tensor> values;
    do {
      Classify(order);
      wanted = Wanted();
      ASSIGN_OR_RETURN(values, Evaluate(order, wanted));
    } while (values.size() != wanted.size());
    RETURN_IF_ERROR(Replace(wanted, values));
    return RemoveUnneeded();
  }

 private:
  enum Role : uint8_t { kNone = 0, kInput = 1, kPromised = 2 };

  static size_t Index(NodeId id) { return static_cast<size_t>(id); }
  static size_t Index(Node node) { return Index(node.id()); }

  absl::Status NoSuchNode(absl::string_view role, const std::string& name) {
    std::vector<absl::string_view> names;
    for (Node node : graph_.nodes()) names.push_back(node.name());
    return absl::NotFoundError(absl::StrCat("the graph has no node '", name, "', which is listed as ", role,
                                            DidYouMean(NearestNames(name, names, 3))));
  }

  absl::Status FindPromises() {
    if (context_.outputs().empty()) {
      return absl::InvalidArgumentError(
          "no outputs are listed, so there is nothing to keep; list what the graph is run for");
    }
    for (const TensorName& input : context_.inputs()) {
      const Node node = graph_.Find(input.node);
      if (!node) return NoSuchNode("an input", input.node);
      role_[Index(node)] |= kInput;
    }
    for (const TensorName& output : context_.outputs()) {
      const Node node = graph_.Find(output.node);
      if (!node) return NoSuchNode("an output", output.node);
      role_[Index(node)] |= kPromised;
    }
    for (const std::string& name : context_.keep()) {
      if (const Node node = graph_.Find(name)) role_[Index(node)] |= kPromised;
    }
    return absl::OkStatus();
  }

  absl::Status CutInputs() {
    for (Node node : graph_.nodes()) {
      if ((role_[Index(node)] & kInput) == 0 || node.op() == "Placeholder") continue;
      if (node.op() != "PlaceholderWithDefault") {
        return absl::InvalidArgumentError(
            absl::StrCat("input '", node.name(), "' is no Placeholder but ", node.op(),
                         "; run strip_unused_nodes before, which makes it one"));
      }
      for (int slot = node.num_inputs(); slot-- > 0;) graph_.RemoveInput(node, slot);
      graph_.SetOp(node, "Placeholder");
      context_.Remark(node, "was a PlaceholderWithDefault; it is an input, so its default is gone");
    }
    return absl::OkStatus();
  }

  // What the outputs lead to, and all inputs.
  absl::StatusOr<std::vector<bool>> Needed() {
    std::vector<bool> needed(graph_.id_limit());
    std::vector<Node> pending;
    const auto visit = [&](Node node) {
      if (needed[Index(node)]) return;
      needed[Index(node)] = true;
      pending.push_back(node);
    };
    for (Node node : graph_.nodes()) {
      if (Index(node) < role_.size() && role_[Index(node)] != kNone) visit(node);
    }
    while (!pending.empty()) {
      const Node node = pending.back();
      pending.pop_back();
      const auto follow = [&](NodeId read) -> absl::Status {
        if (graph_.node(read).is_missing()) {
          return absl::InvalidArgumentError(
              absl::StrCat("node '", node.name(), "' (", node.op(), "), which the outputs need, reads '",
                           graph_.node(read).name(), "', but the graph has no node of that name"));
        }
        visit(graph_.node(read));
        return absl::OkStatus();
      };
      for (const InputEdge& input : node.inputs()) RETURN_IF_ERROR(follow(input.node));
      for (const ControlEdge& control : node.control_inputs()) RETURN_IF_ERROR(follow(control.node));
    }
    return needed;
  }

  absl::Status CheckNames() {
    for (Node node : graph_.nodes()) {
      if ((node.defects() & kDefectDuplicateName) == 0) continue;
      const Node bearer = graph_.Find(node.name());
      if (!needed_[Index(node)] && (!bearer || !needed_[Index(bearer)])) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("two nodes are named '", node.name(), "', which the outputs need"));
    }
    return absl::OkStatus();
  }

  absl::Status FindShapes() {
    ShapeOptions options;
    options.producer = context_.model().versions().producer;
    shapes_ = InferShapes(graph_, registry_, options);
    for (Node node : graph_.nodes()) {
      if (!needed_[Index(node)] || !node.has_attr("_output_shapes")) continue;
      if (limits_.clear_output_shapes) {
        if ((role_[Index(node)] & kInput) == 0) graph_.RemoveAttr(node, "_output_shapes");
        continue;
      }
      const AttrView told = node.attr("_output_shapes");
      if (told.kind() != AttrView::kList) continue;
      int32_t port = 0;
      for (const PartialShape& shape : told.list_shape()) {
        const Output output = node.out(port++);
        if (!AreCompatible(shape, shapes_.shape(output))) {
          return absl::InvalidArgumentError(absl::StrCat(
              "node '", node.name(), "' (", node.op(), "): _output_shapes says ", PartialShapeText(shape),
              ", but the graph makes ", PartialShapeText(shapes_.shape(output)),
              "; clear_output_shapes=true passes over it"));
        }
        if (!IsFull(shapes_.shape(output))) options.feeds[output] = shape;
      }
    }
    if (!options.feeds.empty()) shapes_ = InferShapes(graph_, registry_, options);
    return absl::OkStatus();
  }

  static bool IsFull(const PartialShape& shape) {
    return !shape.unknown_rank &&
           std::all_of(shape.dims.begin(), shape.dims.end(), [](int64_t dim) { return dim >= 0; });
  }

  // Number of outputs of a node that the evaluator may compute; 0 for others.
  int64_t FoldableOutputs(Node node) {
    const absl::string_view op = node.op();
    if (bad_[Index(node)] || (role_[Index(node)] & kInput) != 0) return 0;
    if (IsControlFlow(op) || IsReceive(op) || LooksOutside(op)) return 0;
    const OpSchema* schema = registry_.Find(op);
    if (schema == nullptr || schema->is_function || schema->is_stateful) return 0;
    const OpSchema* old = FindOp(op, Release::k1_15);
    if (old != nullptr && old->is_stateful) return 0;
    for (const AttrSchema& attr : schema->attrs) {
      if (attr.type == "func" || attr.type == "list(func)") return 0;
    }
    for (const ArgSchema& arg : schema->inputs) {
      if (arg.is_ref) return 0;
    }
    TypeRuns types;
    if (!ArgTypes(*schema, schema->outputs, node, &types).ok()) return 0;
    for (const TypeRuns::Run& run : types.runs()) {
      if (IsRefType(run.type) || run.type == DT_RESOURCE || run.type == DT_VARIANT) return 0;
    }
    if (op == "Const") return 1;
    if (Lists(*limits_.exclude_op, op) || Lists(*limits_.exclude_node, node.name())) return 0;
    return context_.evaluator()->HasKernel(op) ? types.size() : 0;
  }

  // The value of a Shape, ShapeN, Rank or Size that follows from static shapes; empty if none does.
  std::vector<Tensor> ShapeValues(Node node) {
    std::vector<Tensor> values;
    const DataType type = node.attr("out_type", DT_INT32);
    if (type != DT_INT32 && type != DT_INT64) return {};
    const bool rank_only = node.op() == "Rank";
    for (const InputEdge& input : node.inputs()) {
      const PartialShape& shape = shapes_.shape(input);
      if (rank_only ? shape.unknown_rank : !IsFull(shape)) return {};
      std::vector<int64_t> numbers = shape.dims;
      std::vector<int64_t> dims = {static_cast<int64_t>(shape.dims.size())};
      if (rank_only) {
        numbers = dims;
        dims.clear();
      } else if (node.op() == "Size") {
        const absl::StatusOr<int64_t> count = NumElements(shape.dims);
        if (!count.ok()) return {};
        numbers = {*count};
        dims.clear();
      }
      if (rank_only || type == DT_INT32) {
        std::vector<int32_t> narrow;
        for (int64_t number : numbers) {
          if (number > std::numeric_limits<int32_t>::max()) return {};
          narrow.push_back(static_cast<int32_t>(number));
        }
        values.push_back(Tensor::Of<int32_t>(DT_INT32, dims, narrow));
      } else {
        values.push_back(Tensor::Of<int64_t>(DT_INT64, dims, numbers));
      }
    }
    return values;
  }

  // Finds foldable_, given_ and controls_.
  void Classify(const std::vector<NodeId>& order) {
    foldable_.assign(graph_.id_limit(), false);
    outputs_.assign(graph_.id_limit(), 0);
    controls_.assign(graph_.id_limit(), {});
    from_default_.assign(graph_.id_limit(), false);
    given_.clear();
    for (NodeId id : order) {
      const Node node = graph_.node(id);
      if (!needed_[Index(id)]) continue;
      const int64_t outputs = FoldableOutputs(node);
      if (outputs == 0) continue;
      // An output of the graph must stay one node of its name.
      if ((role_[Index(id)] & kPromised) != 0 && node.op() != "Const" &&
          (outputs != 1 || context_.compat())) {
        context_.Skip(node, "it is an output of the graph, and stays the node that it is");
        continue;
      }
      std::vector<NodeId> controls;
      bool constant = true, from_default = node.op() == "PlaceholderWithDefault";
      for (const InputEdge& input : node.inputs()) {
        constant = constant && foldable_[Index(input.node)];
        from_default = from_default || from_default_[Index(input.node)];
        Inherit(input.node, &controls);
      }
      if (!constant) {
        std::vector<Tensor> values;
        if (IsShapeOp(node.op())) values = ShapeValues(node);
        if (values.empty()) continue;
        for (size_t port = 0; port < values.size(); ++port) {
          given_.emplace_back(absl::StrCat(node.name(), ":", port), std::move(values[port]));
        }
      }
      for (const ControlEdge& control : node.control_inputs()) Inherit(control.node, &controls);
      foldable_[Index(id)] = true;
      from_default_[Index(id)] = from_default && constant;
      outputs_[Index(id)] = outputs;
      std::sort(controls.begin(), controls.end());
      controls.erase(std::unique(controls.begin(), controls.end()), controls.end());
      controls_[Index(id)] = std::move(controls);
    }
  }

  // What a constant in the place of a reader of `id` must wait for.
  void Inherit(NodeId id, std::vector<NodeId>* controls) {
    if (!foldable_[Index(id)]) {
      controls->push_back(id);
      return;
    }
    controls->insert(controls->end(), controls_[Index(id)].begin(), controls_[Index(id)].end());
  }

  bool TooLarge(Output output) {
    const PartialShape& shape = shapes_.shape(output);
    if (!IsFull(shape)) return false;
    const absl::StatusOr<int64_t> count = NumElements(shape.dims);
    return !count.ok() || static_cast<uint64_t>(*count) > limits_.max_bytes;
  }

  // The tensors that constants shall stand for, sorted by name and port.
  std::vector<Output> Wanted() {
    std::vector<Output> wanted;
    const auto want = [&](Output output) {
      const Node node = graph_.node(output.node);
      if (!foldable_[Index(output.node)] || node.op() == "Const") return;
      if (output.index < 0 || output.index >= outputs_[Index(output.node)]) return;
      if (TooLarge(output)) {
        context_.Skip(node, absl::StrCat("its value is larger than ", limits_.max_bytes, " bytes"));
        return;
      }
      wanted.push_back(output);
    };
    for (Node node : graph_.nodes()) {
      if (!needed_[Index(node)]) continue;
      if ((role_[Index(node)] & kPromised) != 0) want(node.out());
      if (foldable_[Index(node)]) continue;
      for (const InputEdge& input : node.inputs()) want(input);
    }
    std::sort(wanted.begin(), wanted.end(), [this](Output a, Output b) {
      const auto key = [this](Output o) { return std::make_tuple(graph_.node(o.node).name(), o.index); };
      return key(a) < key(b);
    });
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    return wanted;
  }

  std::string TensorText(Output output) {
    return absl::StrCat(graph_.node(output.node).name(), ":", output.index);
  }

  // A copy in which control inputs do not hold constants in a loop or a branch.
  Model WithoutFrames() {
    Model model = context_.model().Clone();
    for (Node node : model.graph().nodes()) {
      if (!foldable_[Index(node)]) continue;
      model.graph().RemoveAllControlInputs(node);
      for (int slot = node.num_inputs(); slot-- > 0;) {
        if (!foldable_[Index(node.input(slot).node)]) model.graph().RemoveInput(node, slot);
      }
    }
    return model;
  }

  // Fewer values than wanted: a node failed, is in bad_ now, and all must be looked at anew.
  absl::StatusOr<std::vector<Tensor>> Evaluate(const std::vector<NodeId>& order,
                                               const std::vector<Output>& wanted) {
    if (wanted.empty()) return std::vector<Tensor>();
    if (session_ == nullptr) {
      ASSIGN_OR_RETURN(session_, context_.evaluator()->Open(WithoutFrames()));
    }
    std::vector<std::string> names;
    for (Output output : wanted) names.push_back(TensorText(output));
    absl::StatusOr<std::vector<Tensor>> values = session_->Evaluate(names, given_);
    if (values.ok() || context_.compat() || absl::IsDeadlineExceeded(values.status())) return values;
    std::vector<Tensor> singles;
    bool failed = false;
    for (size_t i = 0; i < wanted.size(); ++i) {
      absl::StatusOr<std::vector<Tensor>> single = session_->Evaluate({names[i]}, given_);
      if (absl::IsDeadlineExceeded(single.status())) return single.status();
      if (single.ok()) {
        singles.push_back(std::move(single->front()));
        continue;
      }
      failed = true;
      RETURN_IF_ERROR(Blame(order, wanted[i], single.status()));
    }
    if (failed) singles.clear();
    return singles;
  }

  // Marks the first node that fails among those that `output` needs.
  absl::Status Blame(const std::vector<NodeId>& order, Output output, const absl::Status& status) {
    std::vector<bool> cone(graph_.id_limit());
    std::vector<NodeId> pending = {output.node};
    cone[Index(output.node)] = true;
    while (!pending.empty()) {
      const Node node = graph_.node(pending.back());
      pending.pop_back();
      for (const InputEdge& input : node.inputs()) {
        if (cone[Index(input.node)] || !foldable_[Index(input.node)]) continue;
        cone[Index(input.node)] = true;
        pending.push_back(input.node);
      }
    }
    Node culprit = graph_.node(output.node);
    absl::Status why = status;
    for (NodeId id : order) {
      if (!cone[Index(id)] || graph_.node(id).op() == "Const") continue;
      if (bad_[Index(id)]) return absl::OkStatus();  // For another tensor.
      const absl::Status each = session_->Evaluate({TensorText({id, 0})}, given_).status();
      if (absl::IsDeadlineExceeded(each)) return each;
      if (each.ok()) continue;
      culprit = graph_.node(id);
      why = each;
      break;
    }
    bad_[Index(culprit)] = true;
    context_.Warn(absl::StrCat("node '", culprit.name(), "' (", culprit.op(),
                               ") is not folded, because it cannot be computed: ", why.message()));
    return absl::OkStatus();
  }

  absl::Status Replace(const std::vector<Output>& wanted, const std::vector<Tensor>& values) {
    absl::flat_hash_map<Output, NodeId> constants;
    int64_t k = 0;
    int64_t n = static_cast<int64_t>(given_.size());  // transform_graph makes constants of these first.
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Node node = graph_.node(wanted[i].node);
      ASSIGN_OR_RETURN(std::string proto, EncodeTensorProto(values[i]));
      if (SizeOf(values[i]) > limits_.max_bytes) {
        context_.Skip(node, absl::StrCat("its value is larger than ", limits_.max_bytes, " bytes"));
        continue;
      }
      std::vector<NodeId> controls = controls_[Index(node)];
      if (from_default_[Index(node)]) {
        context_.Warn(absl::StrCat("'", node.name(),
                                   "' is computed from the default of a PlaceholderWithDefault, which is not "
                                   "listed as input and cannot be fed any more"));
      }
      context_.Count("folded");
      if ((role_[Index(node)] & kPromised) != 0) {
        graph_.Clear(node, "Const");
        graph_.SetAttr(node, "dtype", AttrType(values[i].dtype));
        graph_.SetAttr(node, "value", AttrTensor(proto));
        for (NodeId control : controls) graph_.AddControlInput(node, graph_.node(control));
        continue;
      }
      const std::string stem = absl::StrCat(node.name(), "/_", k++, "__cf__");
      while (graph_.Find(absl::StrCat(stem, n))) ++n;
      const Node constant = graph_.AddConst(absl::StrCat(stem, n++), values[i], node);
      for (NodeId control : controls) graph_.AddControlInput(constant, graph_.node(control));
      constants.emplace(wanted[i], constant.id());
    }
    for (Node node : graph_.nodes()) {
      if (Index(node) >= needed_.size() || !needed_[Index(node)] || foldable_[Index(node)]) continue;
      for (int slot = 0; slot < node.num_inputs(); ++slot) {
        const auto found = constants.find(node.input(slot));
        if (found != constants.end()) graph_.SetInput(node, slot, {found->second, 0});
      }
    }
    return absl::OkStatus();
  }

  static uint64_t SizeOf(const Tensor& tensor) {
    uint64_t size = tensor.bytes.size();
    for (absl::string_view each : tensor.strings) size += each.size();
    return size;
  }

  absl::Status RemoveUnneeded() {
    ASSIGN_OR_RETURN(const std::vector<bool> needed, Needed());
    std::vector<NodeId> dead;
    for (Node node : graph_.nodes()) {
      if (!needed[Index(node)]) dead.push_back(node.id());
    }
    if (dead.empty()) return absl::OkStatus();
    context_.Count("removed", static_cast<int64_t>(dead.size()));
    return graph_.Erase(dead);
  }

  Graph& graph_;
  PassContext& context_;
  const FoldLimits& limits_;
  const OpRegistry registry_;
  GraphShapes shapes_;
  std::unique_ptr<ConstantEvaluator::Session> session_;

  // By node.
  std::vector<uint8_t> role_;
  std::vector<bool> needed_, foldable_, bad_, from_default_;
  std::vector<int64_t> outputs_;                       // Of the foldable ones.
  std::vector<std::vector<NodeId>> controls_;          // What a constant instead of the node must wait for.
  std::vector<std::pair<std::string, Tensor>> given_;  // Values that follow from static shapes.
};

class FoldConstants final : public Pass {
 public:
  FoldConstants()
      : Pass("fold_constants", "Computes what depends on no input, and removes what is not needed.") {}

  std::string doc() const override {
    return "Each tensor that follows from constants alone, and that a node reads which does not, becomes a "
           "Const, named\n"
           "`<node>/_<k>__cf__<n>` as by transform_graph (`n` is the next one that is free), in the place of "
           "its "
           "node. `Shape`, `ShapeN`,\n"
           "`Rank` and `Size` of a tensor whose shape the graph tells are constants, too; they wait for the "
           "tensor by a control\n"
           "input. A constant has the control inputs of all that it stands for, so that in a loop or a "
           "branch it "
           "runs where they\n"
           "did. Ops with state, control flow, calls of functions, ops that nobody knows and those without a "
           "kernel stay. A\n"
           "`PlaceholderWithDefault` that is not listed as input counts as its default, with a warning. "
           "Afterwards all that the outputs\n"
           "do not need is removed; listed inputs stay.\n"
           "\n"
           "Other than in transform_graph an output that is constant becomes a Const under its own name, the "
           "order of the nodes\n"
           "stays, a placeholder that is not listed is no error, only what the outputs need is looked at, no "
           "attributes are added, and\n"
           "a node that cannot be computed (a division by zero, say) stays, with a warning; with `--compat` "
           "outputs stay and a\n"
           "failure is an error. It needs the runtime: `cryograph transform_graph` has it, the "
           "transform_graph of "
           "the build rules\n"
           "has not.";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    if (context.evaluator() == nullptr) {
      return absl::FailedPreconditionError(
          "fold_constants needs the runtime, and this program is built without it; `cryograph "
          "transform_graph` and //tools:transform_graph have it");
    }
    FoldLimits limits;
    limits.exclude_op = &*exclude_op_;
    limits.exclude_node = &*exclude_node_;
    limits.max_bytes = static_cast<uint64_t>(*max_constant_size_in_bytes_);
    limits.clear_output_shapes = *clear_output_shapes_;
    return Folder(graph, context, limits).Run();
  }

 private:
  Param<bool> clear_output_shapes_{this, "clear_output_shapes", true,
                                   "Remove _output_shapes, which may be stale; false: use them, and fail if "
                                   "they contradict the graph."};
  Param<std::vector<std::string>> exclude_op_{this, "exclude_op", {}, "Ops that are never folded."};
  Param<std::vector<std::string>> exclude_node_{this, "exclude_node", {}, "Nodes that are never folded."};
  Param<int64_t> max_constant_size_in_bytes_{
      this, "max_constant_size_in_bytes", 10485760,
      "Values that are larger stay unfolded; a negative number is no limit."};
};
CRYOGRAPH_REGISTER_PASS(FoldConstants);

}  // namespace
}  // namespace cryograph
