// Puts the chunks of a .cpb file together: the container for SavedModels that are too large for one message.
// The file is a record file (base/record_file.h); its last record, a ChunkMetadata, says which chunk belongs
// where.
#ifndef CRYOGRAPH_GRAPH_CHUNKED_MESSAGE_H_
#define CRYOGRAPH_GRAPH_CHUNKED_MESSAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

// The serialized SavedModel that the chunks of `file` make. What protobuf cannot hold, a message over 2 GiB,
// is no obstacle. `where` (the file's name) opens every message. The result is not checked against the
// schema: CheckWire does.
//
// DataLoss, with the byte offset or the path in the message, for a damaged file, a chunk index or a path that
// leads nowhere, an element far beyond the end of its list, a chunk that is used twice, and paths deeper than
// 100 levels. FailedPrecondition: the file says that we cannot join it. Unimplemented: records in a form that
// is not read.
absl::StatusOr<std::string> JoinChunks(absl::string_view file, absl::string_view where);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_CHUNKED_MESSAGE_H_
