// RaggedTensorToSparse, RaggedRange, RaggedGather.
#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/ragged_splits.h"

namespace cryograph {
namespace {

// Inputs [first, first + count), outermost first; the innermost ends with `total`.
absl::StatusOr<std::vector<Shape>> NestedSplits(KernelContext& context, int first, int count, int64_t total) {
  std::vector<Shape> splits;
  for (int k = 0; k < count; ++k) {
    const bool last = k + 1 == count;
    const int64_t size = last ? total : context.input(first + k + 1).num_elements() - 1;
    ASSIGN_OR_RETURN(Shape level, RowSplits(context.input(first + k), size));
    splits.push_back(std::move(level));
  }
  return splits;
}

absl::Status RaggedTensorToSparse(KernelContext& context) {
  const int levels = context.num_inputs() - 1;
  const Value& values = context.input(levels);
  if (values.rank() < 1) return absl::InvalidArgumentError("the values must not be a scalar");
  ASSIGN_OR_RETURN(const std::vector<Shape> splits, NestedSplits(context, 0, levels, values.dim(0)));
  if (splits.empty()) return absl::InvalidArgumentError("there must be one level of splits at least");
  // Rows are counted along the first dimension of the splits, of which TensorFlow takes any number.
  const Value& outermost = context.input(0);
  Shape shape = {(outermost.is_scalar() ? 1 : outermost.dim(0)) - 1};
  for (const Shape& level : splits) {
    int64_t longest = 0;
    for (size_t i = 1; i < level.size(); ++i) longest = std::max(longest, level[i] - level[i - 1]);
    shape.push_back(longest);
  }
  shape.insert(shape.end(), values.shape().begin() + 1, values.shape().end());
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t count = values.num_elements();
  ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(0, {count, rank}));
  ASSIGN_OR_RETURN(Value * dims, context.AllocateOutput(2, {rank}));
  std::copy(shape.begin(), shape.end(), dims->mutable_data<int64_t>());
  context.SetOutput(1, values.Reshaped({count}));
  if (count == 0) return absl::OkStatus();
  const int64_t inner = count / values.dim(0);
  std::vector<size_t> rows(splits.size(), 0);
  for (int64_t row = 0; row < values.dim(0); ++row) {
    // The row of each level that holds this value, from the innermost out.
    Shape place(splits.size() + 1);
    int64_t at = row;
    for (size_t level = splits.size(); level-- > 0;) {
      while (splits[level][rows[level] + 1] <= at) ++rows[level];
      place[level + 1] = at - splits[level][rows[level]];
      at = static_cast<int64_t>(rows[level]);
    }
    place[0] = at;
    for (int64_t n = 0; n < inner; ++n) {
      int64_t* index = indices->mutable_data<int64_t>() + (row * inner + n) * rank;
      std::copy(place.begin(), place.end(), index);
      int64_t rest = n;
      for (int d = values.rank() - 1; d >= 1; --d) {
        index[levels + d] = rest % values.dim(d);
        rest /= values.dim(d);
      }
    }
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(RaggedTensorToSparse, "RaggedTensorToSparse");

using RangeTypes = JoinTypes<IndexTypes, TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>>;

// How many steps of `delta` lead from start to before limit; `delta` is not 0.
template <typename T>
double RangeSize(T start, T limit, T delta) {
  if ((delta > 0 && limit <= start) || (delta < 0 && limit >= start)) return 0;
  if constexpr (std::is_integral_v<T>) {
    const auto wide = [](T x) { return static_cast<uint64_t>(x); };
    const uint64_t distance = delta > 0 ? wide(limit) - wide(start) : wide(start) - wide(limit);
    const uint64_t step = delta > 0 ? wide(delta) : uint64_t{0} - wide(delta);
    return static_cast<double>((distance - 1) / step + 1);
  } else {
    return static_cast<double>(std::ceil(std::abs((limit - start) / delta)));
  }
}

// Operands are vectors of one length, or scalars.
absl::Status RaggedRange(KernelContext& context) {
  int64_t rows = -1;
  for (int k = 0; k < 3; ++k) {
    const Value& input = context.input(k);
    if (input.is_scalar()) continue;
    RETURN_IF_ERROR(ExpectVector(input, "an operand"));
    if (rows >= 0 && rows != input.dim(0)) {
      return absl::InvalidArgumentError("starts, limits and deltas must have one length");
    }
    rows = input.dim(0);
  }
  if (rows < 0) rows = 1;
  ASSIGN_OR_RETURN(Value * splits, context.AllocateOutput(0, {rows + 1}));
  return DispatchType<RangeTypes>(context.input(0).dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    using A = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;
    const auto at = [&](int k, int64_t row) {
      return context.input(k).data<T>()[context.input(k).is_scalar() ? 0 : row];
    };
    constexpr double kMost = int64_t{1} << 40;
    int64_t total = 0;
    RETURN_IF_ERROR(SetSplit(splits, 0, 0));
    for (int64_t row = 0; row < rows; ++row) {
      if (at(2, row) == 0) return absl::InvalidArgumentError(absl::StrCat("deltas[", row, "] is 0"));
      const double size = RangeSize(at(0, row), at(1, row), at(2, row));
      if (!(size <= kMost - static_cast<double>(total))) {
        return absl::InvalidArgumentError(absl::StrCat("range ", row, " is too long"));
      }
      total += static_cast<int64_t>(size);
      RETURN_IF_ERROR(SetSplit(splits, row + 1, total));
    }
    ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(1, {total}));
    T* out = values->mutable_data<T>();
    for (int64_t row = 0; row < rows; ++row) {
      A value = static_cast<A>(at(0, row));
      for (auto size = static_cast<int64_t>(RangeSize(at(0, row), at(1, row), at(2, row))); size > 0;
           --size) {
        *out++ = static_cast<T>(value);
        value = static_cast<A>(value + static_cast<A>(at(2, row)));
      }
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(RaggedRange, "RaggedRange");

struct RowRange {
  int64_t begin, end;
};

// Rows of a ragged tensor. The outer dimensions of the result are those of the indices.
absl::Status RaggedGather(KernelContext& context) {
  const int levels = context.num_inputs() - 2;
  const Value& values = context.input(levels);
  const Value& indices = context.input(levels + 1);
  const int out_levels = context.num_outputs() - 1;
  if (values.rank() < 1) return absl::InvalidArgumentError("the values must not be a scalar");
  if (indices.rank() < 1 || out_levels != levels + indices.rank() - 1) {
    return absl::InvalidArgumentError(absl::StrCat("indices of rank ", indices.rank(), " into ", levels,
                                                   " ragged dimensions do not give ", out_levels));
  }
  ASSIGN_OR_RETURN(const std::vector<Shape> splits, NestedSplits(context, 0, levels, values.dim(0)));
  if (splits.empty()) return absl::InvalidArgumentError("there must be one level of splits at least");
  int64_t rows = 1;
  for (int d = 0; d + 1 < indices.rank(); ++d) {
    rows *= indices.dim(d);
    ASSIGN_OR_RETURN(Value * out, context.AllocateOutput(d, {rows + 1}));
    for (int64_t i = 0; i <= rows; ++i) RETURN_IF_ERROR(SetSplit(out, i, i * indices.dim(d + 1)));
  }
  ASSIGN_OR_RETURN(const Shape flat, IntVector(indices.Reshaped({indices.num_elements()}), "indices"));
  const auto params = static_cast<int64_t>(splits[0].size()) - 1;
  std::vector<RowRange> ranges;
  for (const int64_t index : flat) {
    if (index < 0 || index >= params) {
      return absl::InvalidArgumentError(absl::StrCat("index ", index, " is not in [0, ", params, ")"));
    }
    ranges.push_back({index, index + 1});
  }
  // Each range of rows becomes the range of what these rows hold.
  for (int level = 0; level < levels; ++level) {
    RETURN_IF_ERROR(context.CheckLimits());
    int64_t count = 0;
    for (const RowRange& range : ranges) count += range.end - range.begin;
    const int slot = indices.rank() - 1 + level;
    ASSIGN_OR_RETURN(Value * out, context.AllocateOutput(slot, {count + 1}));
    int64_t at = 0, total = 0;
    RETURN_IF_ERROR(SetSplit(out, 0, 0));
    for (RowRange& range : ranges) {
      for (int64_t row = range.begin; row < range.end; ++row) {
        total += splits[level][row + 1] - splits[level][row];
        RETURN_IF_ERROR(SetSplit(out, ++at, total));
      }
      range = {splits[level][range.begin], splits[level][range.end]};
    }
  }
  Shape shape = values.shape();
  shape[0] = 0;
  for (const RowRange& range : ranges) shape[0] += range.end - range.begin;
  ASSIGN_OR_RETURN(Value * gathered, context.AllocateOutput(out_levels, shape));
  if (gathered->num_elements() == 0) return absl::OkStatus();
  const int64_t inner = gathered->num_elements() / shape[0];
  int64_t to = 0;
  for (const RowRange& range : ranges) {
    const int64_t count = (range.end - range.begin) * inner;
    CopyElements(values, range.begin * inner, gathered, to, count);
    to += count;
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(RaggedGather, "RaggedGather");

}  // namespace
}  // namespace cryograph
