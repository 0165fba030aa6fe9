#include "runtime/static_checks.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "graph/shape_inference.h"

namespace cryograph {
namespace {

bool DeclaresKnownRank(Node node) {
  const AttrView shape = node.attr("shape");
  return shape.kind() == AttrView::kShape && !shape.shape().unknown_rank;
}

// True for a block_shape that is fed. What other ops make of it is not told here as well as by TensorFlow.
bool HasFedBlockShape(Node node) {
  const absl::string_view source = node.input_node(1).op();
  return source == "Placeholder" || source == "PlaceholderV2";
}

bool IsCheckedDefault(Node node) {
  return node.op() == "PlaceholderWithDefault" && node.num_inputs() == 1 && DeclaresKnownRank(node);
}

bool IsChecked(Node node) {
  const absl::string_view op = node.op();
  if (op == "Substr" || IsCheckedDefault(node)) return true;
  if (op == "SpaceToBatchND" || op == "BatchToSpaceND") return HasFedBlockShape(node);
  return op == "EnsureShape" && node.attr("shape").kind() == AttrView::kShape && !DeclaresKnownRank(node);
}

// What is checked of the nodes that are needed, and the defaults that they would read were there no feed.
std::vector<Node> CheckedNodes(Graph& graph, const std::vector<NeededNode>& nodes) {
  std::vector<Node> checked;
  for (const NeededNode& needed : nodes) {
    for (const InputEdge& edge : needed.node.inputs()) {
      const Node producer = graph.node(edge.node);
      if (IsCheckedDefault(producer)) checked.push_back(producer);
    }
    if (IsChecked(needed.node)) checked.push_back(needed.node);
  }
  return checked;
}

// A shape of unknown rank counts as one of rank -1, which no known rank is.
absl::Status CheckEnsureShape(const PartialShape& input) {
  if (input.unknown_rank) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "it asks for an unknown rank, but the rank of its input is known: ", PartialShapeText(input),
      "; TensorFlow refuses that"));
}

// Dimensions must be known or unknown together, but for a position of unknown rank.
absl::Status CheckSubstr(const PartialShape& position, const PartialShape& length) {
  const bool fit = position.unknown_rank || (!length.unknown_rank && position.dims == length.dims);
  if (fit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("pos of shape ", PartialShapeText(position),
                                                 " and len of shape ", PartialShapeText(length),
                                                 " are not known to be the same; TensorFlow refuses that"));
}

absl::Status CheckBlockShape(const PartialShape& block) {
  if (!block.unknown_rank && block.dims.size() == 1 && block.dims[0] >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("block_shape must be declared as a vector of known size, not as ", PartialShapeText(block),
                   "; TensorFlow refuses that"));
}

// Whether the default is fed or not. One whose shape only a run tells may have any.
absl::Status CheckDefault(const PartialShape& declared, const PartialShape& input) {
  if (AreCompatible(declared, input)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("its default has shape ", PartialShapeText(input),
                                                 ", but is declared as ", PartialShapeText(declared),
                                                 "; TensorFlow refuses that"));
}

absl::Status CheckNode(Node node, const GraphShapes& shapes) {
  const absl::string_view op = node.op();
  const auto input = [&](int slot) -> const PartialShape& { return shapes.shape(node.input(slot)); };
  if (op == "Substr") return CheckSubstr(input(1), input(2));
  if (op == "EnsureShape") return CheckEnsureShape(input(0));
  if (op == "PlaceholderWithDefault") return CheckDefault(node.attr("shape").shape(), input(0));
  return CheckBlockShape(input(1));
}

}  // namespace

absl::Status CheckStaticShapes(Graph& graph, int32_t graph_version, const OpRegistry& ops,
                               const std::vector<NeededNode>& nodes) {
  const std::vector<Node> checked = CheckedNodes(graph, nodes);
  if (checked.empty()) return absl::OkStatus();
  ShapeOptions options;
  options.producer = graph_version;
  const GraphShapes shapes = InferShapes(graph, ops, options);
  for (const Node node : checked) {
    const absl::Status status = CheckNode(node, shapes);
    if (!status.ok()) return InNode(node, status);
  }
  return absl::OkStatus();
}

}  // namespace cryograph
