// Which elements a reduction brings together, and the loop over them.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_REDUCTION_H_
#define CRYOGRAPH_RUNTIME_KERNELS_REDUCTION_H_

#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "runtime/kernel.h"

namespace cryograph {

// The dimensions of an input, each either kept or reduced. Neighbours of one kind are taken together.
class Reduction {
 public:
  // `axes`: int32 or int64, of any shape; negative ones count from the end, repeated ones count once.
  // InvalidArgument for one out of range.
  static absl::StatusOr<Reduction> Of(const Shape& input, const Value& axes, bool keep_dims);

  const Shape& output_shape() const { return output_shape_; }
  int64_t num_outputs() const { return num_outputs_; }
  // How many elements of the input go into one of the output.
  int64_t count() const { return count_; }
  // No axis: every output is one input.
  bool empty() const { return empty_; }

  // accumulators[o] = reduce(accumulators[o], in[i]) for every element i of the input in order, o being the
  // output it belongs to. `row(accumulator, values, n)` reduces a run of n values that all go into one
  // output.
  template <typename T, typename A, typename One, typename Row>
  void Run(const T* in, A* accumulators, One one, Row row) const {
    if (num_outputs_ == 0 || count_ == 0) return;
    const int last = static_cast<int>(dims_.size()) - 1;
    absl::InlinedVector<int64_t, 8> place(dims_.size(), 0);
    int64_t out = 0;
    for (;;) {
      const Dim& inner = dims_[last];
      if (inner.out_stride == 0) {
        row(accumulators[out], in, inner.size);
      } else {
        for (int64_t i = 0; i < inner.size; ++i) accumulators[out + i] = one(accumulators[out + i], in[i]);
      }
      in += inner.size;
      int d = last - 1;
      for (; d >= 0; --d) {
        out += dims_[d].out_stride;
        if (++place[d] < dims_[d].size) break;
        out -= place[d] * dims_[d].out_stride;
        place[d] = 0;
      }
      if (d < 0) return;
    }
  }

 private:
  struct Dim {
    int64_t size;
    int64_t out_stride;  // 0: reduced.
  };

  Shape output_shape_;
  int64_t num_outputs_ = 1, count_ = 1;
  bool empty_ = false;
  absl::InlinedVector<Dim, 8> dims_;  // Of the input, outermost first; at least one.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_REDUCTION_H_
