// A result whose every element lies at a fixed step from its neighbours in the input: slices, transposes,
// reversals, broadcasts.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_STRIDED_COPY_H_
#define CRYOGRAPH_RUNTIME_KERNELS_STRIDED_COPY_H_

#include <algorithm>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "runtime/kernels/wrapping_product.h"
#include "runtime/value.h"

namespace cryograph {

using Strides = absl::InlinedVector<int64_t, 6>;

// Row-major steps of a shape; of unspecified value where it has no elements.
inline Strides StridesOf(const Shape& shape) {
  Strides strides(shape.size());
  int64_t step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step = WrappingProduct(step, shape[i]);
  }
  return strides;
}

// The loops of a copy: dimensions of size 1 are gone, and neighbours that follow each other in both operands
// are one.
struct CopyLoops {
  // `steps[d]`: how far apart in one operand two elements are that follow each other in dimension d of
  // `shape`; the other operand is dense.
  CopyLoops(absl::Span<const int64_t> shape, absl::Span<const int64_t> steps) {
    for (size_t d = 0; d < shape.size(); ++d) {
      total = WrappingProduct(total, shape[d]);
      if (shape[d] == 1) continue;
      if (!sizes.empty() && strides.back() == WrappingProduct(steps[d], shape[d])) {
        sizes.back() = WrappingProduct(sizes.back(), shape[d]);
        strides.back() = steps[d];
      } else {
        sizes.push_back(shape[d]);
        strides.push_back(steps[d]);
      }
    }
    if (sizes.empty()) {
      sizes.push_back(1);
      strides.push_back(1);
    }
  }

  // Calls row(dense offset, strided offset) for every row of sizes.back() elements, in order.
  template <typename Row>
  void ForEachRow(Row row) const {
    if (total == 0) return;
    const int last = static_cast<int>(sizes.size()) - 1;
    absl::InlinedVector<int64_t, 6> place(sizes.size(), 0);
    int64_t dense = 0, strided = 0;
    for (;;) {
      row(dense, strided);
      dense += sizes[last];
      int d = last - 1;
      for (; d >= 0; --d) {
        strided += strides[d];
        if (++place[d] < sizes[d]) break;
        strided -= place[d] * strides[d];
        place[d] = 0;
      }
      if (d < 0) return;
    }
  }

  absl::InlinedVector<int64_t, 6> sizes, strides;
  int64_t total = 1;
};

// out[dense] = in[strided] for all elements of `shape`, which `out` has in row-major order.
template <typename T>
void GatherStrided(const T* in, absl::Span<const int64_t> shape, absl::Span<const int64_t> steps, T* out) {
  const CopyLoops loops(shape, steps);
  const int64_t size = loops.sizes.back(), step = loops.strides.back();
  loops.ForEachRow([&](int64_t dense, int64_t strided) {
    T* to = out + dense;
    const T* from = in + strided;
    if (step == 1) {
      std::copy(from, from + size, to);
    } else {
      for (int64_t i = 0; i < size; ++i) to[i] = from[i * step];
    }
  });
}

// out[strided] = in[dense].
template <typename T>
void ScatterStrided(const T* in, absl::Span<const int64_t> shape, absl::Span<const int64_t> steps, T* out) {
  const CopyLoops loops(shape, steps);
  const int64_t size = loops.sizes.back(), step = loops.strides.back();
  loops.ForEachRow([&](int64_t dense, int64_t strided) {
    const T* from = in + dense;
    T* to = out + strided;
    if (step == 1) {
      std::copy(from, from + size, to);
    } else {
      for (int64_t i = 0; i < size; ++i) to[i * step] = from[i];
    }
  });
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_STRIDED_COPY_H_
