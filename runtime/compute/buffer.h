// Memory for packed data and scratch: aligned for vectors, not initialised.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_BUFFER_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace cryograph {
namespace compute {

struct FreeBuffer {
  void operator()(void* buffer) const { std::free(buffer); }
};

// `count` elements (of a type without a constructor) on a 64-byte boundary; null when there is no memory.
template <typename T>
using Buffer = std::unique_ptr<T[], FreeBuffer>;

template <typename T>
Buffer<T> NewBuffer(int64_t count) {
  const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + 64) / 64 * 64;
  return Buffer<T>(static_cast<T*>(std::aligned_alloc(64, bytes)));
}

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_BUFFER_H_
