// The protobuf wire format, read and written by hand: bounds-checked, 64-bit lengths, no recursion, no
// copies. Encoding: https://protobuf.dev/programming-guides/encoding/
#ifndef CRYOGRAPH_BASE_WIRE_H_
#define CRYOGRAPH_BASE_WIRE_H_

#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace cryograph {

enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

// One field of a message, as it stands in the bytes.
struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t varint = 0;      // kVarint: the value. kFixed32, kFixed64: the bits.
  absl::string_view bytes;  // kBytes: the payload. kStartGroup: what lies between the two tags.
  absl::string_view raw;    // Tag and all.
};

// Walks the fields of one message. Usage:
//   WireReader reader(bytes);
//   while (reader.Next(&field)) …
//   if (!reader.ok()) → DataLoss at reader.position()
class WireReader {
 public:
  explicit WireReader(absl::string_view bytes)
      : begin_(bytes.data()), cursor_(begin_), end_(begin_ + bytes.size()) {}

  // False at the end and at the first defect: tag 0 or above 2^29 - 1, an unknown wire type, an end without a
  // start, a varint of more than 10 bytes, a length beyond the end, groups nested deeper than 100.
  bool Next(WireField* field);

  bool ok() const { return ok_; }
  // Offset in the message of the next field; of the defective one if !ok().
  size_t position() const { return static_cast<size_t>(cursor_ - begin_); }

 private:
  bool Fail() {
    ok_ = false;
    return false;
  }

  const char* begin_;
  const char* cursor_;
  const char* end_;
  bool ok_ = true;
};

// Reads one varint from the front of `*bytes` and removes it. False if it is cut or longer than 10 bytes.
inline bool ReadVarint(absl::string_view* bytes, uint64_t* value) {
  uint64_t result = 0;
  for (size_t i = 0; i < bytes->size() && i < 10; ++i) {
    const uint8_t byte = static_cast<uint8_t>((*bytes)[i]);
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes->remove_prefix(i + 1);
      *value = result;
      return true;
    }
  }
  return false;
}

// Little-endian numbers at unaligned places.
inline uint32_t LoadFixed32(const char* bytes) {
  uint32_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}
inline uint64_t LoadFixed64(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}
inline void AppendFixed32(uint32_t value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}
inline void AppendFixed64(uint64_t value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

constexpr int VarintSize(uint64_t value) {
  int size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}
void AppendVarint(uint64_t value, std::string* out);

constexpr uint64_t WireTag(uint32_t number, WireType type) {
  return static_cast<uint64_t>(number) << 3 | static_cast<uint64_t>(type);
}
// Size of a length-delimited field with a payload of `payload` bytes.
constexpr uint64_t BytesFieldSize(uint32_t number, uint64_t payload) {
  return VarintSize(WireTag(number, WireType::kBytes)) + VarintSize(payload) + payload;
}
void AppendVarintField(uint32_t number, uint64_t value, std::string* out);
void AppendFixed32Field(uint32_t number, uint32_t bits, std::string* out);
void AppendBytesField(uint32_t number, absl::string_view payload, std::string* out);
// Tag and length alone: the payload follows from elsewhere.
void AppendBytesHeader(uint32_t number, uint64_t payload_size, std::string* out);

// True if `text` is well-formed UTF-8 (no surrogates, no overlong forms), as proto3 `string` fields must be.
bool IsUtf8(absl::string_view text);

// Appends a code point, which is at most 0x10ffff and no surrogate, as UTF-8.
void AppendUtf8(uint32_t code, std::string* out);

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_WIRE_H_
