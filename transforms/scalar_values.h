// Scalars as text and as tensors: what a user writes for a placeholder, and what a predicate is computed
// from.
#ifndef CRYOGRAPH_TRANSFORMS_SCALAR_VALUES_H_
#define CRYOGRAPH_TRANSFORMS_SCALAR_VALUES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace cryograph {

// One number: a bool (0 or 1), an integer of any width, a float or a double.
struct ScalarValue {
  DataType dtype = DT_INVALID;
  int64_t integer = 0;  // Of bools and integers.
  double number = 0;    // Of floats and doubles; of the others the nearest double.
  bool is_float() const { return dtype == DT_FLOAT || dtype == DT_DOUBLE; }
  bool truth() const { return is_float() ? number != 0 : integer != 0; }
  friend bool operator==(const ScalarValue& a, const ScalarValue& b) {
    return a.dtype == b.dtype && a.integer == b.integer && a.number == b.number;
  }
};

ScalarValue BoolValue(bool value);
// Of the types above; nothing for a tensor of another type or of more or less than one element.
std::optional<ScalarValue> ScalarOf(const Tensor& tensor);
// The value of a Const of one element; nothing for any other node. Large tensors are not fetched.
std::optional<ScalarValue> ScalarOfConst(Node node);

// The value of `op` on `inputs` of one element each, absent where it is not known: logic, comparisons, casts
// between the types above, and ops that hand one element on. Nothing if it does not follow from what is
// known; `false and x` is false.
std::optional<ScalarValue> EvaluateScalar(Node node, const std::vector<std::optional<ScalarValue>>& inputs);

// `text` as a value of `dtype`, in every element of `dims`: "false", "0.5", "-3", any text for a string.
// InvalidArgument for a text that is no such value or does not fit the type; Unimplemented for a type that
// has no text form here.
absl::StatusOr<Tensor> TensorFromText(absl::string_view text, DataType dtype, std::vector<int64_t> dims);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_SCALAR_VALUES_H_
