#include "runtime/static_checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/shape_inference.h"

namespace cryograph {
namespace {

bool IsChecked(const NeededNode& needed) {
  if (needed.node.op() == "Substr") return true;
  return needed.node.op() == "EnsureShape" && needed.info->attr("shape").kind() == AttrView::kShape &&
         needed.info->attr("shape").shape().unknown_rank;
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

}  // namespace

absl::Status CheckStaticShapes(Graph& graph, int32_t graph_version, const OpRegistry& ops,
                               const std::vector<NeededNode>& nodes) {
  if (std::none_of(nodes.begin(), nodes.end(), IsChecked)) return absl::OkStatus();
  ShapeOptions options;
  options.producer = graph_version;
  const GraphShapes shapes = InferShapes(graph, ops, options);
  for (const NeededNode& needed : nodes) {
    if (!IsChecked(needed)) continue;
    const absl::Status status =
        needed.node.op() == "Substr"
            ? CheckSubstr(shapes.shape(needed.node.input(1)), shapes.shape(needed.node.input(2)))
            : CheckEnsureShape(shapes.shape(needed.node.input(0)));
    if (!status.ok()) return InNode(needed.node, status);
  }
  return absl::OkStatus();
}

}  // namespace cryograph
