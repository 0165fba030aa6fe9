// The text form of messages (.pbtxt), both ways, one top-level field at a time: a graph past 2 GB is no
// obstacle, and neither is a text of many gigabytes. What one field of it says is protobuf's own TextFormat.
#ifndef CRYOGRAPH_GRAPH_TEXT_H_
#define CRYOGRAPH_GRAPH_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/wire_check.h"

namespace cryograph {

// The serialized message that `text` describes: maps sorted by key, fields in the order of their numbers.
// InvalidArgument "where:line:column: …" for what protobuf's parser refuses: unknown fields and enum names, a
// singular field given twice, two members of a oneof, numbers out of range, text that is not UTF-8, nesting
// beyond 100 levels. A byte-order mark at the start is skipped. Fields of 2 GB and more are refused, the
// whole may be larger.
absl::StatusOr<std::string> MessageFromText(MessageKind kind, absl::string_view text,
                                            absl::string_view where);

inline absl::StatusOr<std::string> GraphDefFromText(absl::string_view text, absl::string_view where) {
  return MessageFromText(MessageKind::kGraphDef, text, where);
}

// The text of a message, as protobuf prints it: two spaces of indentation, maps sorted by key, bytes in
// octal. DataLoss if `bytes` is no message of that kind. Text cannot hold unknown fields: InvalidArgument if
// there are any, unless they shall be dropped.
absl::StatusOr<std::string> MessageToText(MessageKind kind, absl::string_view bytes,
                                          bool drop_unknown_fields = false);

// Appends the text of a NodeDef as it stands in a GraphDef: "node {\n  name: …}\n". Errors as MessageToText.
absl::Status AppendNodeText(absl::string_view node_def, bool drop_unknown_fields, std::string* out);

// Appends the text of some fields of a message of that kind (their raw bytes, tags and all), `indent` levels
// deep. What MessageToText does for a whole message, for those who stream. Errors as MessageToText.
absl::Status AppendFieldsText(MessageKind kind, absl::string_view fields, int indent,
                              bool drop_unknown_fields, std::string* out);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_TEXT_H_
