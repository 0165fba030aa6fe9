// The two 16-bit floating-point types. They only convert: arithmetic is done in float and rounded once.
#ifndef CRYOGRAPH_RUNTIME_FLOAT16_H_
#define CRYOGRAPH_RUNTIME_FLOAT16_H_

#include <cstdint>
#include <cstring>

namespace cryograph {

namespace float16_internal {

inline uint32_t Bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline float FromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace float16_internal

// IEEE binary16.
struct Half {
  uint16_t bits = 0;

  Half() = default;
  // Rounds to nearest even; too large is infinite.
  Half(float value) : bits(Round(value)) {}  // NOLINT: converts like the built-in types.
  operator float() const {                   // NOLINT
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
    const uint32_t magnitude = bits & 0x7fff;
    if (magnitude >= 0x7c00) {
      return float16_internal::FromBits(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    }
    if (magnitude >= 0x400) return float16_internal::FromBits(sign | ((magnitude << 13) + (112u << 23)));
    const float small = static_cast<float>(magnitude) * 5.9604644775390625e-8f;  // 2^-24
    return float16_internal::FromBits(sign | float16_internal::Bits(small));
  }
  static Half FromBits(uint16_t bits) {
    Half half;
    half.bits = bits;
    return half;
  }

 private:
  static uint16_t Round(float value) {
    const uint32_t all = float16_internal::Bits(value);
    const uint16_t sign = static_cast<uint16_t>(all >> 16 & 0x8000);
    const uint32_t magnitude = all & 0x7fffffff;
    if (magnitude > 0x7f800000) return sign | 0x7e00;   // NaN
    if (magnitude >= 0x477ff000) return sign | 0x7c00;  // From 65520 on: infinite.
    if (magnitude < 0x38800000) {
      // Subnormal: adding 0.5 lets the addition round, since the last bit of 0.5f + x is worth 2^-24.
      const float sum = float16_internal::FromBits(magnitude) + 0.5f;
      return sign | static_cast<uint16_t>(float16_internal::Bits(sum) - 0x3f000000);
    }
    const uint32_t odd = magnitude >> 13 & 1;
    return sign | static_cast<uint16_t>((magnitude - (112u << 23) + 0xfff + odd) >> 13);
  }
};

// The upper half of a float.
struct Bfloat16 {
  uint16_t bits = 0;

  Bfloat16() = default;
  // Rounds to nearest even.
  Bfloat16(float value) : bits(Round(value)) {}  // NOLINT
  operator float() const {                       // NOLINT
    return float16_internal::FromBits(static_cast<uint32_t>(bits) << 16);
  }
  static Bfloat16 FromBits(uint16_t bits) {
    Bfloat16 value;
    value.bits = bits;
    return value;
  }

 private:
  static uint16_t Round(float value) {
    const uint32_t all = float16_internal::Bits(value);
    if ((all & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(all >> 16 & 0x8000) | 0x7fc0;
    return static_cast<uint16_t>((all + 0x7fff + (all >> 16 & 1)) >> 16);
  }
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_FLOAT16_H_
