// RandomGamma, StatelessRandomGammaV2, StatelessRandomGammaV3.
#include <cmath>

#include "absl/strings/match.h"
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_samples.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

// One number of the gamma distribution of shape alpha and rate 1. Marsaglia and Tsang, A Simple Method for
// Generating Gamma Variables (2000): accept d (1 + c x)^3 of a normal x; below alpha = 1, that of alpha + 1
// times u^(1/alpha).
double DrawGamma(double alpha, Philox generator) {
  UniformDoubles uniform(&generator);
  if (alpha == 1.0) return -std::log1p(-uniform.Next());
  NormalDraws normal(&generator);
  const bool boosted = alpha < 1;
  const double d = alpha + (boosted ? 2.0 / 3 : -1.0 / 3);
  const double c = 1.0 / 3 / std::sqrt(d);
  // A chance of 0.95 or more each time; the bound only matters when alpha is no number.
  for (int attempt = 0; attempt < 10000; ++attempt) {
    const double x = normal.Next();
    double v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    const double u = uniform.Next();
    if (u < 1 - 0.0331 * (x * x) * (x * x) || std::log(u) < 0.5 * x * x + d * (1 - v + std::log(v))) {
      return boosted ? d * v * std::pow(uniform.Next(), 1 / alpha) : d * v;
    }
  }
  return std::nan("");
}

class RandomGammaKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& alpha = context.input(1);
    ASSIGN_OR_RETURN(const SampleShape shape, SampleShape::Before(context.input(0), alpha));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape.output));
    ASSIGN_OR_RETURN(const Philox generator,
                     Reserve(context, kBlocksForSample * static_cast<uint64_t>(output->num_elements())));
    return FillSamples(context, alpha, shape.samples, generator, output, DrawGamma);
  }
};
CRYOGRAPH_KERNEL(RandomGammaKernel, "RandomGamma");

// Inputs: the shape of the output, which ends in alpha's; the seed, or key, counter and alg (V3); alpha.
class StatelessRandomGammaKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    keyed_ = absl::EndsWith(node.op(), "V3");
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& alpha = context.input(keyed_ ? 4 : 2);
    ASSIGN_OR_RETURN(const SampleShape shape, SampleShape::Whole(context.input(0), alpha));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape.output));
    ASSIGN_OR_RETURN(const Philox generator,
                     keyed_ ? GeneratorOfKey(context.input(1), context.input(2), context.input(3),
                                             output->num_elements() > 0)
                            : GeneratorOfSeed(context.input(1)));
    return FillSamples(context, alpha, shape.samples, generator, output, DrawGamma);
  }

 private:
  bool keyed_ = false;
};
CRYOGRAPH_KERNEL(StatelessRandomGammaKernel, "StatelessRandomGammaV2", "StatelessRandomGammaV3");

}  // namespace
}  // namespace cryograph
