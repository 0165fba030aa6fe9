#include "tools/placeholder_shape.h"

namespace cryograph {

bool IsPlaceholderOp(absl::string_view op) {
  return op == "Placeholder" || op == "PlaceholderV2" || op == "PlaceholderWithDefault";
}

PartialShape DeclaredShape(Node node, int32_t producer) {
  constexpr int32_t kScalarsCanBeSaid = 24;
  PartialShape shape = {true, {}};
  const AttrView declared = node.attr("shape");
  if (declared.kind() == AttrView::kShape) shape = declared.shape();
  if (IsPlaceholderOp(node.op()) && producer < kScalarsCanBeSaid && shape.dims.empty()) {
    shape.unknown_rank = true;
  }
  const AttrView listed = node.attr("_output_shapes");
  if (shape.unknown_rank && listed.kind() == AttrView::kList && !listed.list_shape().empty()) {
    shape = listed.list_shape()[0];
  }
  return shape;
}

}  // namespace cryograph
