// Tensors out of expressions: literals, and a few functions that make numbers.
#ifndef CRYOGRAPH_TOOLS_ARRAY_EXPRESSION_H_
#define CRYOGRAPH_TOOLS_ARRAY_EXPRESSION_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/dtype.h"
#include "runtime/memory.h"
#include "runtime/value.h"
#include "tools/python_expression.h"

namespace cryograph {

// The tensor that an expression stands for:
//   3, -0.5, true, 'text', [1,2,3], [[1,2],[3,4]]
//   zeros(1,224,224,3), ones(…), full(VALUE, DIMS…), arange(DIMS…), rand(DIMS…, seed=1, min=0, max=1)
//   np.zeros((2,3)), np.ones, np.full((2,3), VALUE), np.arange([START,] STOP[, STEP]), np.linspace(START,
//   STOP, COUNT), np.random.rand(DIMS…, seed=1), np.array([…]), np.float32(3) …
//   … .reshape(2,3), … .astype(np.float32)
// Elements are of type `dtype`, or of dtype=NAME among the arguments; a float for an integer is cut, as
// numpy does. Seeds give the same numbers on every machine. InvalidArgument for lists of different lengths,
// strings where numbers are wanted and the other way round, numbers out of the type's range and functions
// that are none of these; ResourceExhausted beyond the pool's limit.
absl::StatusOr<Value> EvaluateArray(const PythonValue& expression, DataType dtype, MemoryPool& pool);

// The same for text: see ParsePythonExpression.
absl::StatusOr<Value> EvaluateArray(absl::string_view text, DataType dtype, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_ARRAY_EXPRESSION_H_
