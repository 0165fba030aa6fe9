// Single fields of a message that nobody needs to decode as a whole.
#ifndef CRYOGRAPH_BASE_WIRE_FIELD_H_
#define CRYOGRAPH_BASE_WIRE_FIELD_H_

#include <cstdint>
#include <utility>

#include "absl/strings/string_view.h"

namespace cryograph {

// The payload of the length-delimited field with this number, a view of `message`: the last one where it
// stands several times, as a parser of protobuf takes it; empty where it is missing, of another wire type, or
// comes after bytes that are no message.
absl::string_view BytesField(absl::string_view message, uint32_t number);

// Key and value of an entry of a map<string, bytes or message>, views of `entry`; empty where they are
// missing.
std::pair<absl::string_view, absl::string_view> MapEntry(absl::string_view entry);

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_WIRE_FIELD_H_
