#include "graph/set_input.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "graph/element_name.h"
#include "graph/shape_inference.h"
#include "graph/tensor_infos.h"

namespace cryograph {
namespace {

// Everything that reads one of `from`, directly or not.
std::vector<bool> Downstream(Graph& graph, std::vector<NodeId> from) {
  std::vector<bool> reached(graph.id_limit(), false);
  for (const NodeId id : from) reached[static_cast<size_t>(id)] = true;
  while (!from.empty()) {
    const Node node = graph.node(from.back());
    from.pop_back();
    for (const Use& use : node.uses()) {
      if (use.slot == kControl || reached[static_cast<size_t>(use.user)]) continue;
      reached[static_cast<size_t>(use.user)] = true;
      from.push_back(use.user);
    }
  }
  return reached;
}

absl::Status Change(Graph& graph, Node node, const InputChange& change, SetInputResult* result) {
  if (change.shape) {
    graph.SetAttr(node, "shape", AttrShape(*change.shape));
  }
  const DataType old = node.attr("dtype", DT_INVALID);
  if (!change.dtype || *change.dtype == old) return absl::OkStatus();
  if (node.op() != "Placeholder" && node.op() != "PlaceholderV2") {
    return absl::InvalidArgumentError(absl::StrCat("the type of '", node.name(), "' (", node.op(),
                                                   ") is that of its default and cannot be set"));
  }
  graph.SetAttr(node, "dtype", AttrType(*change.dtype));
  if (!change.cast) {
    // Ops whose only say in the matter is attribute T take the new type along; what does not fit is for the
    // verifier.
    return absl::OkStatus();
  }
  const std::vector<Use> uses(node.uses().begin(), node.uses().end());
  ASSIGN_OR_RETURN(const Node cast,
                   graph.AddNode(graph.UniqueName(absl::StrCat(node.name(), "/cast")), "Cast", {node.out()}));
  graph.SetAttr(cast, "SrcT", AttrType(*change.dtype));
  graph.SetAttr(cast, "DstT", AttrType(old));
  for (const Use& use : uses) {
    if (use.slot != kControl) graph.SetInput(graph.node(use.user), use.slot, cast.out());
  }
  result->casts.emplace_back(cast.name());
  return absl::OkStatus();
}

// What a signature or _output_shapes says of a tensor whose shape may be another one now.
void FollowShapes(Model& model, const GraphShapes& shapes, const std::vector<bool>& changed,
                  SetInputResult* result) {
  Graph& graph = model.graph();
  for (Node node : graph.nodes()) {
    if (!changed[static_cast<size_t>(node.id())]) continue;
    const AttrView attr = node.attr("_output_shapes");
    if (attr.kind() != AttrView::kList) continue;
    std::vector<PartialShape> list = attr.list_shape();
    for (size_t i = 0; i < list.size(); ++i) list[i] = shapes.shape(node.out(static_cast<int>(i)));
    std::string value = AttrShapeList(list);
    if (value == attr.bytes()) continue;
    graph.SetAttr(node, "_output_shapes", std::move(value));
    ++result->shapes;
  }
  result->signatures = EditTensorInfos(model, [&](TensorInfo& info) {
    const absl::StatusOr<ElementName> name = ParseElementName(info.name);
    const Node node = name.ok() ? graph.Find(name->node) : Node();
    if (!info.is_dense || !node || !changed[static_cast<size_t>(node.id())]) return false;
    const PartialShape& shape = shapes.shape(node.out(name->port));
    const DataType dtype =
        absl::StartsWith(node.op(), "Placeholder") ? node.attr("dtype", info.dtype) : info.dtype;
    if (shape == info.shape && dtype == info.dtype) return false;
    info.shape = shape;
    info.dtype = dtype;
    return true;
  });
}

}  // namespace

absl::StatusOr<SetInputResult> SetInputs(Model& model, const std::vector<InputChange>& changes) {
  Graph& graph = model.graph();
  SetInputResult result;
  std::vector<NodeId> changed;
  for (const InputChange& change : changes) {
    ASSIGN_OR_RETURN(const ElementName name, ParseElementName(change.name));
    const Node node = graph.Find(name.node);
    if (!node) return NoSuchNode(graph, name.node);
    if (!absl::StartsWith(node.op(), "Placeholder") || name.port != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", change.name, "' is a ", node.op(),
                       ", and only placeholders are inputs whose shape or type can be set"));
    }
    RETURN_IF_ERROR(Change(graph, node, change, &result));
    changed.push_back(node.id());
  }
  const GraphShapes shapes = InferShapes(model);
  if (!shapes.conflicts().empty()) {
    const ShapeConflict& first = shapes.conflicts().front();
    const Node node = graph.node(first.node);
    return absl::InvalidArgumentError(
        absl::StrCat("with these inputs node '", node.name(), "' (", node.op(), ") ", first.text));
  }
  FollowShapes(model, shapes, Downstream(graph, changed), &result);
  return result;
}

absl::StatusOr<PartialShape> ParsePartialShape(absl::string_view text) {
  PartialShape shape;
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  if (rest == "*" || rest == "<unknown>") {
    shape.unknown_rank = true;
    return shape;
  }
  if (absl::ConsumePrefix(&rest, "[") && !absl::ConsumeSuffix(&rest, "]")) rest = "]";
  if (absl::StripAsciiWhitespace(rest).empty()) return shape;
  for (absl::string_view dim : absl::StrSplit(rest, ',')) {
    dim = absl::StripAsciiWhitespace(dim);
    int64_t size = -1;
    if (dim != "?" && dim != "None" && dim != "-1" && (!absl::SimpleAtoi(dim, &size) || size < 0)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", text, "' is no shape; write it as 1,224,224,3, with ? for what is not known, or * for any"));
    }
    shape.dims.push_back(size);
  }
  return shape;
}

}  // namespace cryograph
