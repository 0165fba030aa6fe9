// How far two values of one tensor are apart: what every judgement "the outputs did not change" rests on.
#ifndef CRYOGRAPH_RUNTIME_TENSOR_DIFFERENCE_H_
#define CRYOGRAPH_RUNTIME_TENSOR_DIFFERENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor.h"

namespace cryograph {

// An element passes if any one of the three bounds is kept. NaN passes for NaN, an infinity for the same
// infinity, and a zero for a zero of the other sign, unless all three are 0: then bits count, except that any
// NaN stands for any other.
struct Tolerance {
  double absolute = 0;
  double relative = 0;  // Of the magnitude of the value before.
  int64_t ulps = 0;     // Steps between neighbouring numbers of the dtype; floating point only.

  bool exact() const { return absolute == 0 && relative == 0 && ulps == 0; }
};

// "atol 1e-05, rtol 0.0001", "exact".
std::string ToleranceText(const Tolerance& tolerance);

struct TensorDifference {
  // "float[2,3] became float[3,2]", if the two cannot be compared element by element; the rest is then unset.
  std::string mismatch;
  int64_t elements = 0;
  int64_t outside = 0;  // Elements that the tolerance does not cover.
  // False for booleans and strings, of which the figures down to max_ulps, and cosine, say nothing.
  bool is_numeric = true;
  // Over all elements that are finite on both sides.
  double max_absolute = 0;
  double max_relative = 0;
  int64_t max_ulps = 0;  // Floating point only.
  // Place of the worst element: the first outside of the tolerance that is not finite on both sides, else the
  // one with the largest absolute error.
  std::vector<int64_t> worst;
  std::string before_text, after_text;  // The two values there.
  // Of the two as vectors; 1 if they are equal, also where a norm is 0. Numbers only.
  double cosine = 1;

  bool ok() const { return mismatch.empty() && outside == 0; }
};

// Complex numbers are compared by part; booleans, strings and, if the tolerance is exact, integers must be
// equal. Unimplemented: types that have no values in memory (resources, variants) and those of 8 bits and
// less that are no integers.
absl::StatusOr<TensorDifference> CompareTensors(const Tensor& before, const Tensor& after,
                                                const Tolerance& tolerance);

// One line: "3 of 1001 elements differ; largest error 0.25 at [0,17]: 1.5 became 1.75 (relative 0.17, cosine
// 0.9987)", or "equal".
std::string DifferenceText(const TensorDifference& difference);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_TENSOR_DIFFERENCE_H_
