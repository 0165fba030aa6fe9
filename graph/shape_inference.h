// Says what shapes the tensors of a graph have, without running it: what passes, the verifier and the planner
// of the runtime ask.
//
// Every op family has a rule (graph/shape_rules_*.cc); an op without one has outputs of unknown shape, which
// is always right. Small integers are followed through the arithmetic that graphs do with shapes (Shape,
// slices, Pack, sums), so that a Reshape behind it is known. Loops of control flow v1 are solved as a fixed
// point; what a called function returns is not looked into.
#ifndef CRYOGRAPH_GRAPH_SHAPE_INFERENCE_H_
#define CRYOGRAPH_GRAPH_SHAPE_INFERENCE_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "graph/attr.h"
#include "graph/graph.h"
#include "graph/model.h"
#include "graph/op_schema.h"

namespace cryograph {

// A value of integers that is known, or known in part: the elements of a scalar or a vector. kUnknownElement
// stands for one that is not known.
using ShapeValue = std::vector<int64_t>;
inline constexpr int64_t kUnknownElement = std::numeric_limits<int64_t>::min();

struct ShapeOptions {
  // Shapes of tensors that will be fed: they stand instead of what the graph says. In a function body the
  // Outputs of arguments may be listed, too.
  absl::flat_hash_map<Output, PartialShape> feeds;
  // Version of the graph: below 22 a Placeholder of shape [] is of unknown shape.
  int producer = std::numeric_limits<int>::max();
};

// A node whose inputs cannot go together, as TensorFlow finds when it imports the graph.
struct ShapeConflict {
  NodeId node = kNoNode;
  std::string text;  // "multiplies [2,3] by [4,5]: inner dimensions 3 and 4 differ".
};

// The answer for one graph. Ids are those of the graph at the time; nodes that came later are unknown.
class GraphShapes {
 public:
  // Of unknown rank if nothing is known, also for an output that does not exist. The reference lives as long
  // as this object. In a function body `output.index` numbers a port text, as everywhere.
  const PartialShape& shape(Output output) const;
  // Elements of a small integer scalar or vector; null if nothing is known of it.
  const ShapeValue* value(Output output) const;
  // In the order of the graph's nodes.
  const std::vector<ShapeConflict>& conflicts() const { return conflicts_; }

 private:
  friend class ShapeSolver;
  static constexpr uint32_t kNone = 0xffffffffu;

  // Place of an output in shapes_; kNone if there is none.
  uint32_t Place(Output output) const;

  std::vector<uint32_t> first_;    // By node: the place of its output 0; one more entry at the end.
  std::vector<uint32_t> shapes_;   // By place: index in pool_. 0 is the unknown shape.
  std::deque<PartialShape> pool_;  // Each shape once.
  absl::flat_hash_map<uint32_t, ShapeValue> values_;  // By place.
  // Function bodies: the number among all outputs for a port text of a node.
  absl::flat_hash_map<Output, int32_t> flat_;
  bool is_function_ = false;
  std::vector<ShapeConflict> conflicts_;
};

// Linear in the size of the graph (at most six walks if it has loops), and in memory, too, whatever the
// attributes promise. Nodes on a cycle that is no loop, and what reads them, are unknown.
GraphShapes InferShapes(Graph& graph, const OpRegistry& registry, const ShapeOptions& options = {});
// Of the main graph, with the model's own functions and version.
GraphShapes InferShapes(Model& model, ShapeOptions options = {});

// True if one tensor can have both shapes.
bool AreCompatible(const PartialShape& a, const PartialShape& b);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SHAPE_INFERENCE_H_
