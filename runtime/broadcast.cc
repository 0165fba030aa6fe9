#include "runtime/broadcast.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace cryograph {
namespace {

// Size of dimension `axis` of `rank`, counted for the result, in a shape that may have fewer dimensions.
int64_t SizeAt(const Shape& shape, size_t axis, size_t rank) {
  const size_t missing = rank - shape.size();
  return axis < missing ? 1 : shape[axis - missing];
}

}  // namespace

absl::StatusOr<Broadcast> Broadcast::Of(absl::Span<const Shape* const> operands) {
  Broadcast result;
  size_t rank = 0;
  for (const Shape* shape : operands) rank = std::max(rank, shape->size());
  if (rank >= kMaxDims) return absl::InvalidArgumentError("a shape has too many dimensions");
  result.shape_.assign(rank, 1);
  for (size_t axis = 0; axis < rank; ++axis) {
    int64_t& size = result.shape_[axis];
    for (const Shape* shape : operands) {
      const int64_t own = SizeAt(*shape, axis, rank);
      if (own == 1 || own == size) continue;
      if (size != 1) {
        std::string shapes;
        for (const Shape* each : operands) {
          absl::StrAppend(&shapes, shapes.empty() ? "" : " and ", ShapeText(*each));
        }
        return absl::InvalidArgumentError(absl::StrCat("incompatible shapes ", shapes));
      }
      size = own;
    }
    if (__builtin_mul_overflow(result.num_elements_, size, &result.num_elements_)) {
      return absl::InvalidArgumentError(absl::StrCat("too many elements: ", ShapeText(result.shape_)));
    }
  }
  if (result.num_elements_ == 0) return result;

  int64_t strides[kMaxOperands] = {1, 1, 1};
  absl::InlinedVector<Dim, 4> inner_first;
  for (size_t axis = rank; axis-- > 0;) {
    const int64_t size = result.shape_[axis];
    if (size == 1) continue;
    Dim dim;
    dim.size = size;
    for (size_t k = 0; k < operands.size(); ++k) {
      const bool moves = SizeAt(*operands[k], axis, rank) != 1;
      dim.strides[k] = moves ? strides[k] : 0;
      if (moves) strides[k] *= size;
    }
    if (!inner_first.empty()) {
      Dim& last = inner_first.back();
      bool continues = true;
      for (size_t k = 0; k < operands.size(); ++k) {
        continues &= dim.strides[k] == last.strides[k] * last.size;
      }
      if (continues) {
        last.size *= size;
        continue;
      }
    }
    inner_first.push_back(dim);
  }
  if (inner_first.empty()) inner_first.push_back(Dim());
  result.dims_.assign(inner_first.rbegin(), inner_first.rend());
  result.row_ = result.dims_.back().size;
  return result;
}

}  // namespace cryograph
