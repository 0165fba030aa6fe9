// NumPy's broadcasting: aligned at the right, sizes equal or one of them 1.
#ifndef CRYOGRAPH_RUNTIME_BROADCAST_H_
#define CRYOGRAPH_RUNTIME_BROADCAST_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/value.h"

namespace cryograph {

// How the elements of up to three operands meet in one result. Neighbouring dimensions in which all operands
// go along in the same way are taken together, so that most loops are over one long row.
class Broadcast {
 public:
  static constexpr int kMaxOperands = 3;

  // InvalidArgument if the shapes do not fit. `operands` are 1 to 3.
  static absl::StatusOr<Broadcast> Of(absl::Span<const Shape* const> operands);

  const Shape& shape() const { return shape_; }
  int64_t num_elements() const { return num_elements_; }

  // Calls row(offset, offsets, count, steps) for every row of the result, in order: elements [offset, offset
  // + count) of the result come from elements offsets[k] + i * steps[k] of operand k, where a step is 0 or 1.
  template <typename Row>
  void ForEachRow(Row row) const {
    ForRows(0, num_rows(), row);
  }

  int64_t num_rows() const { return num_elements_ == 0 ? 0 : num_elements_ / row_; }
  int64_t row_length() const { return row_; }

  // The same for rows [begin, end).
  template <typename Row>
  void ForRows(int64_t begin, int64_t end, Row row) const {
    if (begin >= end) return;
    int64_t place[kMaxDims];
    int64_t offsets[kMaxOperands] = {0, 0, 0};
    const int outer = static_cast<int>(dims_.size()) - 1;
    int64_t rest = begin;
    for (int d = outer - 1; d >= 0; --d) {
      place[d] = rest % dims_[d].size;
      rest /= dims_[d].size;
      for (int k = 0; k < kMaxOperands; ++k) offsets[k] += place[d] * dims_[d].strides[k];
    }
    const int64_t* steps = dims_[outer].strides;
    for (int64_t r = begin; r < end; ++r) {
      row(r * row_, offsets, row_, steps);
      for (int d = outer - 1; d >= 0; --d) {
        for (int k = 0; k < kMaxOperands; ++k) offsets[k] += dims_[d].strides[k];
        if (++place[d] < dims_[d].size) break;
        for (int k = 0; k < kMaxOperands; ++k) offsets[k] -= place[d] * dims_[d].strides[k];
        place[d] = 0;
      }
    }
  }

 private:
  static constexpr int kMaxDims = 256;  // A shape has at most 254 dimensions.

  struct Dim {
    int64_t size = 1;
    int64_t strides[kMaxOperands] = {0, 0, 0};
  };

  Shape shape_;
  int64_t num_elements_ = 1;
  int64_t row_ = 1;
  absl::InlinedVector<Dim, 4> dims_;  // Outermost first; at least one.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_BROADCAST_H_
