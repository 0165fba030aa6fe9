#include "checkpoint/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace cryograph {
namespace {

// Polynomials over GF(2) as bits, the highest power lowest: 1 is the top bit.
constexpr uint32_t kOne = 0x80000000;
constexpr uint32_t kPolynomial = 0x82f63b78;

uint32_t TimesX(uint32_t a) { return (a & 1) != 0 ? (a >> 1) ^ kPolynomial : a >> 1; }

uint32_t Product(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = TimesX(b);
  }
  return product;
}

}  // namespace

// A checksum is a remainder, and so many bytes behind a piece multiply it by x^(8 * bytes). The inversions at
// the begin and the end of each piece cancel out.
uint32_t CombineCrc32c(uint32_t first, uint32_t second, uint64_t second_bytes) {
  uint32_t shift = kOne;
  uint32_t power = kOne >> 8;  // x^8, squared for each bit of the size.
  for (uint64_t bits = second_bytes; bits != 0; bits >>= 1) {
    if ((bits & 1) != 0) shift = Product(shift, power);
    power = Product(power, power);
  }
  return Product(shift, first) ^ second;
}

uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes) {
  // ISA-L counts in int, takes the buffer as not const (it only reads), and leaves the final inversion to the
  // caller.
  constexpr size_t kMaxPiece = size_t{1} << 30;
  uint32_t state = ~crc;
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kMaxPiece);
    auto* const piece = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    state = crc32_iscsi(piece, static_cast<int>(size), state);
    bytes.remove_prefix(size);
  }
  return ~state;
}

}  // namespace cryograph
