// From a node of a Graph to its serialized NodeDef, in pieces: large values stay where they are until
// written.
#ifndef CRYOGRAPH_GRAPH_NODE_ENCODER_H_
#define CRYOGRAPH_GRAPH_NODE_ENCODER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace cryograph {

class NodeEncoder {
 public:
  // `allow_defects`: a node is written whatever lint would say of it.
  NodeEncoder(Graph* graph, TensorForm form, bool allow_defects)
      : graph_(*graph), form_(form), allow_defects_(allow_defects) {}

  // Takes up `node`; size() and Write() then speak of it. InvalidArgument, naming the node, for a defect that
  // no reader would accept (an input that does not exist, a name that stands twice); errors of a value's
  // source.
  absl::Status Encode(Node node);

  uint64_t size() const { return size_; }    // Of the serialized NodeDef.
  absl::Status Write(ByteSink& sink) const;  // Appends exactly size() bytes.

 private:
  // Bytes of head_ from `begin` (bytes empty), bytes that lie elsewhere, or a value that is still to be
  // fetched.
  struct Piece {
    size_t begin = 0, end = 0;
    absl::string_view bytes;
    const TensorSource* source = nullptr;
  };

  absl::Status CheckDefects(Node node) const;
  bool WireStillTrue(NodeId id) const;
  std::string InputText(const InputEdge& edge) const;
  absl::Status AppendAttrs(const std::vector<Graph::AttrEntry>& attrs, absl::string_view node_name);
  void CloseHead();
  void AppendOutside(absl::string_view bytes);

  Graph& graph_;
  const TensorForm form_;
  const bool allow_defects_;
  std::string head_;
  size_t head_begin_ = 0;
  std::vector<Piece> pieces_;
  uint64_t size_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_NODE_ENCODER_H_
