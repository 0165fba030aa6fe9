// Hashes of strings, the same on every machine and in every release.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_STRING_HASH_H_
#define CRYOGRAPH_RUNTIME_KERNELS_STRING_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace cryograph {

// SipHash-2-4: https://www.aumasson.jp/siphash/siphash.pdf
uint64_t SipHash(uint64_t key0, uint64_t key1, absl::string_view bytes);
// FarmHash's.
uint64_t Fingerprint64(absl::string_view bytes);
// Of two fingerprints, in this order.
uint64_t FingerprintPair(uint64_t first, uint64_t second);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_STRING_HASH_H_
