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

}  // namespace cryograph
