#include "runtime/compute/isa.h"

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace cryograph {
namespace compute {
namespace {

Isa BestOfProcessor() {
#if defined(__x86_64__)
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return Isa::kAvx512;
  }
  if (avx2) return Isa::kAvx2;
#endif
  return Isa::kSse2;
}

Isa Choose() {
  Isa isa = BestOfProcessor();
  const char* limit = std::getenv("CRYOGRAPH_ISA");
  if (limit == nullptr) return isa;
  for (Isa lesser : {Isa::kSse2, Isa::kAvx2}) {
    if (std::strcmp(limit, IsaName(lesser)) == 0 && lesser < isa) isa = lesser;
  }
  return isa;
}

}  // namespace

Isa ChosenIsa() {
  static const Isa isa = Choose();
  return isa;
}

const char* IsaName(Isa isa) {
  switch (isa) {
    case Isa::kSse2:
      return "sse2";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "";
}

}  // namespace compute
}  // namespace cryograph
