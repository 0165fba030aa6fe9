#include "runtime/kernels/reduction.h"

#include "runtime/kernels/wrapping_product.h"

namespace cryograph {

absl::StatusOr<Reduction> Reduction::Of(const Shape& input, const Value& axes, bool keep_dims) {
  ASSIGN_OR_RETURN(const Shape listed,
                   IntVector(axes.Reshaped({axes.num_elements()}), "the axes of a reduction"));
  const int rank = static_cast<int>(input.size());
  absl::InlinedVector<bool, 8> reduced(input.size(), false);
  for (const int64_t axis : listed) {
    ASSIGN_OR_RETURN(const int place, NormalizeAxis(axis, rank));
    reduced[place] = true;
  }
  Reduction result;
  result.empty_ = listed.empty();
  for (size_t i = 0; i < input.size(); ++i) {
    if (reduced[i]) {
      result.count_ = WrappingProduct(result.count_, input[i]);
      if (keep_dims) result.output_shape_.push_back(1);
    } else {
      result.num_outputs_ = WrappingProduct(result.num_outputs_, input[i]);
      result.output_shape_.push_back(input[i]);
    }
  }
  int64_t stride = 1;
  absl::InlinedVector<Dim, 8> inner_first;
  absl::InlinedVector<bool, 8> kinds;
  for (size_t i = input.size(); i-- > 0;) {
    if (input[i] == 1) continue;
    if (!kinds.empty() && kinds.back() == reduced[i]) {
      inner_first.back().size = WrappingProduct(inner_first.back().size, input[i]);
    } else {
      inner_first.push_back(Dim{input[i], reduced[i] ? 0 : stride});
      kinds.push_back(reduced[i]);
    }
    if (!reduced[i]) stride = WrappingProduct(stride, input[i]);
  }
  if (inner_first.empty()) inner_first.push_back(Dim{1, 0});
  result.dims_.assign(inner_first.rbegin(), inner_first.rend());
  return result;
}

}  // namespace cryograph
