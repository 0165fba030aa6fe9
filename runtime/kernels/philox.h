// TensorFlow's random numbers: the generator Philox-4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random
// Numbers: As Easy as 1, 2, 3, 2011) and what is drawn from it.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_PHILOX_H_
#define CRYOGRAPH_RUNTIME_KERNELS_PHILOX_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "runtime/float16.h"

namespace cryograph {

class Philox {
 public:
  using Block = std::array<uint32_t, 4>;

  Philox() = default;
  Philox(std::array<uint32_t, 2> key, Block counter) : key_(key), counter_(counter) {}
  // As the stateful ops seed it.
  Philox(uint64_t seed, uint64_t seed2)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        counter_{0, 0, static_cast<uint32_t>(seed2), static_cast<uint32_t>(seed2 >> 32)} {}

  // The next four words.
  Block Next() {
    Block block = counter_;
    std::array<uint32_t, 2> key = key_;
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{block[0]} * 0xD2511F53u, b = uint64_t{block[2]} * 0xCD9E8D57u;
      block = {static_cast<uint32_t>(b >> 32) ^ block[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ block[3] ^ key[1], static_cast<uint32_t>(a)};
      key[0] += 0x9E3779B9u;
      key[1] += 0xBB67AE85u;
    }
    Skip(1);
    return block;
  }

  const std::array<uint32_t, 2>& key() const { return key_; }
  const Block& counter() const { return counter_; }

  // Passes over `blocks` blocks.
  void Skip(uint64_t blocks) {
    for (uint32_t& word : counter_) {
      const uint64_t sum = uint64_t{word} + (blocks & 0xffffffffu);
      word = static_cast<uint32_t>(sum);
      blocks = (blocks >> 32) + (sum >> 32);
    }
  }

 private:
  std::array<uint32_t, 2> key_{};
  Block counter_{};
};

// A number in [0, 1) of a word's low bits.
inline float UniformFloat(uint32_t word) {
  const uint32_t bits = (uint32_t{127} << 23) | (word & 0x7fffff);
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value - 1.0f;
}
inline double UniformDouble(uint32_t word0, uint32_t word1) {
  const uint64_t bits = (uint64_t{1023} << 52) | (uint64_t{word0 & 0xfffff} << 32) | word1;
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value - 1.0;
}
inline Half UniformHalf(uint32_t word) {
  return Half(static_cast<float>(Half::FromBits(static_cast<uint16_t>((15u << 10) | (word & 0x3ff)))) - 1.0f);
}
inline Bfloat16 UniformBfloat16(uint32_t word) {
  return Bfloat16(static_cast<float>(Bfloat16::FromBits(static_cast<uint16_t>((127u << 7) | (word & 0x7f)))) -
                  1.0f);
}

// Box and Muller's transform of two words into two normal numbers.
inline void NormalFloats(uint32_t word0, uint32_t word1, float* first, float* second) {
  const float u = std::fmax(UniformFloat(word0), 1.0e-7f);
  const float angle = static_cast<float>(2 * M_PI) * UniformFloat(word1);
  const float radius = std::sqrt(-2.0f * std::log(u));
  *first = std::sin(angle) * radius;
  *second = std::cos(angle) * radius;
}
inline void NormalDoubles(const Philox::Block& words, double* first, double* second) {
  const double u = std::fmax(UniformDouble(words[0], words[1]), 1.0e-7);
  const double angle = 2 * M_PI * UniformDouble(words[2], words[3]);
  const double radius = std::sqrt(-2.0 * std::log(u));
  *first = std::sin(angle) * radius;
  *second = std::cos(angle) * radius;
}

// Uniform and normal doubles one by one. Of the two that a block makes, the second comes first: TensorFlow's
// samplers take from the end of what they have drawn.
class UniformDoubles {
 public:
  explicit UniformDoubles(Philox* generator) : generator_(generator) {}
  double Next() {
    waiting_ = !waiting_;
    if (!waiting_) return UniformDouble(words_[0], words_[1]);
    words_ = generator_->Next();
    return UniformDouble(words_[2], words_[3]);
  }

 private:
  Philox* generator_;
  Philox::Block words_{};
  bool waiting_ = false;
};
class NormalDraws {
 public:
  explicit NormalDraws(Philox* generator) : generator_(generator) {}
  double Next() {
    waiting_ = !waiting_;
    if (!waiting_) return first_;
    double second;
    NormalDoubles(generator_->Next(), &first_, &second);
    return second;
  }

 private:
  Philox* generator_;
  double first_ = 0;
  bool waiting_ = false;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_PHILOX_H_
