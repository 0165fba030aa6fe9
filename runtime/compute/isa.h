// The instruction set that the hot loops run with.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_ISA_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_ISA_H_

namespace cryograph {
namespace compute {

enum class Isa { kSse2, kAvx2, kAvx512 };

// The best that the processor has, or a lesser one that the environment variable CRYOGRAPH_ISA names ("sse2",
// "avx2", "avx512"); looked up once. avx2 stands for avx2, fma and f16c together, avx512 for f, bw, dq and
// vl.
Isa ChosenIsa();

// Its name, as CRYOGRAPH_ISA takes it.
const char* IsaName(Isa isa);

// Which of the three variants of a function to call.
template <typename Function>
Function* ForChosenIsa(Function* sse2, Function* avx2, Function* avx512) {
  switch (ChosenIsa()) {
    case Isa::kAvx512:
      return avx512;
    case Isa::kAvx2:
      return avx2;
    case Isa::kSse2:
      break;
  }
  return sse2;
}

// Declares what a cc_isa_library defines: the same in the namespace of each instruction set.
#define CRYOGRAPH_FOR_EACH_ISA(...) \
  namespace sse2 {                  \
  __VA_ARGS__                       \
  }                                 \
  namespace avx2 {                  \
  __VA_ARGS__                       \
  }                                 \
  namespace avx512 {                \
  __VA_ARGS__                       \
  }

// The variant of a function that was declared so.
#define CRYOGRAPH_CHOSEN(function) ForChosenIsa(sse2::function, avx2::function, avx512::function)

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_ISA_H_
