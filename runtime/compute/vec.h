// Vectors of the width that the instruction set has, for the sources that are compiled once for each of them
// (cc_isa_library). Arithmetic is by the operators of GCC's vector extension; a * b + c becomes one rounding
// where the instruction set has it.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_VEC_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_VEC_H_

#include <cstdint>
#include <cstring>

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
constexpr int kRegisters = 16;
#else
constexpr int kVectorBytes = 16;
constexpr int kRegisters = 16;
#endif

template <typename T>
struct VecOf {
  typedef T Type __attribute__((vector_size(kVectorBytes)));
};
template <typename T>
using Vec = typename VecOf<T>::Type;

template <typename T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <typename T>
[[gnu::always_inline]] inline Vec<T> Load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

template <typename T>
[[gnu::always_inline]] inline void Store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof(v));
}

template <typename T>
[[gnu::always_inline]] inline Vec<T> Splat(T x) {
  return x - Vec<T>{};  // x - 0 is x, also for -0.
}

// Of the first `count` elements; the other lanes are zero. Reads nothing behind them.
template <typename T>
[[gnu::always_inline]] inline Vec<T> LoadFirst(const T* from, int64_t count) {
  Vec<T> v = {};
  std::memcpy(&v, from, static_cast<size_t>(count) * sizeof(T));
  return v;
}

template <typename T>
[[gnu::always_inline]] inline void StoreFirst(T* to, Vec<T> v, int64_t count) {
  std::memcpy(to, &v, static_cast<size_t>(count) * sizeof(T));
}

// The greater (smaller) of both; b where either is NaN, and when both are zeros.
template <typename V>
[[gnu::always_inline]] inline V Max(V a, V b) {
  return a > b ? a : b;
}
template <typename V>
[[gnu::always_inline]] inline V Min(V a, V b) {
  return a < b ? a : b;
}

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_VEC_H_
