// Keeps what the outputs need, and cuts the graph off at its inputs.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/nearest.h"
#include "graph/op_schema.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class StripUnusedNodes final : public Pass {
 public:
  StripUnusedNodes()
      : Pass("strip_unused_nodes", "Removes what the outputs do not need, and what lies behind the inputs.") {
  }

  std::string doc() const override {
    return "Everything that an output reads stays, data and control, up to the inputs. An input that is a "
           "Placeholder stays\n"
           "as it is; any other becomes a Placeholder of its name. Type and shape of that are what `name`, "
           "`type_for_name`\n"
           "and `shape_for_name` say, else `type` and `shape`, else what the node's attributes tell (the "
           "type of its output,\n"
           "`_output_shapes`, the value of a constant), else float and a scalar, as in transform_graph. "
           "Inputs and outputs\n"
           "may be written with a port. Functions that nothing leads to any more go, too.\n"
           "\n"
           "An input that the graph does not have is an error (`ignore_missing=true` or `--compat` passes "
           "over it), and so is\n"
           "one of several outputs of a node of which others are needed, too: a Placeholder has only one.";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    if (context.outputs().empty()) context.Warn("no outputs are listed, so nothing but the inputs stays");
    std::vector<const TensorName*> input_of(graph.id_limit(), nullptr);
    RETURN_IF_ERROR(FindInputs(graph, context, &input_of));
    std::vector<bool> kept(graph.id_limit());
    RETURN_IF_ERROR(Mark(graph, context, input_of, &kept));

    for (Node node : graph.nodes()) {
      const uint32_t id = static_cast<uint32_t>(node.id());
      if (input_of[id] == nullptr) continue;
      RETURN_IF_ERROR(Cut(graph, context, node, *input_of[id], kept));
    }
    std::vector<NodeId> dead;
    for (Node node : graph.nodes()) {
      if (!kept[static_cast<uint32_t>(node.id())]) dead.push_back(node.id());
    }
    if (!dead.empty()) {
      RETURN_IF_ERROR(graph.Erase(dead));
      context.Count("removed", static_cast<int64_t>(dead.size()));
    }
    // Objects of TensorFlow 2 name functions where no node does.
    constexpr uint32_t kObjectGraph = 7;
    if (*prune_functions_ && context.model().MetaField(kObjectGraph).empty()) {
      if (const int pruned = context.model().PruneFunctions(); pruned > 0) {
        context.Count("functions removed", pruned);
      }
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status NoSuchNode(Graph& graph, absl::string_view role, const std::string& name) {
    std::vector<absl::string_view> names;
    for (Node node : graph.nodes()) names.push_back(node.name());
    return absl::InvalidArgumentError(absl::StrCat("the graph has no node '", name, "', which is listed as ",
                                                   role, DidYouMean(NearestNames(name, names, 3))));
  }

  absl::Status FindInputs(Graph& graph, PassContext& context, std::vector<const TensorName*>* input_of) {
    for (const TensorName& input : context.inputs()) {
      const Node node = graph.Find(input.node);
      if (!node) {
        if (!*ignore_missing_ && !context.compat()) return NoSuchNode(graph, "an input", input.node);
        context.Warn(absl::StrCat("the graph has no input '", input.node, "'"));
        continue;
      }
      const TensorName*& entry = (*input_of)[static_cast<uint32_t>(node.id())];
      if (entry != nullptr && entry->port != input.port) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", input.node, "' is listed as input with outputs ", entry->port, " and ",
                         input.port, ", but a Placeholder has only one; list what reads them instead"));
      }
      entry = &input;
    }
    return absl::OkStatus();
  }

  static absl::Status Mark(Graph& graph, PassContext& context, const std::vector<const TensorName*>& input_of,
                           std::vector<bool>* kept) {
    std::vector<NodeId> pending;
    const auto visit = [&](NodeId id) {
      if ((*kept)[static_cast<uint32_t>(id)]) return;
      (*kept)[static_cast<uint32_t>(id)] = true;
      // Not beyond an input.
      if (input_of[static_cast<uint32_t>(id)] == nullptr) pending.push_back(id);
    };
    for (const TensorName& output : context.outputs()) {
      const Node node = graph.Find(output.node);
      if (!node) return NoSuchNode(graph, "an output", output.node);
      visit(node.id());
    }
    for (const std::string& name : context.keep()) {
      if (const Node node = graph.Find(name)) visit(node.id());
    }
    for (const TensorName& input : context.inputs()) {
      if (const Node node = graph.Find(input.node)) visit(node.id());
    }
    const auto follow = [&](Node node, NodeId read) -> absl::Status {
      if (graph.node(read).is_missing()) {
        return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(),
                                                       "), which the outputs "
                                                       "need, reads '",
                                                       graph.node(read).name(),
                                                       "', but the graph has no node of that name"));
      }
      visit(read);
      return absl::OkStatus();
    };
    while (!pending.empty()) {
      const Node node = graph.node(pending.back());
      pending.pop_back();
      for (const InputEdge& input : node.inputs()) RETURN_IF_ERROR(follow(node, input.node));
      for (const ControlEdge& control : node.control_inputs()) RETURN_IF_ERROR(follow(node, control.node));
    }
    return absl::OkStatus();
  }

  // Makes a Placeholder of an input that is none.
  absl::Status Cut(Graph& graph, PassContext& context, Node node, const TensorName& input,
                   const std::vector<bool>& kept) {
    if (node.op() == "Placeholder") {
      for (int slot = node.num_inputs(); slot-- > 0;) graph.RemoveInput(node, slot);
      // What it waits for goes, unless somebody else needs it.
      for (int i = static_cast<int>(node.control_inputs().size()); i-- > 0;) {
        const NodeId source = node.control_inputs()[static_cast<size_t>(i)].node;
        if (!graph.node(source).is_missing() && kept[static_cast<uint32_t>(source)]) continue;
        graph.RemoveControlInput(node, i);
        context.Count("control inputs removed");
      }
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(CheckPorts(graph, node, input, kept));
    DataType dtype = DT_FLOAT;
    PartialShape shape;
    RETURN_IF_ERROR(Describe(context, node, input.port, &dtype, &shape));
    const std::string was(node.op());
    graph.Clear(node, "Placeholder");
    graph.SetAttr(node, "dtype", AttrType(dtype));
    graph.SetAttr(node, "shape", AttrShape(shape));
    context.Remark(node, absl::StrCat("was ", was, ", is a placeholder of ", DataTypeName(dtype), " ",
                                      PartialShapeText(shape), " now"));
    context.Count("made placeholders");
    return absl::OkStatus();
  }

  static absl::Status CheckPorts(Graph& graph, Node node, const TensorName& input,
                                 const std::vector<bool>& kept) {
    int other = input.port > 0 ? input.port : -1;
    for (const Use& use : node.uses()) {
      if (use.slot == kControl || !kept[static_cast<uint32_t>(use.user)]) continue;
      const int32_t port = graph.node(use.user).input(use.slot).index;
      if (port != 0) other = port;
    }
    if (other < 0) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "the graph cannot be cut at '", node.name(), "' (", node.op(), "): its output ", other,
        " is needed, and a Placeholder has only output 0; list the nodes that read it as inputs instead"));
  }

  absl::Status CheckLists() const {
    if (type_->size() > 1 || shape_->size() > 1) {
      return absl::InvalidArgumentError(
          "'type' and 'shape' take one value; for several inputs there are 'name', "
          "'type_for_name' and 'shape_for_name'");
    }
    for (const auto* list : {&*type_for_name_, &*shape_for_name_}) {
      if (list->empty() || list->size() == name_->size()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "there are ", name_->size(), " name, ", type_for_name_->size(), " type_for_name and ",
          shape_for_name_->size(), " shape_for_name; each name needs one of each list that is given"));
    }
    if (!name_->empty() && type_for_name_->empty() && shape_for_name_->empty()) {
      return absl::InvalidArgumentError("'name' needs 'type_for_name' or 'shape_for_name' beside it");
    }
    return absl::OkStatus();
  }

  // Type and shape for what shall stand in the place of an output of `node`.
  absl::Status Describe(PassContext& context, Node node, int32_t port, DataType* dtype, PartialShape* shape) {
    RETURN_IF_ERROR(CheckLists());
    std::string type_text = type_->empty() ? "" : type_->front();
    bool has_shape = !shape_->empty();
    std::string shape_text = has_shape ? shape_->front() : "";
    for (size_t i = 0; i < name_->size(); ++i) {  // Of several entries for one name the last counts.
      if ((*name_)[i].substr(0, (*name_)[i].find(':')) != node.name()) continue;
      if (!type_for_name_->empty()) type_text = (*type_for_name_)[i];
      if (!shape_for_name_->empty()) shape_text = (*shape_for_name_)[i], has_shape = true;
    }
    if (!type_text.empty()) {
      if (const std::string expected = ParamType<DataType>::Parse(type_text, dtype); !expected.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("for input '", node.name(), "' the type is '", type_text, "'; expected ", expected));
      }
    } else if (!InferType(context, node, port, dtype)) {
      *dtype = DT_FLOAT;
      context.Warn(absl::StrCat("the type of input '", node.name(), "' (", node.op(),
                                ") is not known and taken as float; say type=…"));
    }
    if (has_shape) {
      if (const std::string expected = ParamType<PartialShape>::Parse(shape_text, shape); !expected.empty()) {
        return absl::InvalidArgumentError(absl::StrCat("for input '", node.name(), "' the shape is '",
                                                       shape_text, "'; expected ", expected));
      }
    } else if (!InferShape(node, port, shape)) {
      *shape = PartialShape();
      context.Warn(
          absl::StrCat("the shape of input '", node.name(), "' (", node.op(),
                       ") is not known and taken as a scalar's, as transform_graph does; say shape=\"1,2\" "
                       "or shape=unknown"));
    }
    return absl::OkStatus();
  }

  static bool InferType(PassContext& context, Node node, int32_t port, DataType* dtype) {
    const OpSchema* schema = OpRegistry(context.model()).Find(node.op());
    TypeRuns types;
    if (schema != nullptr && ArgTypes(*schema, schema->outputs, node, &types).ok() && port < types.size()) {
      *dtype = BaseType(types.at(port));
      return *dtype != DT_INVALID;
    }
    *dtype = BaseType(node.attr("dtype", node.attr("T", DT_INVALID)));
    return *dtype != DT_INVALID;
  }

  static bool InferShape(Node node, int32_t port, PartialShape* shape) {
    const AttrView known = node.attr("_output_shapes");
    if (known.kind() == AttrView::kList && static_cast<size_t>(port) < known.list_shape().size()) {
      *shape = known.list_shape()[static_cast<size_t>(port)];
      return true;
    }
    if (node.op() == "Const") {
      const absl::StatusOr<Tensor> value = node.constant();
      if (!value.ok()) return false;
      shape->dims = value->dims;
      return true;
    }
    static constexpr absl::string_view kWithShape[] = {"PlaceholderWithDefault", "PlaceholderV2", "Variable",
                                                       "VariableV2", "TemporaryVariable"};
    if (std::find(std::begin(kWithShape), std::end(kWithShape), node.op()) == std::end(kWithShape))
      return false;
    if (node.attr("shape").kind() != AttrView::kShape) return false;
    *shape = node.attr("shape").shape();
    return true;
  }

  // Values are read only when a placeholder must be made, as in transform_graph: texts, therefore.
  Param<std::vector<std::string>> type_{this, "type", {}, "Type of new placeholders."};
  Param<std::vector<std::string>> shape_{this,
                                         "shape",
                                         {},
                                         "Shape of new placeholders: \"1,224,224,3\", \"?,10\", "
                                         "\"\" for a scalar, unknown."};
  Param<std::vector<std::string>> name_{
      this, "name", {}, "Inputs that the next two are about, in the same order."};
  Param<std::vector<std::string>> type_for_name_{this, "type_for_name", {}, "Type for each name."};
  Param<std::vector<std::string>> shape_for_name_{this, "shape_for_name", {}, "Shape for each name."};
  Param<bool> ignore_missing_{this, "ignore_missing", false,
                              "Pass over inputs that the graph does not have."};
  Param<bool> prune_functions_{this, "prune_functions", true, "Remove functions that nothing leads to."};
};
CRYOGRAPH_REGISTER_PASS(StripUnusedNodes);

}  // namespace
}  // namespace cryograph
