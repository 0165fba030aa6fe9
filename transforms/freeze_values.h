// Values of frozen variables that are not a checkpoint's tensor as it stands: fills, initial values.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_VALUES_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_VALUES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace cryograph {

// `dims` full of one element; `element` is a scalar of a fixed-size type or a string.
std::shared_ptr<const TensorSource> Filled(const Tensor& element, std::vector<int64_t> dims);

// Zeros, false or empty strings. Unimplemented for a type that has no zero.
absl::StatusOr<std::shared_ptr<const TensorSource>> Zeros(DataType dtype, std::vector<int64_t> dims);

// The value that `output` always has: Const, Fill and ZerosLike of such, through Identity and Cast to the
// same type. Unimplemented, naming the op that would have to be run.
absl::StatusOr<std::shared_ptr<const TensorSource>> ConstantValue(Graph& graph, Output output);

// Bytes of a value: 0 for strings and variants.
uint64_t ValueBytes(const TensorSource& source);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_VALUES_H_
