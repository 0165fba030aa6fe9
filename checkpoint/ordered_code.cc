#include "checkpoint/ordered_code.h"

namespace cryograph {

void AppendOrderedNumber(uint64_t value, std::string* out) {
  char size = 0;
  for (uint64_t rest = value; rest != 0; rest >>= 8) ++size;
  out->push_back(size);
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

void AppendOrderedSigned(int64_t value, std::string* out) {
  // n bytes hold 7n bits, sign included. The first two bytes of the two's complement are xored with n one
  // bits and a zero (of which the sign bit is the first), so that longer numbers lie further out on either
  // side.
  const uint64_t magnitude = static_cast<uint64_t>(value < 0 ? ~value : value);
  int size = 1;
  while (size < 10 && (magnitude >> (7 * size - 1)) != 0) ++size;
  const uint32_t mask = ~uint32_t{0} << (16 - size) & 0xffff;
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (size - 1 - i);
    uint8_t byte = shift >= 64 ? (value < 0 ? 0xff : 0) : static_cast<uint8_t>(value >> shift);
    if (i == 0) byte ^= static_cast<uint8_t>(mask >> 8);
    if (i == 1) byte ^= static_cast<uint8_t>(mask);
    out->push_back(static_cast<char>(byte));
  }
}

void AppendOrderedString(absl::string_view value, std::string* out) {
  for (const char c : value) {
    out->push_back(c);
    if (c == '\0') out->push_back('\xff');
    if (c == '\xff') out->push_back('\0');
  }
  out->append("\0\x01", 2);
}

std::string SliceKey(absl::string_view name, absl::Span<const SliceExtent> slice) {
  std::string key;
  AppendOrderedNumber(0, &key);
  AppendOrderedString(name, &key);
  AppendOrderedNumber(slice.size(), &key);
  for (const SliceExtent& extent : slice) {
    AppendOrderedSigned(extent.start, &key);
    AppendOrderedSigned(extent.length, &key);
  }
  return key;
}

}  // namespace cryograph
