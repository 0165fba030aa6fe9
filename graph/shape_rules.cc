#include "graph/shape_rules.h"

#include <algorithm>

namespace cryograph {

PartialShape UnknownShape() {
  PartialShape shape;
  shape.unknown_rank = true;
  return shape;
}

PartialShape ShapeOf(std::vector<int64_t> dims) {
  PartialShape shape;
  shape.dims = std::move(dims);
  return shape;
}

PartialShape ShapeOfRank(int64_t rank) {
  // No tensor has more dimensions: a larger number is nonsense, and not to be allocated for.
  constexpr int64_t kMostDims = 254;
  if (rank < 0 || rank > kMostDims) return UnknownShape();
  return ShapeOf(std::vector<int64_t>(static_cast<size_t>(rank), kUnknownDim));
}

bool IsFullyKnown(const PartialShape& shape) {
  return !shape.unknown_rank &&
         std::all_of(shape.dims.begin(), shape.dims.end(), [](int64_t dim) { return dim >= 0; });
}

int64_t DimOf(const PartialShape& shape, int64_t index) {
  if (shape.unknown_rank) return kUnknownDim;
  const int64_t rank = static_cast<int64_t>(shape.dims.size());
  if (index < 0) index += rank;
  return index < 0 || index >= rank ? kUnknownDim : shape.dims[static_cast<size_t>(index)];
}

int64_t MultiplyDims(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result)) return kUnknownDim;
  return result;
}

int64_t AddDims(int64_t a, int64_t b) {
  int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &result)) return kUnknownDim;
  return result;
}

int64_t ElementsOf(const PartialShape& shape) {
  if (shape.unknown_rank) return kUnknownDim;
  if (std::find(shape.dims.begin(), shape.dims.end(), 0) != shape.dims.end()) return 0;
  int64_t product = 1;
  for (const int64_t dim : shape.dims) product = MultiplyDims(product, dim);
  return product;
}

bool MergeDims(int64_t a, int64_t b, int64_t* merged) {
  *merged = a >= 0 ? a : b;
  return a < 0 || b < 0 || a == b;
}

bool MergeShapes(const PartialShape& a, const PartialShape& b, PartialShape* merged) {
  if (a.unknown_rank || b.unknown_rank) {
    *merged = a.unknown_rank ? b : a;
    return true;
  }
  if (a.dims.size() != b.dims.size()) return false;
  PartialShape result = a;
  for (size_t i = 0; i < a.dims.size(); ++i) {
    if (!MergeDims(a.dims[i], b.dims[i], &result.dims[i])) return false;
  }
  *merged = std::move(result);
  return true;
}

PartialShape JoinShapes(const PartialShape& a, const PartialShape& b) {
  if (a.unknown_rank || b.unknown_rank || a.dims.size() != b.dims.size()) return UnknownShape();
  PartialShape result = a;
  for (size_t i = 0; i < a.dims.size(); ++i) {
    if (a.dims[i] != b.dims[i]) result.dims[i] = kUnknownDim;
  }
  return result;
}

bool BroadcastShapes(const PartialShape& a, const PartialShape& b, PartialShape* result) {
  if (a.unknown_rank || b.unknown_rank) {
    // A scalar leaves the other as it is.
    if (HasRank(a, 0)) {
      *result = b;
    } else if (HasRank(b, 0)) {
      *result = a;
    } else {
      *result = UnknownShape();
    }
    return true;
  }
  const PartialShape& longer = a.dims.size() >= b.dims.size() ? a : b;
  const PartialShape& shorter = a.dims.size() >= b.dims.size() ? b : a;
  PartialShape broadcast = longer;
  const size_t offset = longer.dims.size() - shorter.dims.size();
  for (size_t i = 0; i < shorter.dims.size(); ++i) {
    const int64_t x = longer.dims[offset + i], y = shorter.dims[i];
    int64_t& out = broadcast.dims[offset + i];
    if (x >= 0 && y >= 0 && x != y && x != 1 && y != 1) return false;
    if (x == 1) {
      out = y;
    } else if (y == 1 || x == y) {
      out = x;
    } else if (x < 0 && y < 0) {
      out = kUnknownDim;
    } else {
      // One is known and above 1 (or 0): the unknown one must be it, or 1.
      out = std::max(x, y);
    }
  }
  *result = std::move(broadcast);
  return true;
}

PartialShape ShapeFromInput(const ShapeContext& context, int slot) {
  if (const ShapeValue* value = context.value(slot); value != nullptr) {
    if (!HasRank(context.input(slot), 1)) return UnknownShape();
    PartialShape shape = ShapeOf(*value);
    for (int64_t& dim : shape.dims) {
      if (dim < 0) dim = kUnknownDim;
    }
    return shape;
  }
  const PartialShape& shape = context.input(slot);
  return HasRank(shape, 1) ? ShapeOfRank(shape.dims[0]) : UnknownShape();
}

bool ScalarValue(const ShapeContext& context, int slot, int64_t* value) {
  const ShapeValue* elements = context.value(slot);
  if (elements == nullptr || elements->size() != 1 || (*elements)[0] == kUnknownElement) return false;
  *value = (*elements)[0];
  return true;
}

bool NormalizeAxis(int64_t rank, int64_t* axis) {
  if (*axis < -rank || *axis >= rank) return false;
  if (*axis < 0) *axis += rank;
  return true;
}

bool AllKnown(const ShapeValue* value) {
  return value != nullptr && std::find(value->begin(), value->end(), kUnknownElement) == value->end();
}

}  // namespace cryograph
