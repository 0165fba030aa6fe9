// Checks the shapes of a graph: what cannot go together, and attributes that contradict what is inferred.
#include "absl/strings/str_cat.h"
#include "graph/shape_inference.h"
#include "graph/verify_internal.h"

namespace cryograph {

void VerifyShapes(Model& model, const OpRegistry& registry, FindingList* findings) {
  Graph& graph = model.graph();
  ShapeOptions options;
  options.producer = model.versions().producer;
  const GraphShapes shapes = InferShapes(graph, registry, options);
  for (const ShapeConflict& conflict : shapes.conflicts()) {
    findings->Add(FindingCode::kShapeConflict, graph.node(conflict.node).name(), conflict.text);
  }
  for (Node node : graph.nodes()) {
    const AttrView attr = node.attr("_output_shapes");
    if (attr.kind() != AttrView::kList) continue;
    const std::vector<PartialShape> list = attr.list_shape();
    for (size_t i = 0; i < list.size(); ++i) {
      const PartialShape& shape = shapes.shape(node.out(static_cast<int>(i)));
      if (AreCompatible(list[i], shape)) continue;
      findings->Add(FindingCode::kOutputShapes, node.name(),
                    absl::StrCat("_output_shapes says that output ", i, " is ", PartialShapeText(list[i]),
                                 ", but it is ", PartialShapeText(shape)));
    }
  }
}

}  // namespace cryograph
