#include "graph/output_shapes.h"

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/attr.h"
#include "graph/graph.h"
#include "graph/op_schema.h"
#include "graph/shape_inference.h"

namespace cryograph {
namespace {

constexpr char kOutputShapes[] = "_output_shapes";

int NumKnown(const PartialShape& shape) {
  if (shape.unknown_rank) return -1;
  int known = 0;
  for (const int64_t dim : shape.dims) known += dim >= 0;
  return known;
}

}  // namespace

int SetOutputShapes(Model& model) {
  // The lists are finished before the first is written: what is inferred ends with an edit of the graph.
  struct Shapes {
    NodeId node;
    std::vector<PartialShape> outputs;
  };
  std::vector<Shapes> all;
  const GraphShapes inferred = InferShapes(model);
  const OpRegistry registry(model);
  for (const Node node : model.graph().nodes()) {
    const absl::StatusOr<std::vector<DataType>> types = registry.OutputTypes(node);
    if (!types.ok() || types->empty()) continue;
    const std::vector<PartialShape> stated = node.attr(kOutputShapes).list_shape();
    Shapes shapes{node.id(), {}};
    for (size_t i = 0; i < types->size(); ++i) {
      const PartialShape& shape = inferred.shape(node.out(static_cast<int>(i)));
      const bool says_more = stated.size() == types->size() && NumKnown(stated[i]) > NumKnown(shape) &&
                             AreCompatible(stated[i], shape);
      shapes.outputs.push_back(says_more ? stated[i] : shape);
    }
    all.push_back(std::move(shapes));
  }
  for (const Shapes& shapes : all) {
    model.graph().SetAttr(model.graph().node(shapes.node), kOutputShapes, AttrShapeList(shapes.outputs));
  }
  return static_cast<int>(all.size());
}

}  // namespace cryograph
