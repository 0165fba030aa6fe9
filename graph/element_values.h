// Elements of tensors of any numeric type as doubles: for statistics and comparisons.
#ifndef CRYOGRAPH_GRAPH_ELEMENT_VALUES_H_
#define CRYOGRAPH_GRAPH_ELEMENT_VALUES_H_

#include <cstddef>
#include <cstdint>

#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// 1 for real numbers and booleans, 2 for complex ones, 0 for what is no number.
int ComponentsOf(DataType dtype);

// Components [begin, begin + count) of `value`, whose type has some, as doubles; those of a complex number
// follow each other. Exact, except for 64-bit integers above 2^53.
void ReadComponents(const Tensor& value, uint64_t begin, size_t count, double* out);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_ELEMENT_VALUES_H_
