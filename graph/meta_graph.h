// What a MetaGraphDef says beside its graph, as a message to read and to change.
#ifndef CRYOGRAPH_GRAPH_META_GRAPH_H_
#define CRYOGRAPH_GRAPH_META_GRAPH_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "graph/model.h"
#include "graph/proto/meta_graph.pb.h"

namespace cryograph {

// The MetaGraphDef of a model without its graph_def; empty for a plain GraphDef. DataLoss if it is too large
// to be a message.
absl::StatusOr<tensorflow::MetaGraphDef> MetaGraphOf(const Model& model);

// Makes `meta_graph` (whose graph_def is ignored) what the model says beside its graph: maps sorted, unknown
// fields kept.
void SetMetaGraph(tensorflow::MetaGraphDef meta_graph, Model* model);

// The serialized message with maps sorted by key.
std::string DeterministicBytes(const google::protobuf::Message& message);

// The node of a tensor or control name: "^a" and "a:1" are of "a".
absl::string_view NodeOfTensor(absl::string_view tensor);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_META_GRAPH_H_
