// Shape rules of ops that make shapes into values and back, and that move elements about.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/shape_rules.h"

namespace cryograph {
namespace {

void ShapeOp(ShapeContext& c) {
  for (int i = 0; i < c.num_inputs(); ++i) {
    const PartialShape& input = c.input(i);
    if (input.unknown_rank) {
      c.Set(i, ShapeOfRank(1));
      continue;
    }
    c.Set(i, ShapeOf({static_cast<int64_t>(input.dims.size())}));
    ShapeValue value = input.dims;
    for (int64_t& each : value) {
      if (each < 0) each = kUnknownElement;
    }
    c.SetValue(i, std::move(value));
  }
}

void Rank(ShapeContext& c) {
  c.Set(0, PartialShape());
  if (!c.input(0).unknown_rank) c.SetValue(0, {static_cast<int64_t>(c.input(0).dims.size())});
}

void Size(ShapeContext& c) {
  c.Set(0, PartialShape());
  if (const int64_t size = ElementsOf(c.input(0)); size >= 0) c.SetValue(0, {size});
}

void Reshape(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  PartialShape shape = ShapeFromInput(c, 1);
  if (c.value(0) != nullptr && c.value(1) != nullptr) c.SetValue(0, *c.value(0));
  const int64_t elements = ElementsOf(input);
  if (elements < 0 || shape.unknown_rank || c.value(1) == nullptr) {
    // [batch, 2, 3] as [-1, 6] keeps the unknown dimension, but that is not worked out.
    c.Set(0, std::move(shape));
    return;
  }
  const auto unknown = std::count(shape.dims.begin(), shape.dims.end(), kUnknownDim);
  int64_t known = 1;
  for (const int64_t dim : shape.dims) {
    if (dim >= 0) known = MultiplyDims(known, dim);
  }
  if (unknown == 1 && known > 0) {
    if (elements % known == 0) {
      *std::find(shape.dims.begin(), shape.dims.end(), kUnknownDim) = elements / known;
    } else {
      c.Conflict(absl::StrCat("makes ", PartialShapeText(input), ", ", elements, " elements, into ",
                              PartialShapeText(shape)));
    }
  } else if (unknown == 0 && known >= 0 && known != elements) {
    c.Conflict(absl::StrCat("makes ", PartialShapeText(input), ", ", elements, " elements, into ",
                            PartialShapeText(shape)));
  }
  c.Set(0, std::move(shape));
}

void ExpandDims(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  if (input.unknown_rank) return;
  const int64_t rank = static_cast<int64_t>(input.dims.size());
  int64_t axis = 0;
  if (!ScalarValue(c, 1, &axis)) {
    c.Set(0, ShapeOfRank(rank + 1));
    return;
  }
  if (!NormalizeAxis(rank + 1, &axis)) {
    c.Conflict(absl::StrCat("inserts a dimension at ", axis, " of ", PartialShapeText(input)));
    return;
  }
  PartialShape shape = input;
  shape.dims.insert(shape.dims.begin() + axis, 1);
  c.Set(0, std::move(shape));
  if (rank == 0 && c.value(0) != nullptr) c.SetValue(0, *c.value(0));
}

void Squeeze(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  if (input.unknown_rank) return;
  const int64_t rank = static_cast<int64_t>(input.dims.size());
  const std::vector<int64_t> axes = c.attr("squeeze_dims").list_i();
  std::vector<bool> squeezed(input.dims.size(), false);
  for (int64_t axis : axes) {
    if (!NormalizeAxis(rank, &axis) || input.dims[static_cast<size_t>(axis)] > 1 ||
        input.dims[static_cast<size_t>(axis)] == 0) {
      c.Conflict(absl::StrCat("cannot squeeze dimension ", axis, " of ", PartialShapeText(input)));
      return;
    }
    squeezed[static_cast<size_t>(axis)] = true;
  }
  if (axes.empty()) {
    // Which ones go is known only if all are.
    if (std::find(input.dims.begin(), input.dims.end(), kUnknownDim) != input.dims.end()) return;
    for (size_t i = 0; i < input.dims.size(); ++i) squeezed[i] = input.dims[i] == 1;
  }
  PartialShape shape;
  for (size_t i = 0; i < input.dims.size(); ++i) {
    if (!squeezed[i]) shape.dims.push_back(input.dims[i]);
  }
  const bool is_scalar = shape.dims.empty();
  c.Set(0, std::move(shape));
  if (is_scalar && c.value(0) != nullptr) c.SetValue(0, *c.value(0));
}

void Transpose(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const ShapeValue* order = c.value(1);
  if (order == nullptr || !AllKnown(order)) {
    const int64_t rank = input.unknown_rank ? DimOf(c.input(1), 0) : static_cast<int64_t>(input.dims.size());
    c.Set(0, ShapeOfRank(rank));
    return;
  }
  if (input.unknown_rank) {
    c.Set(0, ShapeOfRank(static_cast<int64_t>(order->size())));
    return;
  }
  if (order->size() != input.dims.size()) {
    c.Conflict(absl::StrCat("orders ", order->size(), " dimensions of ", PartialShapeText(input)));
    return;
  }
  PartialShape shape;
  for (int64_t axis : *order) {
    if (!NormalizeAxis(static_cast<int64_t>(input.dims.size()), &axis)) {
      c.Conflict(absl::StrCat("takes dimension ", axis, " of ", PartialShapeText(input)));
      return;
    }
    shape.dims.push_back(input.dims[static_cast<size_t>(axis)]);
  }
  c.Set(0, std::move(shape));
}

// `first` is the slot of the first of `count` tensors.
void ConcatAlong(ShapeContext& c, int first, int count, int axis_slot) {
  PartialShape all = UnknownShape();
  for (int i = first; i < first + count; ++i) {
    const PartialShape& each = c.input(i);
    if (each.unknown_rank) continue;
    if (all.unknown_rank) all = ShapeOfRank(static_cast<int64_t>(each.dims.size()));
    if (all.dims.size() == each.dims.size()) continue;
    c.Conflict(absl::StrCat("joins tensors of ", all.dims.size(), " and ", each.dims.size(), " dimensions"));
    return;
  }
  if (all.unknown_rank) return;
  const int64_t rank = static_cast<int64_t>(all.dims.size());
  int64_t axis = 0;
  if (!ScalarValue(c, axis_slot, &axis)) {
    c.Set(0, std::move(all));
    return;
  }
  if (!NormalizeAxis(rank, &axis)) {
    c.Conflict(absl::StrCat("joins tensors of ", rank, " dimensions along axis ", axis));
    return;
  }
  const size_t along = static_cast<size_t>(axis);
  int64_t length = 0;
  for (int i = first; i < first + count; ++i) {
    PartialShape each = c.input(i);
    length = each.unknown_rank ? kUnknownDim : length < 0 ? kUnknownDim : AddDims(length, each.dims[along]);
    if (each.unknown_rank) continue;
    each.dims[along] = kUnknownDim;
    if (MergeShapes(all, each, &all)) continue;
    c.Conflict(absl::StrCat("joins ", PartialShapeText(c.input(i)), " as input ", i, " to others of ",
                            PartialShapeText(all), " beside axis ", axis));
    return;
  }
  all.dims[along] = length;
  c.Set(0, std::move(all));
  if (rank != 1) return;
  ShapeValue value;
  for (int i = first; i < first + count; ++i) {
    if (c.value(i) == nullptr &&
        (!HasRank(c.input(i), 1) || c.input(i).dims[0] < 0 || c.input(i).dims[0] > 256)) {
      return;
    }
    if (c.value(i) != nullptr) {
      value.insert(value.end(), c.value(i)->begin(), c.value(i)->end());
    } else {
      value.insert(value.end(), static_cast<size_t>(c.input(i).dims[0]), kUnknownElement);
    }
    if (value.size() > 256) return;
  }
  if (std::any_of(value.begin(), value.end(), [](int64_t each) { return each != kUnknownElement; })) {
    c.SetValue(0, std::move(value));
  }
}

void Concat(ShapeContext& c) { ConcatAlong(c, 1, c.num_inputs() - 1, 0); }
void ConcatV2(ShapeContext& c) { ConcatAlong(c, 0, c.num_inputs() - 1, c.num_inputs() - 1); }

void Pack(ShapeContext& c) {
  PartialShape shape = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (MergeShapes(shape, c.input(i), &shape)) continue;
    c.Conflict(absl::StrCat("stacks ", PartialShapeText(shape), " and ", PartialShapeText(c.input(i)),
                            ", which differ in shape"));
    return;
  }
  if (shape.unknown_rank) return;
  int64_t axis = c.attr<int64_t>("axis", 0);
  const bool is_scalar = shape.dims.empty();
  if (!NormalizeAxis(static_cast<int64_t>(shape.dims.size()) + 1, &axis)) {
    c.Conflict(absl::StrCat("stacks ", PartialShapeText(shape), " along axis ", axis));
    return;
  }
  shape.dims.insert(shape.dims.begin() + axis, c.num_inputs());
  c.Set(0, std::move(shape));
  if (!is_scalar || c.num_inputs() > 256) return;
  ShapeValue value;
  bool any = false;
  for (int i = 0; i < c.num_inputs(); ++i) {
    value.push_back(c.value(i) == nullptr || c.value(i)->empty() ? kUnknownElement : c.value(i)->front());
    any = any || value.back() != kUnknownElement;
  }
  if (any) c.SetValue(0, std::move(value));
}

void Fill(ShapeContext& c) {
  PartialShape shape = ShapeFromInput(c, 0);
  const bool is_vector = HasRank(shape, 1) && shape.dims[0] >= 0 && shape.dims[0] <= 256;
  const size_t length = is_vector ? static_cast<size_t>(shape.dims[0]) : 0;
  c.Set(0, std::move(shape));
  int64_t each = 0;
  if (is_vector && ScalarValue(c, 1, &each)) c.SetValue(0, ShapeValue(length, each));
}

void Range(ShapeContext& c) {
  int64_t start = 0, limit = 0, delta = 0;
  c.Set(0, ShapeOfRank(1));
  if (!ScalarValue(c, 0, &start) || !ScalarValue(c, 1, &limit) || !ScalarValue(c, 2, &delta) || delta == 0)
    return;
  const __int128 span =
      delta > 0 ? static_cast<__int128>(limit) - start : static_cast<__int128>(start) - limit;
  const __int128 step = delta > 0 ? delta : -static_cast<__int128>(delta);
  const __int128 count = span <= 0 ? 0 : (span + step - 1) / step;
  if (count > std::numeric_limits<int64_t>::max()) return;
  c.Set(0, ShapeOf({static_cast<int64_t>(count)}));
  if (count > 256) return;
  ShapeValue value;
  for (__int128 i = 0; i < count; ++i) value.push_back(static_cast<int64_t>(start + i * delta));
  c.SetValue(0, std::move(value));
}

void BroadcastTo(ShapeContext& c) { c.Set(0, ShapeFromInput(c, 1)); }

void Tile(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const ShapeValue* times = c.value(1);
  if (input.unknown_rank) {
    c.Set(0, ShapeOfRank(DimOf(c.input(1), 0)));
    return;
  }
  PartialShape shape = ShapeOfRank(static_cast<int64_t>(input.dims.size()));
  if (times != nullptr && times->size() == input.dims.size()) {
    for (size_t i = 0; i < input.dims.size(); ++i) shape.dims[i] = MultiplyDims(input.dims[i], (*times)[i]);
  }
  c.Set(0, std::move(shape));
}

void Pad(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const int64_t rank = input.unknown_rank ? DimOf(c.input(1), 0) : static_cast<int64_t>(input.dims.size());
  PartialShape shape = ShapeOfRank(rank);
  // The widths are a matrix, which is read here: values that are followed are vectors.
  if (!input.unknown_rank && c.num_inputs() > 1 && c.node().input_node(1).op() == "Const" &&
      c.node().input(1).index == 0) {
    const AttrView attr = c.node().input_node(1).attr("value");
    if (attr.kind() == AttrView::kTensor && attr.tensor_source() == nullptr) {
      const absl::StatusOr<Tensor> tensor = DecodeTensorProto(attr.tensor_bytes(), nullptr, 8192);
      std::vector<int64_t> widths;
      if (tensor.ok() && tensor->dtype == DT_INT64) widths = tensor->Copy<int64_t>();
      if (tensor.ok() && tensor->dtype == DT_INT32) {
        for (const int32_t each : tensor->Copy<int32_t>()) widths.push_back(each);
      }
      for (size_t i = 0; widths.size() == input.dims.size() * 2 && i < input.dims.size(); ++i) {
        shape.dims[i] = AddDims(AddDims(input.dims[i], widths[2 * i]), widths[2 * i + 1]);
      }
    }
  }
  c.Set(0, std::move(shape));
}

void OneHot(ShapeContext& c) {
  PartialShape shape = c.input(0);
  int64_t depth = kUnknownDim, axis = c.attr<int64_t>("axis", -1);
  if (shape.unknown_rank || !NormalizeAxis(static_cast<int64_t>(shape.dims.size()) + 1, &axis)) return;
  if (!ScalarValue(c, 1, &depth) || depth < 0) depth = kUnknownDim;
  shape.dims.insert(shape.dims.begin() + axis, depth);
  c.Set(0, std::move(shape));
}

void Where(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  c.Set(0,
        ShapeOf({kUnknownDim, input.unknown_rank ? kUnknownDim : static_cast<int64_t>(input.dims.size())}));
}

void TopK(ShapeContext& c) {
  PartialShape shape = c.input(0);
  if (shape.unknown_rank || shape.dims.empty()) return;
  int64_t k = kUnknownDim;
  if (c.node().op() == "TopK") {
    k = c.attr<int64_t>("k", kUnknownDim);
  } else if (!ScalarValue(c, 1, &k)) {
    k = kUnknownDim;
  }
  shape.dims.back() = k < 0 ? kUnknownDim : k;
  c.Set(0, shape);
  c.Set(1, std::move(shape));
}

void LinSpace(ShapeContext& c) {
  int64_t count = kUnknownDim;
  if (!ScalarValue(c, 2, &count) || count < 0) count = kUnknownDim;
  c.Set(0, ShapeOf({count}));
}

constexpr ShapeRuleEntry kRules[] = {
    {"Shape", ShapeOp},
    {"ShapeN", ShapeOp},
    {"Rank", Rank},
    {"Size", Size},
    {"Reshape", Reshape},
    {"ExpandDims", ExpandDims},
    {"Squeeze", Squeeze},
    {"Transpose", Transpose},
    {"ConjugateTranspose", Transpose},
    {"Concat", Concat},
    {"ConcatV2", ConcatV2},
    {"Pack", Pack},
    {"Fill", Fill},
    {"Range", Range},
    {"BroadcastTo", BroadcastTo},
    {"Tile", Tile},
    {"Pad", Pad},
    {"PadV2", Pad},
    {"MirrorPad", Pad},
    {"OneHot", OneHot},
    {"Where", Where},
    {"TopK", TopK},
    {"TopKV2", TopK},
    {"LinSpace", LinSpace},
};

}  // namespace

absl::Span<const ShapeRuleEntry> ArrayShapeRules() { return kRules; }

}  // namespace cryograph
