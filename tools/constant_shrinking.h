// Constants made smaller: one value for all elements, dimensions cut off.
#ifndef CRYOGRAPH_TOOLS_CONSTANT_SHRINKING_H_
#define CRYOGRAPH_TOOLS_CONSTANT_SHRINKING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace cryograph {

// A serialized TensorProto; one element stands for all if they are equal. Errors of EncodeTensorProto.
absl::StatusOr<std::string> CompactTensorProto(const Tensor& tensor);

// The Const has several elements of plain bytes that are not all equal.
bool CanBeFilled(Node node);
// All elements become the first one. False if that cannot be.
bool FillConstant(Node node);

// Dimensions above 1 of constants and declared shapes, largest first, each once.
std::vector<int64_t> DimensionsOf(Graph& graph);
// Every dimension `from` of a Const and of a placeholder's declared shape becomes `to`, which is smaller:
// what lies behind is cut off. With `values_too` also elements `from` of integer vectors of few elements,
// which may be shapes. False if there is nothing to change or a constant cannot be read.
bool ReplaceDimension(Graph& graph, int64_t from, int64_t to, bool values_too);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_CONSTANT_SHRINKING_H_
