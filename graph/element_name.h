// Names of nodes and tensors as users write them.
#ifndef CRYOGRAPH_GRAPH_ELEMENT_NAME_H_
#define CRYOGRAPH_GRAPH_ELEMENT_NAME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace cryograph {

// "op", "op:1", "^op".
struct ElementName {
  std::string node;
  int port = 0;
  bool has_port = false;
  bool is_control = false;
};
// Blanks around it are dropped. InvalidArgument: "'a:b:c' is no name of a node or tensor".
absl::StatusOr<ElementName> ParseElementName(absl::string_view text);

// NotFound: "the graph has no node 'rleu'; did you mean 'relu'?". `where` stands for "the graph".
absl::Status NoSuchNode(Graph& graph, absl::string_view name, absl::string_view where = "the graph");

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_ELEMENT_NAME_H_
