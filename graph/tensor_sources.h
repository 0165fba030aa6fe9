// Tensor sources over values that are at hand.
#ifndef CRYOGRAPH_GRAPH_TENSOR_SOURCES_H_
#define CRYOGRAPH_GRAPH_TENSOR_SOURCES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "graph/tensor.h"

namespace cryograph {

// A value that is in memory. Its bytes are those that the tensor shows: its owner keeps them alive, or the
// caller does.
std::shared_ptr<const TensorSource> SourceOf(Tensor tensor);

// The value of another source in another shape, of as many elements; itself if it has that shape.
std::shared_ptr<const TensorSource> Reshaped(std::shared_ptr<const TensorSource> source,
                                             std::vector<int64_t> dims);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_TENSOR_SOURCES_H_
