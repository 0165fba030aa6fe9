// How many numbers of a type one block of the generator makes, and which.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_RANDOM_DRAWS_H_
#define CRYOGRAPH_RUNTIME_KERNELS_RANDOM_DRAWS_H_

#include <cstddef>
#include <type_traits>

#include "runtime/float16.h"
#include "runtime/kernels/philox.h"

namespace cryograph {

// Four of 16 and 32 bits, two of 64.
template <typename T>
inline constexpr size_t kDraws = sizeof(T) == 8 ? 2 : 4;

// In [0, 1).
template <typename T>
void DrawUniforms(const Philox::Block& words, T* out) {
  if constexpr (std::is_same_v<T, double>) {
    out[0] = UniformDouble(words[0], words[1]);
    out[1] = UniformDouble(words[2], words[3]);
  } else {
    for (size_t i = 0; i < 4; ++i) {
      if constexpr (std::is_same_v<T, Half>) {
        out[i] = UniformHalf(words[i]);
      } else if constexpr (std::is_same_v<T, Bfloat16>) {
        out[i] = UniformBfloat16(words[i]);
      } else {
        out[i] = UniformFloat(words[i]);
      }
    }
  }
}

// Of mean 0 and variance 1; computed in float for the 16-bit types.
template <typename T>
void DrawNormals(const Philox::Block& words, T* out) {
  if constexpr (std::is_same_v<T, double>) {
    NormalDoubles(words, &out[0], &out[1]);
  } else {
    float normals[4];
    NormalFloats(words[0], words[1], &normals[0], &normals[1]);
    NormalFloats(words[2], words[3], &normals[2], &normals[3]);
    for (size_t i = 0; i < 4; ++i) out[i] = static_cast<T>(normals[i]);
  }
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_RANDOM_DRAWS_H_
