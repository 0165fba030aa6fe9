// Shape rules of what has its shape from an attribute or a value: constants, placeholders, variables, random
// numbers; and of control flow.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/control_flow.h"
#include "graph/shape_rules.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

// The integers of a small constant.
bool SmallIntegers(const Tensor& tensor, ShapeValue* value) {
  value->clear();
  if (tensor.dtype == DT_INT32) {
    for (const int32_t each : tensor.Copy<int32_t>()) value->push_back(each);
  } else if (tensor.dtype == DT_INT64) {
    *value = tensor.Copy<int64_t>();
  } else {
    return false;
  }
  return true;
}

void Const(ShapeContext& c) {
  constexpr uint64_t kMostBytes = 2048;
  const AttrView attr = c.attr("value");
  if (attr.kind() != AttrView::kTensor) return;
  ShapeValue value;
  if (const TensorSource* source = attr.tensor_source(); source != nullptr) {
    c.Set(0, ShapeOf(source->dims()));
    const bool is_small = (source->dtype() == DT_INT32 || source->dtype() == DT_INT64) &&
                          source->dims().size() <= 1 && source->num_bytes() <= kMostBytes;
    if (!is_small) return;
    const absl::StatusOr<Tensor> tensor = source->Load();
    if (tensor.ok() && SmallIntegers(*tensor, &value)) c.SetValue(0, std::move(value));
    return;
  }
  const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(attr.tensor_bytes());
  if (!header.ok() || header->unknown_rank) return;
  c.Set(0, ShapeOf(header->dims));
  if ((header->dtype != DT_INT32 && header->dtype != DT_INT64) || header->dims.size() > 1) return;
  const absl::StatusOr<Tensor> tensor = DecodeTensorProto(attr.tensor_bytes(), nullptr, kMostBytes);
  if (tensor.ok() && SmallIntegers(*tensor, &value)) c.SetValue(0, std::move(value));
}

void FromShapeAttr(ShapeContext& c) {
  const AttrView shape = c.attr("shape");
  if (shape.kind() == AttrView::kShape) c.Set(0, shape.shape());
}

// In old graphs a Placeholder of shape [] may be of any shape.
void Placeholder(ShapeContext& c) {
  constexpr int kFirstWithScalars = 22;
  const AttrView shape = c.attr("shape");
  if (shape.kind() != AttrView::kShape) return;
  if (c.producer() < kFirstWithScalars && HasRank(shape.shape(), 0)) return;
  c.Set(0, shape.shape());
}

// The same ambiguity, at any version.
void LegacyVariable(ShapeContext& c) {
  const AttrView shape = c.attr("shape");
  if (shape.kind() == AttrView::kShape && !HasRank(shape.shape(), 0)) c.Set(0, shape.shape());
}

void PlaceholderWithDefault(ShapeContext& c) {
  const AttrView shape = c.attr("shape");
  if (shape.kind() != AttrView::kShape) return;
  if (!AreCompatible(shape.shape(), c.input(0))) {
    c.Conflict(absl::StrCat("has a default of ", PartialShapeText(c.input(0)), ", but is declared as ",
                            PartialShapeText(shape.shape())));
    return;
  }
  c.Set(0, shape.shape());
}

void EnsureShape(ShapeContext& c) {
  PartialShape shape;
  const AttrView attr = c.attr("shape");
  if (attr.kind() != AttrView::kShape) return;
  if (!MergeShapes(attr.shape(), c.input(0), &shape)) {
    c.Conflict(absl::StrCat("asks for ", PartialShapeText(attr.shape()), ", but reads ",
                            PartialShapeText(c.input(0))));
    return;
  }
  c.Set(0, shape);
}

// The variable that a resource comes from, through what only hands it on; null if that is not seen.
Node VariableOf(Node node) {
  constexpr int kMostSteps = 64;
  for (int i = 0; i < kMostSteps; ++i) {
    if (node.op() == "VarHandleOp") return node;
    const bool hands_on = node.op() == "Identity" || IsEnter(node.op()) || IsSwitch(node.op());
    if (!hands_on || node.num_inputs() == 0 || node.input_node(0).is_missing()) break;
    node = node.input_node(0);
  }
  return Node();
}

PartialShape VariableShape(ShapeContext& c) {
  if (c.node().num_inputs() == 0 || c.node().input_node(0).is_missing()) return UnknownShape();
  const Node variable = VariableOf(c.node().input_node(0));
  if (!variable) return UnknownShape();
  const AttrView shape = variable.attr("shape");
  return shape.kind() == AttrView::kShape ? shape.shape() : UnknownShape();
}

void ReadVariable(ShapeContext& c) { c.Set(0, VariableShape(c)); }

