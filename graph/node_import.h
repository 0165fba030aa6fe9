// From serialized NodeDefs to the nodes of a Graph: the part that main graphs and function bodies share.
#ifndef CRYOGRAPH_GRAPH_NODE_IMPORT_H_
#define CRYOGRAPH_GRAPH_NODE_IMPORT_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace cryograph {

class NodeImporter {
 public:
  // `graph` must be empty and outlive the importer.
  explicit NodeImporter(Graph* graph) : graph_(*graph) {}

  // Makes the graph a function body, in which an input is "argument" or "node:out_arg:index".
  void SetFunction() { graph_.is_function_ = true; }
  void AddArgument(absl::string_view name);

  // Fills the graph from serialized NodeDefs that stay alive as long as the graph and whose framing was
  // checked.
  void AddNodes(const std::vector<absl::string_view>& nodes);

 private:
  void AddInput(NodeId node, absl::string_view text);

  Graph& graph_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_NODE_IMPORT_H_
