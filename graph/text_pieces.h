// What the two ways of the text form share.
#ifndef CRYOGRAPH_GRAPH_TEXT_PIECES_H_
#define CRYOGRAPH_GRAPH_TEXT_PIECES_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "graph/wire_check.h"

namespace cryograph {

// The largest message that protobuf takes at once.
inline constexpr size_t kLargestPiece = std::numeric_limits<int32_t>::max() - 64;

const google::protobuf::Descriptor* DescriptorOfKind(MessageKind kind);
std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor* descriptor);

// True for a field that holds most of a model in one message: it is not taken as one piece, but field by
// field.
bool IsTakenApart(const google::protobuf::FieldDescriptor* field);

// True if the fields of the message are independent of each other (no oneof), so that each may be taken
// alone.
bool IsSplit(MessageKind kind);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_TEXT_PIECES_H_
