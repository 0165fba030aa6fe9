// The type in which a kernel computes with elements of a type.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_ARITHMETIC_H_
#define CRYOGRAPH_RUNTIME_KERNELS_ARITHMETIC_H_

#include <complex>
#include <cstdint>
#include <type_traits>

#include "runtime/float16.h"

namespace cryograph {

// What arithmetic on T is done in: float for the 16-bit types, unsigned integers for integers, since these
// wrap, else T itself.
template <typename T>
using Arithmetic = std::conditional_t<
    std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>, float,
    std::conditional_t<std::is_integral_v<T>, std::conditional_t<(sizeof(T) > 4), uint64_t, uint32_t>, T>>;

template <typename T>
inline constexpr bool IsComplexNumber = false;
template <typename F>
inline constexpr bool IsComplexNumber<std::complex<F>> = true;

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_ARITHMETIC_H_
