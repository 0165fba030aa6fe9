// From a Model to the text form of a GraphDef, node by node.
#ifndef CRYOGRAPH_GRAPH_EXPORT_TEXT_H_
#define CRYOGRAPH_GRAPH_EXPORT_TEXT_H_

#include "absl/status/status.h"
#include "base/byte_sink.h"
#include "graph/export.h"
#include "graph/model.h"

namespace cryograph {

// Writes what protobuf would print for the GraphDef that ExportGraphDef writes; memory for one node at a
// time. InvalidArgument if there are unknown fields, which text cannot hold, unless `drop_unknown_fields`.
absl::Status ExportGraphDefText(Model& model, ByteSink& sink, bool drop_unknown_fields = false,
                                const ExportOptions& options = {});

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_EXPORT_TEXT_H_
