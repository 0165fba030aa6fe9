#include "checkpoint/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace cryograph {

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
