#include "base/wire_field.h"

#include "base/wire.h"

namespace cryograph {

absl::string_view BytesField(absl::string_view message, uint32_t number) {
  absl::string_view payload;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) payload = field.bytes;
  }
  return payload;
}

std::pair<absl::string_view, absl::string_view> MapEntry(absl::string_view entry) {
  std::pair<absl::string_view, absl::string_view> key_and_value;
  WireReader reader(entry);
  for (WireField field; reader.Next(&field);) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == 1) key_and_value.first = field.bytes;
    if (field.number == 2) key_and_value.second = field.bytes;
  }
  return key_and_value;
}

}  // namespace cryograph
