// What a shape rule sees of its node, and the tools that rules share. Only graph/shape_*.cc include this.
#ifndef CRYOGRAPH_GRAPH_SHAPE_RULES_H_
#define CRYOGRAPH_GRAPH_SHAPE_RULES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "graph/graph.h"
#include "graph/op_schema.h"
#include "graph/shape_inference.h"

namespace cryograph {

// One node while its rule runs. What a rule does not set is unknown.
class ShapeContext {
 public:
  Node node() const { return node_; }
  int producer() const { return producer_; }
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(shapes_.size()); }
  // Unknown for a slot that does not exist.
  const PartialShape& input(int slot) const;
  // Null if nothing is known.
  const ShapeValue* value(int slot) const;
  // The attribute, or the op's default.
  AttrView attr(absl::string_view key) const { return AttrOrDefault(*schema_, node_, key); }
  template <typename T>
  T attr(absl::string_view key, T fallback) const {
    return attr(key).Get<T>(std::move(fallback));
  }

  void Set(int output, PartialShape shape);
  void SetValue(int output, ShapeValue value);
  // The inputs cannot go together; outputs stay as they are. The first counts.
  void Conflict(std::string text);

 private:
  friend class ShapeSolver;
  struct Input {
    const PartialShape* shape;
    const ShapeValue* value;
  };
  Node node_;
  const OpSchema* schema_ = nullptr;
  int producer_ = 0;
  std::vector<Input> inputs_;
  std::vector<PartialShape> shapes_;
  std::vector<ShapeValue> values_;
  std::vector<bool> has_value_;
  std::string conflict_;
};

using ShapeRule = void (*)(ShapeContext&);
struct ShapeRuleEntry {
  absl::string_view op;
  ShapeRule rule;
};
// The rules of each family, one table a file.
absl::Span<const ShapeRuleEntry> ElementwiseShapeRules();  // One shape for all, broadcasting, reductions.
absl::Span<const ShapeRuleEntry> SourceShapeRules();  // Constants, placeholders, variables, control flow.
absl::Span<const ShapeRuleEntry> ArrayShapeRules();   // Ops that move elements about.
absl::Span<const ShapeRuleEntry> SliceShapeRules();   // Slices, gathers, splits.
absl::Span<const ShapeRuleEntry> LayerShapeRules();   // Products, convolutions, pools, images.

// --- Shapes.
constexpr int64_t kUnknownDim = -1;

PartialShape UnknownShape();
PartialShape ShapeOf(std::vector<int64_t> dims);
// All dimensions unknown.
PartialShape ShapeOfRank(int64_t rank);
inline bool HasRank(const PartialShape& shape, size_t rank) {
  return !shape.unknown_rank && shape.dims.size() == rank;
}
bool IsFullyKnown(const PartialShape& shape);
// Dimension `index`, from the end if negative; unknown if that is not known or not there.
int64_t DimOf(const PartialShape& shape, int64_t index);
// Product, sum …: unknown if a part is, or if the result does not fit.
int64_t MultiplyDims(int64_t a, int64_t b);
int64_t AddDims(int64_t a, int64_t b);
// Number of elements; unknown if a dimension is (but 0 if one is 0).
int64_t ElementsOf(const PartialShape& shape);
// What a tensor is like that has both shapes; false if there is none.
bool MergeDims(int64_t a, int64_t b, int64_t* merged);
bool MergeShapes(const PartialShape& a, const PartialShape& b, PartialShape* merged);
// What is true of a tensor that has the one shape or the other.
PartialShape JoinShapes(const PartialShape& a, const PartialShape& b);
// Numpy's broadcasting; false if they do not go together.
bool BroadcastShapes(const PartialShape& a, const PartialShape& b, PartialShape* result);
// The shape that input `slot` holds as a vector of dimensions; -1 in it is unknown.
PartialShape ShapeFromInput(const ShapeContext& context, int slot);
// The only element of a scalar (or vector of one); false if it is not known.
bool ScalarValue(const ShapeContext& context, int slot, int64_t* value);
// Counts a negative axis from the end; false if it is not in [0, rank).
bool NormalizeAxis(int64_t rank, int64_t* axis);
// Elements of a value if all are known; false otherwise.
bool AllKnown(const ShapeValue* value);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SHAPE_RULES_H_
