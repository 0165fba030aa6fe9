#include "base/highway_hash.h"

#include <algorithm>
#include <cstring>

namespace cryograph {
namespace {

// Digits of pi, as the paper gives them.
constexpr std::array<uint64_t, 4> kInit0 = {0xdbe6d5d5fe4cce2f, 0xa4093822299f31d0, 0x13198a2e03707344,
                                            0x243f6a8885a308d3};
constexpr std::array<uint64_t, 4> kInit1 = {0x3bd39e10cb0ef593, 0xc0acf169b5f18a8c, 0xbe5466cf34e90c6c,
                                            0x452821e638d01377};

constexpr uint64_t SwapHalves(uint64_t lane) { return lane >> 32 | lane << 32; }
constexpr uint64_t Byte(uint64_t lane, int index) { return lane >> (8 * index) & 0xff; }

// The bytes of a pair of lanes in the order that mixes the well and the badly mixed bytes of a product.
uint64_t ZipLow(uint64_t odd, uint64_t even) {
  return Byte(even, 3) | Byte(odd, 4) << 8 | Byte(even, 2) << 16 | Byte(even, 5) << 24 | Byte(odd, 6) << 32 |
         Byte(even, 1) << 40 | Byte(odd, 7) << 48 | Byte(even, 0) << 56;
}
uint64_t ZipHigh(uint64_t odd, uint64_t even) {
  return Byte(odd, 3) | Byte(even, 4) << 8 | Byte(odd, 2) << 16 | Byte(odd, 5) << 24 | Byte(odd, 1) << 32 |
         Byte(even, 6) << 40 | Byte(odd, 0) << 48 | Byte(even, 7) << 56;
}

// Adds to `to` what the zipper makes of `from`.
void ZipAdd(const std::array<uint64_t, 4>& from, std::array<uint64_t, 4>* to) {
  for (size_t i = 0; i < 4; i += 2) {
    (*to)[i] += ZipLow(from[i + 1], from[i]);
    (*to)[i + 1] += ZipHigh(from[i + 1], from[i]);
  }
}

}  // namespace

HighwayHash64::HighwayHash64(const Key& key) : mul0_(kInit0), mul1_(kInit1) {
  for (size_t i = 0; i < 4; ++i) {
    v0_[i] = kInit0[i] ^ key[i];
    v1_[i] = kInit1[i] ^ SwapHalves(key[i]);
  }
}

void HighwayHash64::Update(const Lanes& packet) {
  for (size_t i = 0; i < 4; ++i) {
    v1_[i] += mul0_[i] + packet[i];
    mul0_[i] ^= (v1_[i] & 0xffffffff) * (v0_[i] >> 32);
    v0_[i] += mul1_[i];
    mul1_[i] ^= (v0_[i] & 0xffffffff) * (v1_[i] >> 32);
  }
  ZipAdd(v1_, &v0_);
  ZipAdd(v0_, &v1_);
}

void HighwayHash64::UpdateBytes(const char* packet) {
  Lanes lanes;
  std::memcpy(lanes.data(), packet, sizeof(lanes));
  Update(lanes);
}

void HighwayHash64::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (rest_size_ == 0 && bytes.size() >= sizeof(rest_)) {
      UpdateBytes(bytes.data());
      bytes.remove_prefix(sizeof(rest_));
      continue;
    }
    const size_t taken = std::min(bytes.size(), sizeof(rest_) - rest_size_);
    std::memcpy(rest_ + rest_size_, bytes.data(), taken);
    rest_size_ += taken;
    bytes.remove_prefix(taken);
    if (rest_size_ < sizeof(rest_)) return;
    UpdateBytes(rest_);
    rest_size_ = 0;
  }
}

// The last, incomplete packet: its length goes into the state, its last bytes to fixed places of the packet.
void HighwayHash64::UpdateRest() {
  const uint64_t size = rest_size_;
  for (size_t i = 0; i < 4; ++i) {
    v0_[i] += (size << 32) + size;
    const uint32_t halves[] = {static_cast<uint32_t>(v1_[i]), static_cast<uint32_t>(v1_[i] >> 32)};
    const auto rotate = [&](uint32_t half) -> uint64_t { return half << size | half >> (32 - size); };
    v1_[i] = rotate(halves[0]) | rotate(halves[1]) << 32;
  }
  char packet[32] = {};
  const size_t whole = rest_size_ & ~size_t{3}, left = rest_size_ & 3;
  std::memcpy(packet, rest_, whole);
  if ((rest_size_ & 16) != 0) {
    std::memcpy(packet + 28, rest_ + rest_size_ - 4, 4);
  } else if (left != 0) {
    packet[16] = rest_[whole];
    packet[17] = rest_[whole + left / 2];
    packet[18] = rest_[whole + left - 1];
  }
  UpdateBytes(packet);
}

uint64_t HighwayHash64::Finish() {
  if (rest_size_ != 0) UpdateRest();
  for (int round = 0; round < 4; ++round) {
    Update({SwapHalves(v0_[2]), SwapHalves(v0_[3]), SwapHalves(v0_[0]), SwapHalves(v0_[1])});
  }
  return v0_[0] + v1_[0] + mul0_[0] + mul1_[0];
}

}  // namespace cryograph
