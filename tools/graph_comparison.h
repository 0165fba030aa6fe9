// Whether two graphs are the same: node by node under their names, or in what their outputs compute.
#ifndef CRYOGRAPH_TOOLS_GRAPH_COMPARISON_H_
#define CRYOGRAPH_TOOLS_GRAPH_COMPARISON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/model.h"

namespace cryograph {

struct ComparisonOptions {
  bool ignore_device = false;
  // An attribute that one side lacks equals the op's default on the other side.
  bool ignore_default_attrs = false;
  // CompareNodes: the function libraries are compared, too.
  bool library = false;
  // Elements of float and double constants are equal up to absolute + relative * |expected|.
  double absolute = 0, relative = 0;
};

// Differences in TensorFlow's words, in the order of the expected graph's nodes; empty if there are none.
// Never counts: the order of nodes, control inputs and attributes; versions; attributes whose names begin
// with '_'; "x" or "x:0"; how a tensor is encoded. NaN equals NaN. Of nodes of one name the last one counts.
// InvalidArgument for a function body that cannot be read.
absl::StatusOr<std::vector<std::string>> CompareNodes(Model& actual, Model& expected,
                                                      const ComparisonOptions& options);

// Whether `outputs` ("node" or "node:1") are computed in the same way: the same ops with the same attributes
// over the same inputs, whatever the nodes are called. Nodes that only forward (Identity, StopGradient,
// PreventGradient, CheckNumerics), nodes that no output needs, and control inputs that wait for nothing with
// an effect do not count. What is fed or holds state must have the same name. At most one difference is
// returned. NotFound: one of the graphs lacks an output.
absl::StatusOr<std::vector<std::string>> CompareOutputs(Model& actual, Model& expected,
                                                        absl::Span<const std::string> outputs,
                                                        const ComparisonOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_GRAPH_COMPARISON_H_
