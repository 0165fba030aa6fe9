// CRC-32C (Castagnoli), the checksum of checkpoints, and the disguise under which files store it.
#ifndef CRYOGRAPH_CHECKPOINT_CRC32C_H_
#define CRYOGRAPH_CHECKPOINT_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace cryograph {

// The checksum of what `crc` covers followed by `bytes`; 0 covers nothing. "123456789" has 0xe3069283.
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes);

inline uint32_t Crc32c(absl::string_view bytes) { return ExtendCrc32c(0, bytes); }

// The checksum of two pieces, one behind the other, from those of each; `second_bytes` is the second one's
// size.
uint32_t CombineCrc32c(uint32_t first, uint32_t second, uint64_t second_bytes);

// Files store a rotated sum, since the checksum of bytes that hold their own checksum is a constant.
constexpr uint32_t kCrcMaskDelta = 0xa282ead8;
constexpr uint32_t MaskCrc(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + kCrcMaskDelta; }
constexpr uint32_t UnmaskCrc(uint32_t masked) {
  const uint32_t rotated = masked - kCrcMaskDelta;
  return (rotated >> 17) | (rotated << 15);
}

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_CRC32C_H_
