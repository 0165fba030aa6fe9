// The node names that a MetaGraph holds beside its graph, changed together with the nodes.
#ifndef CRYOGRAPH_GRAPH_META_GRAPH_NAMES_H_
#define CRYOGRAPH_GRAPH_META_GRAPH_NAMES_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "graph/proto/meta_graph.pb.h"

namespace cryograph {

// The new name of a node; nothing if it is gone. Names of control flow contexts and of partitioned variables,
// which are none of nodes, are mapped, too, but stay as they are where there is nothing.
using NameMap = std::function<std::optional<std::string>(absl::string_view name)>;

// "w:0", "^w" and "w" with the node's name mapped; nothing if the node is gone.
std::optional<std::string> MapTensorName(const NameMap& map, absl::string_view tensor);

// Maps every name of a node in saver_def, collections (VariableDefs, contexts of control flow, queue runners,
// savers, node lists), signatures and assets. What speaks of a node that is gone goes: an element of a
// collection, a signature, an asset, the saver. Collections that become empty go, too. Bytes that are none of
// these stay as they are.
void MapNames(const NameMap& map, tensorflow::MetaGraphDef* meta_graph);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_META_GRAPH_NAMES_H_
