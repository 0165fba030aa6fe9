// StatelessRandomGetAlg, StatelessRandomGetKeyCounter, StatelessRandomGetKeyCounterAlg.
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

absl::Status GetAlgorithm(KernelContext& context) {
  return context.SetScalarOutput<int32_t>(0, kPhiloxAlgorithm);
}
CRYOGRAPH_KERNEL_FUNCTION(GetAlgorithm, "StatelessRandomGetAlg");

absl::Status GetKeyCounter(KernelContext& context) {
  ASSIGN_OR_RETURN(const Philox generator, GeneratorOfSeed(context.input(0)));
  ASSIGN_OR_RETURN(Value * key, context.AllocateOutput(0, {1}));
  ASSIGN_OR_RETURN(Value * counter, context.AllocateOutput(1, {2}));
  const auto join = [](uint32_t low, uint32_t high) { return low | uint64_t{high} << 32; };
  *key->mutable_data<uint64_t>() = join(generator.key()[0], generator.key()[1]);
  for (size_t i = 0; i < 2; ++i) {
    counter->mutable_data<uint64_t>()[i] = join(generator.counter()[2 * i], generator.counter()[2 * i + 1]);
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(GetKeyCounter, "StatelessRandomGetKeyCounter");

absl::Status GetKeyCounterAlgorithm(KernelContext& context) {
  RETURN_IF_ERROR(GetKeyCounter(context));
  return context.SetScalarOutput<int32_t>(2, kPhiloxAlgorithm);
}
CRYOGRAPH_KERNEL_FUNCTION(GetKeyCounterAlgorithm, "StatelessRandomGetKeyCounterAlg");

}  // namespace
}  // namespace cryograph
