// Holds serialized messages against their schema before anything else reads them.
#ifndef CRYOGRAPH_GRAPH_WIRE_CHECK_H_
#define CRYOGRAPH_GRAPH_WIRE_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cryograph {

// The messages that stand alone in a file, in a table's entry, or as a slice of a graph.
enum class MessageKind {
  kGraphDef,
  kMetaGraphDef,
  kSavedModel,
  kNodeDef,
  kFunctionDef,
  kFunctionDefLibrary,
  kAttrValue,
  kTensorProto,
  kSaverDef,
  kCheckpointState,
  kBundleHeaderProto,
  kBundleEntryProto,
  kSavedTensorSlices,
  kTrackableObjectGraph,
  kChunkMetadata,
  kMemmappedFileSystemDirectory,
};

// "GraphDef", "MetaGraphDef" …: the message's own name.
absl::string_view MessageKindName(MessageKind kind);

// OK if `bytes` is a well-formed message of that kind at every depth: framing, the wire type of known fields
// (repeated numbers packed or not), UTF-8 in `string` fields, at most 100 levels of nesting. Unknown fields
// are skipped, lengths may pass 2 GB, payloads of `bytes` fields are not touched. DataLoss otherwise: `where`
// (a file's name, say), the path of the defect ("node[3].attr[0].value") and its byte offset.
absl::Status CheckWire(absl::string_view bytes, MessageKind kind, absl::string_view where);

// Place and number of the first field that the schema does not know ("node[3]: field 100"); "" if every field
// at every depth is known. `bytes` must have passed CheckWire.
std::string FirstUnknownField(absl::string_view bytes, MessageKind kind);

// True if `bytes` would pass CheckWire, without the cost of saying why not.
bool IsWireValid(absl::string_view bytes, MessageKind kind);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_WIRE_CHECK_H_
