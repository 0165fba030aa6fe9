// How many floating-point operations a run of a model takes.
#ifndef CRYOGRAPH_TOOLS_BENCHMARK_FLOPS_H_
#define CRYOGRAPH_TOOLS_BENCHMARK_FLOPS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "runtime/executor.h"
#include "runtime/value.h"
#include "tools/benchmark_profile.h"

namespace cryograph {

// An estimate for one run, as TensorFlow's benchmark_model makes it: two for each multiply-add of the Conv2D,
// DepthwiseConv2dNative and MatMul nodes of the main graph that `profile` has seen; a node that ran several
// times counts as often. Nodes of function bodies do not count. The weights' shapes come from a run with
// `feeds`, whose errors are returned.
absl::StatusOr<double> EstimateFlops(Graph& graph, const BenchmarkProfile& profile, Executor& executor,
                                     const std::vector<std::pair<std::string, Value>>& feeds);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_BENCHMARK_FLOPS_H_
