// The Config message of TensorFlow's ahead-of-time compiler (tf2xla): what is fed to a compiled graph, what
// it gives, and which of its variables the program holds.
#ifndef CRYOGRAPH_TOOLS_TF2XLA_CONFIG_H_
#define CRYOGRAPH_TOOLS_TF2XLA_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/proto/meta_graph.pb.h"

namespace cryograph {

// Tensors by their key in a signature.
using SortedTensors = std::map<std::string, tensorflow::TensorInfo>;

// The message as text: a feed "feed_<key>" for each input, a fetch "fetch_<key>" for each output, a variable
// "param_<node>" for each of `variables` (VarHandleOp nodes of `graph`), read-only if nothing in the graph
// may change it. A '/' in a name becomes '_', since the names become C++ identifiers.
std::string Tf2XlaConfig(Graph& graph, const SortedTensors& inputs, const SortedTensors& outputs,
                         const std::vector<Node>& variables);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_TF2XLA_CONFIG_H_
