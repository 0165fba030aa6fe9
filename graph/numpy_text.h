// A tensor's value as numpy's str() prints it, to the letter: what tools that stand in for TensorFlow's own
// print. Rules: numpy.array2string and numpy.set_printoptions of numpy's reference.
#ifndef CRYOGRAPH_GRAPH_NUMPY_TEXT_H_
#define CRYOGRAPH_GRAPH_NUMPY_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/tensor.h"

namespace cryograph {

// numpy's print options by their names, with its defaults.
struct NumpyTextOptions {
  int64_t precision = 8;     // Digits behind the point at most.
  int64_t threshold = 1000;  // Arrays of more elements are summed up: "...".
  int64_t edgeitems = 3;     // What is shown of each dimension's ends then.
  int64_t linewidth = 75;
  bool suppress = false;  // No scientific form for the sake of small numbers.
  std::string nanstr = "nan", infstr = "inf";
  std::string floatmode = "maxprec";  // fixed, unique, maxprec, maxprec_equal
  std::string sign = "-";             // "-", "+", " "

  // Which numpy: the one that TensorFlow 1.15 runs with (below 1.19), or one from 2.3 on. They differ in when
  // floats take the scientific form, and in how they show types that numpy does not know.
  bool old_numpy = false;
};

// Calls emit() with the text in pieces, without a line feed at its end. `value` is valid.
// Unimplemented: a type that has no numpy form (variants, resources), which numpy cannot print either.
absl::Status NumpyText(const Tensor& value, const NumpyTextOptions& options,
                       absl::FunctionRef<void(absl::string_view)> emit);
absl::StatusOr<std::string> NumpyText(const Tensor& value, const NumpyTextOptions& options = {});

// "b'a\\x00'": bytes as Python's repr() shows them.
std::string PythonBytesText(absl::string_view bytes);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_NUMPY_TEXT_H_
