// From serialized NodeDefs to the nodes of a Graph: the part that main graphs and function bodies share.
#ifndef CRYOGRAPH_GRAPH_NODE_IMPORT_H_
#define CRYOGRAPH_GRAPH_NODE_IMPORT_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace cryograph {

class NodeImporter {
 public:
  // `graph` must be empty (but for AddCopy) and outlive the importer.
  explicit NodeImporter(Graph* graph) : graph_(*graph) {}

  // Makes the graph a function body, in which an input is "argument" or "node:out_arg:index".
  void SetFunction() { graph_.is_function_ = true; }
  void AddArgument(absl::string_view name);

  // Fills the graph from serialized NodeDefs that stay alive as long as the graph and whose framing was
  // checked.
  void AddNodes(const std::vector<absl::string_view>& nodes);

  // A node of that name with the op, the device and the attributes of `of`, a node of another graph, and with
  // what else its NodeDef holds, but without inputs. All bytes are shared, and kept alive. Errors as
  // Graph::AddNode().
  absl::StatusOr<Node> AddCopy(absl::string_view name, Node of);

 private:
  void AddInput(NodeId node, absl::string_view text);

  Graph& graph_;
  const Graph* copied_from_ = nullptr;  // Whose bytes are kept alive already.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_NODE_IMPORT_H_
