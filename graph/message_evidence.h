// How much speaks for bytes being one message or another, whole or cut: for telling what a file is.
#ifndef CRYOGRAPH_GRAPH_MESSAGE_EVIDENCE_H_
#define CRYOGRAPH_GRAPH_MESSAGE_EVIDENCE_H_

#include "absl/strings/string_view.h"

namespace cryograph {

// Points for `bytes` being that message, by the first fields at every level: above zero if something speaks
// for it, below if something cannot be there. Bytes that end in the middle of a field are judged by what is
// there.
int GraphScore(absl::string_view bytes);
int MetaGraphScore(absl::string_view bytes);
int SavedModelScore(absl::string_view bytes);
int SaverScore(absl::string_view bytes);
int CheckpointStateScore(absl::string_view bytes);

// ONNX's ModelProto.
bool IsOnnx(absl::string_view bytes);

// True if field 1 of field 1 … of `bytes`, `depth` levels down, is printable text: a table of named things.
bool HasNamedElement(absl::string_view bytes, int depth);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_MESSAGE_EVIDENCE_H_
