// HighwayHash, the keyed hash of 64 bits that guards record files (base/record_file_reader.h).
// Definition: J. Alakuijala, B. Cox, J. Wassenberg, "Fast keyed hash/pseudo-random function using SIMD
// multiply and permute", https://arxiv.org/abs/1612.06257
#ifndef CRYOGRAPH_BASE_HIGHWAY_HASH_H_
#define CRYOGRAPH_BASE_HIGHWAY_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace cryograph {

// Hashes bytes that come in pieces. Usage: Append … Append, then Finish() once.
class HighwayHash64 {
 public:
  using Key = std::array<uint64_t, 4>;
  explicit HighwayHash64(const Key& key);

  void Append(absl::string_view bytes);
  // The hash of all bytes so far. The object is used up.
  uint64_t Finish();

 private:
  using Lanes = std::array<uint64_t, 4>;
  void Update(const Lanes& packet);
  void UpdateBytes(const char* packet);
  void UpdateRest();

  Lanes v0_, v1_, mul0_, mul1_;
  char rest_[32];  // Bytes that do not fill a packet yet.
  size_t rest_size_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_HIGHWAY_HASH_H_
