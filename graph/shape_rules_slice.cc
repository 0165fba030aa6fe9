// Shape rules of ops that take parts of a tensor: slices, gathers, splits.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/shape_rules.h"

namespace cryograph {
namespace {

void Slice(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const ShapeValue *begin = c.value(1), *size = c.value(2);
  int64_t rank = input.unknown_rank ? DimOf(c.input(1), 0) : static_cast<int64_t>(input.dims.size());
  if (rank < 0) rank = DimOf(c.input(2), 0);
  PartialShape shape = ShapeOfRank(rank);
  if (shape.unknown_rank) return;
  const size_t dims = shape.dims.size();
  if ((begin != nullptr && begin->size() != dims) || (size != nullptr && size->size() != dims)) {
    c.Conflict(absl::StrCat("slices ", PartialShapeText(input),
                            " with a begin and a size of another number of elements"));
    return;
  }
  for (size_t i = 0; size != nullptr && i < dims; ++i) {
    const int64_t from = begin == nullptr ? kUnknownElement : (*begin)[i];
    const int64_t length = (*size)[i];
    const int64_t dim = input.unknown_rank ? kUnknownDim : input.dims[i];
    if (length >= 0) {
      shape.dims[i] = length;
    } else if (length == -1 && dim >= 0 && from >= 0 && from <= dim) {
      shape.dims[i] = dim - from;
    }
  }
  const ShapeValue* value = c.value(0);
  const bool one =
      dims == 1 && value != nullptr && begin != nullptr && (*begin)[0] >= 0 && shape.dims[0] >= 0;
  const int64_t length = one ? shape.dims[0] : 0;
  c.Set(0, std::move(shape));
  if (!one) return;
  const int64_t from = (*begin)[0], have = static_cast<int64_t>(value->size());
  if (from > have || length > have - from) return;
  c.SetValue(0, ShapeValue(value->begin() + from, value->begin() + from + length));
}

// One dimension of a strided slice.
struct Stride {
  int64_t begin = kUnknownElement, end = kUnknownElement, step = kUnknownElement;
  bool from_start = false, to_end = false;
};

// First element and number of elements; false if that cannot be told.
bool Interval(const Stride& stride, int64_t dim, int64_t* first, int64_t* count) {
  if (dim < 0 || stride.step == kUnknownElement || stride.step == 0) return false;
  if ((!stride.from_start && stride.begin == kUnknownElement) ||
      (!stride.to_end && stride.end == kUnknownElement)) {
    return false;
  }
  const bool forward = stride.step > 0;
  const int64_t low = forward ? 0 : -1, high = forward ? dim : dim - 1;
  const auto place = [&](int64_t x) { return std::clamp(x < 0 ? dim + x : x, low, high); };
  const int64_t begin = stride.from_start ? (forward ? low : high) : place(stride.begin);
  const int64_t end = stride.to_end ? (forward ? high : low) : place(stride.end);
  const int64_t span = end - begin;
  *first = begin;
  *count = 0;
  if (span != 0 && (span < 0) == (stride.step < 0))
    *count = span / stride.step + (span % stride.step != 0 ? 1 : 0);
  return true;
}

void StridedSlice(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const ShapeValue *begin = c.value(1), *end = c.value(2), *step = c.value(3);
  int64_t entries = kUnknownDim;
  for (int slot = 1; slot <= 3; ++slot) entries = std::max(entries, DimOf(c.input(slot), 0));
  if (input.unknown_rank || entries < 0 || entries > 32) return;
  for (const ShapeValue* each : {begin, end, step}) {
    if (each != nullptr && static_cast<int64_t>(each->size()) != entries) return;
  }
  const auto mask = [&](absl::string_view key) { return static_cast<uint64_t>(c.attr<int64_t>(key, 0)); };
  const uint64_t begin_mask = mask("begin_mask"), end_mask = mask("end_mask");
  const uint64_t ellipsis = mask("ellipsis_mask"), new_axis = mask("new_axis_mask");
  const uint64_t shrink = mask("shrink_axis_mask");
  const size_t rank = input.dims.size();

  size_t dim = 0;
  PartialShape shape;
  Stride last;
  for (int64_t i = 0; i < entries; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    if ((ellipsis & bit) != 0) {
      size_t behind = 0;
      for (int64_t k = i + 1; k < entries; ++k) behind += (new_axis >> k & 1) != 0 ? 0 : 1;
      while (dim + behind < rank) shape.dims.push_back(input.dims[dim++]);
      continue;
    }
    if ((new_axis & bit) != 0) {
      shape.dims.push_back(1);
      continue;
    }
    if (dim >= rank) {
      c.Conflict(absl::StrCat("slices more dimensions than ", PartialShapeText(input), " has"));
      return;
    }
    const size_t index = static_cast<size_t>(i);
    Stride& stride = last;
    stride.begin = begin == nullptr ? kUnknownElement : (*begin)[index];
    stride.end = end == nullptr ? kUnknownElement : (*end)[index];
    stride.step = step == nullptr ? kUnknownElement : (*step)[index];
    stride.from_start = (begin_mask & bit) != 0;
    stride.to_end = (end_mask & bit) != 0;
    const int64_t size = input.dims[dim++];
    if ((shrink & bit) != 0) {
      if (size >= 0 && stride.begin != kUnknownElement && !stride.from_start &&
          (stride.begin >= size || stride.begin < -size)) {
        c.Conflict(absl::StrCat("takes element ", stride.begin, " of dimension ", dim - 1, " of ",
                                PartialShapeText(input)));
        return;
      }
      continue;
    }
    int64_t first = 0, count = 0;
    shape.dims.push_back(Interval(stride, size, &first, &count) ? count : kUnknownDim);
  }
  while (dim < rank) shape.dims.push_back(input.dims[dim++]);
  c.Set(0, shape);

  const ShapeValue* value = c.value(0);
  if (value == nullptr || rank != 1 || entries != 1 || ((ellipsis | new_axis) & 1) != 0) return;
  const int64_t size = static_cast<int64_t>(value->size());
  int64_t first = 0, count = 0;
  if ((shrink & 1) != 0) {
    int64_t at = last.from_start ? 0 : last.begin;
    if (at == kUnknownElement) return;
    if (at < 0) at += size;
    if (at >= 0 && at < size) c.SetValue(0, {(*value)[static_cast<size_t>(at)]});
    return;
  }
  if (!Interval(last, size, &first, &count)) return;
  ShapeValue part;
  for (int64_t i = 0; i < count; ++i) part.push_back((*value)[static_cast<size_t>(first + i * last.step)]);
  c.SetValue(0, std::move(part));
}

void GatherAlong(ShapeContext& c, int64_t axis, bool axis_known, int64_t batch) {
  const PartialShape &params = c.input(0), &indices = c.input(1);
  if (params.unknown_rank || indices.unknown_rank) return;
  const int64_t rank = static_cast<int64_t>(params.dims.size());
  const int64_t index_rank = static_cast<int64_t>(indices.dims.size());
  if (batch < 0) batch += index_rank;
  if (batch < 0 || batch > index_rank) return;
  if (!axis_known) {
    if (rank >= 1) c.Set(0, ShapeOfRank(rank - 1 + index_rank - batch));
    return;
  }
  if (!NormalizeAxis(rank, &axis)) {
    c.Conflict(absl::StrCat("gathers along axis ", axis, " of ", PartialShapeText(params)));
    return;
  }
  PartialShape shape;
  shape.dims.assign(params.dims.begin(), params.dims.begin() + axis);
  shape.dims.insert(shape.dims.end(), indices.dims.begin() + batch, indices.dims.end());
  shape.dims.insert(shape.dims.end(), params.dims.begin() + axis + 1, params.dims.end());
  c.Set(0, std::move(shape));
  const ShapeValue *value = c.value(0), *at = c.value(1);
  if (value == nullptr || at == nullptr || rank != 1 || batch != 0) return;
  ShapeValue picked;
  for (const int64_t i : *at) {
    const bool inside = i >= 0 && i < static_cast<int64_t>(value->size());
    picked.push_back(inside ? (*value)[static_cast<size_t>(i)] : kUnknownElement);
  }
  c.SetValue(0, std::move(picked));
}

void Gather(ShapeContext& c) { GatherAlong(c, 0, true, 0); }

void GatherV2(ShapeContext& c) {
  int64_t axis = 0;
  const bool known = ScalarValue(c, 2, &axis);
  GatherAlong(c, axis, known, c.attr<int64_t>("batch_dims", 0));
}

void GatherNd(ShapeContext& c) {
  const PartialShape &params = c.input(0), &indices = c.input(1);
  const int64_t picked = DimOf(indices, -1);
  if (params.unknown_rank || picked < 0) return;
  if (picked > static_cast<int64_t>(params.dims.size())) {
    c.Conflict(absl::StrCat("looks up ", picked, " indices in ", PartialShapeText(params)));
    return;
  }
  PartialShape shape;
  shape.dims.assign(indices.dims.begin(), indices.dims.end() - 1);
  shape.dims.insert(shape.dims.end(), params.dims.begin() + picked, params.dims.end());
  c.Set(0, std::move(shape));
}

void Split(ShapeContext& c) {
  const PartialShape& input = c.input(1);
  const int64_t parts = c.attr<int64_t>("num_split", 0);
  if (input.unknown_rank || parts <= 0) return;
  PartialShape shape = input;
  int64_t axis = 0;
  if (!ScalarValue(c, 0, &axis)) {
    shape = ShapeOfRank(static_cast<int64_t>(input.dims.size()));
  } else {
    if (!NormalizeAxis(static_cast<int64_t>(input.dims.size()), &axis)) {
      c.Conflict(absl::StrCat("splits ", PartialShapeText(input), " along axis ", axis));
      return;
    }
    int64_t& dim = shape.dims[static_cast<size_t>(axis)];
    if (dim >= 0 && dim % parts != 0) {
      c.Conflict(absl::StrCat("splits ", PartialShapeText(input), " along axis ", axis, " into ", parts,
                              " equal parts"));
      return;
    }
    if (dim >= 0) dim /= parts;
  }
  for (int i = 0; i < c.num_outputs(); ++i) c.Set(i, shape);
}

void SplitV(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const ShapeValue* sizes = c.value(1);
  int64_t axis = 0;
  if (input.unknown_rank) return;
  if (!ScalarValue(c, 2, &axis) || !NormalizeAxis(static_cast<int64_t>(input.dims.size()), &axis)) {
    for (int i = 0; i < c.num_outputs(); ++i) c.Set(i, ShapeOfRank(static_cast<int64_t>(input.dims.size())));
    return;
  }
  // One size may be left open.
  int64_t rest = input.dims[static_cast<size_t>(axis)], open = 0;
  for (size_t i = 0; sizes != nullptr && i < sizes->size(); ++i) {
    const int64_t size = (*sizes)[i];
    open += size < 0 ? 1 : 0;
    rest = size < 0 ? rest : rest < size ? kUnknownDim : rest - size;
  }
  for (int i = 0; i < c.num_outputs(); ++i) {
    PartialShape shape = input;
    const bool known = sizes != nullptr && static_cast<size_t>(i) < sizes->size();
    const int64_t size = known ? (*sizes)[static_cast<size_t>(i)] : kUnknownDim;
    shape.dims[static_cast<size_t>(axis)] = size >= 0                          ? size
                                            : known && size == -1 && open == 1 ? rest
                                                                               : kUnknownDim;
    c.Set(i, std::move(shape));
  }
}

void Unpack(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  if (input.unknown_rank) return;
  int64_t axis = c.attr<int64_t>("axis", 0);
  const int64_t parts = c.attr<int64_t>("num", 0);
  if (!NormalizeAxis(static_cast<int64_t>(input.dims.size()), &axis)) {
    c.Conflict(absl::StrCat("takes ", PartialShapeText(input), " apart along axis ", axis));
    return;
  }
  const int64_t dim = input.dims[static_cast<size_t>(axis)];
  if (dim >= 0 && dim != parts) {
    c.Conflict(absl::StrCat("takes ", PartialShapeText(input), " apart along axis ", axis, " into ", parts,
                            " parts"));
    return;
  }
  PartialShape shape = input;
  shape.dims.erase(shape.dims.begin() + axis);
  for (int i = 0; i < c.num_outputs(); ++i) {
    c.Set(i, shape);
    const ShapeValue* value = c.value(0);
    if (value == nullptr || !shape.dims.empty() || static_cast<size_t>(i) >= value->size()) continue;
    if ((*value)[static_cast<size_t>(i)] != kUnknownElement)
      c.SetValue(i, {(*value)[static_cast<size_t>(i)]});
  }
}

constexpr ShapeRuleEntry kRules[] = {
    {"Slice", Slice},       {"StridedSlice", StridedSlice},
    {"Gather", Gather},     {"GatherV2", GatherV2},
    {"GatherNd", GatherNd}, {"Split", Split},
    {"SplitV", SplitV},     {"Unpack", Unpack},
};

}  // namespace

absl::Span<const ShapeRuleEntry> SliceShapeRules() { return kRules; }

}  // namespace cryograph