void ResourceGather(ShapeContext& c) {
  PartialShape shape = VariableShape(c);
  const int64_t batch = c.attr<int64_t>("batch_dims", 0);
  if (batch != 0 || shape.unknown_rank || shape.dims.empty() || c.input(1).unknown_rank) return;
  PartialShape result = c.input(1);
  result.dims.insert(result.dims.end(), shape.dims.begin() + 1, shape.dims.end());
  c.Set(0, std::move(result));
}

// Assign: the variable takes the shape of the value.
void Assign(ShapeContext& c) {
  if (!c.attr("validate_shape", true)) {
    c.Set(0, c.input(1));
    return;
  }
  PartialShape shape;
  if (!MergeShapes(c.input(0), c.input(1), &shape)) {
    c.Conflict(absl::StrCat("assigns ", PartialShapeText(c.input(1)), " to a variable of ",
                            PartialShapeText(c.input(0))));
    return;
  }
  c.Set(0, shape);
}

void Update(ShapeContext& c) { c.Set(0, c.input(0)); }

void Scalars(ShapeContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.Set(i, PartialShape());
}

// The shape is what input 0 holds.
void ShapeInInput(ShapeContext& c) { c.Set(0, ShapeFromInput(c, 0)); }

void FromOutputShapes(ShapeContext& c) {
  const AttrView attr = c.attr("output_shapes");
  if (attr.kind() != AttrView::kList) return;
  std::vector<PartialShape> shapes = attr.list_shape();
  for (size_t i = 0; i < shapes.size() && i < static_cast<size_t>(c.num_outputs()); ++i) {
    c.Set(static_cast<int>(i), std::move(shapes[i]));
  }
}

void Hand(ShapeContext& c) { c.Set(0, c.input(0)); }

// Enter: a value stays known inside of the loop, for it is the same in every turn, if it is constant.
void Enter(ShapeContext& c) {
  c.Set(0, c.input(0));
  if (c.value(0) != nullptr) c.SetValue(0, *c.value(0));
}

void Switch(ShapeContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) {
    c.Set(i, c.input(0));
    if (c.value(0) != nullptr) c.SetValue(i, *c.value(0));
  }
}

void Merge(ShapeContext& c) {
  if (c.num_inputs() == 0) return;
  PartialShape shape = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) shape = JoinShapes(shape, c.input(i));
  c.Set(0, std::move(shape));
  c.Set(1, PartialShape());
}

constexpr ShapeRuleEntry kRules[] = {
    {"Const", Const},
    {"AccumulateNV2", FromShapeAttr},
    {"ImmutableConst", FromShapeAttr},
    {"ParallelConcat", FromShapeAttr},
    {"PlaceholderV2", FromShapeAttr},
    {"VariableV2", FromShapeAttr},
    {"TemporaryVariable", FromShapeAttr},
    {"Placeholder", Placeholder},
    {"Variable", LegacyVariable},
    {"PlaceholderWithDefault", PlaceholderWithDefault},
    {"EnsureShape", EnsureShape},
    {"ReadVariableOp", ReadVariable},
    {"ResourceGather", ResourceGather},
    {"Assign", Assign},
    {"AssignAdd", Update},
    {"AssignSub", Update},
    {"CountUpTo", Update},
    {"ScatterAdd", Update},
    {"ScatterSub", Update},
    {"ScatterUpdate", Update},
    {"IsVariableInitialized", Scalars},
    {"VarHandleOp", Scalars},
    {"VarIsInitializedOp", Scalars},
    {"HashTableV2", Scalars},
    {"MergeSummary", Scalars},
    {"ScalarSummary", Scalars},
    {"HistogramSummary", Scalars},
    {"RandomStandardNormal", ShapeInInput},
    {"RandomUniform", ShapeInInput},
    {"RandomUniformInt", ShapeInInput},
    {"TruncatedNormal", ShapeInInput},
    {"ParameterizedTruncatedNormal", ShapeInInput},
    {"StatelessRandomNormal", ShapeInInput},
    {"StatelessRandomUniform", ShapeInInput},
    {"StatelessTruncatedNormal", ShapeInInput},
    {"Empty", ShapeInInput},
    {"Case", FromOutputShapes},
    {"If", FromOutputShapes},
    {"IteratorGetNext", FromOutputShapes},
    {"IteratorGetNextSync", FromOutputShapes},
    {"StatelessCase", FromOutputShapes},
    {"StatelessIf", FromOutputShapes},
    {"StatelessWhile", FromOutputShapes},
    {"While", FromOutputShapes},
    {"Enter", Enter},
    {"RefEnter", Hand},
    {"Exit", Hand},
    {"RefExit", Hand},
    {"NextIteration", Hand},
    {"RefNextIteration", Hand},
    {"LoopCond", Scalars},
    {"Switch", Switch},
    {"RefSwitch", Switch},
    {"_SwitchN", Switch},
    {"Merge", Merge},
    {"RefMerge", Merge},
};

}  // namespace

absl::Span<const ShapeRuleEntry> SourceShapeRules() { return kRules; }

}  // namespace cryograph
