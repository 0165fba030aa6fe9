// tensorflow.Example messages out of Python dictionaries, as saved_model_cli makes them.
#ifndef CRYOGRAPH_TOOLS_TF_EXAMPLE_H_
#define CRYOGRAPH_TOOLS_TF_EXAMPLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/python_expression.h"

namespace cryograph {

// A serialized Example for each dictionary of a list, features sorted by name: {"id": [26], "weights":
// [0.5]}. The type of a list's first element decides: float, int (and bool) or str and bytes. InvalidArgument
// in the words of TensorFlow's tool for what is none of these, and for lists that are empty or mixed.
absl::StatusOr<std::vector<std::string>> ExamplesOf(const PythonValue& list);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_TF_EXAMPLE_H_
