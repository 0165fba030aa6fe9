// RandomPoisson, RandomPoissonV2, StatelessRandomPoisson.
#include <cmath>
#include <limits>

#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_samples.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

double LogFactorial(double k) {
  int sign;
  return lgamma_r(k + 1, &sign);
}

// A count of the Poisson distribution, not above `largest`. Below 10: Knuth's product of uniform numbers (The
// Art of Computer Programming, 3.4.1). Else Hoermann, The Transformed Rejection Method for Generating Poisson
// Random Variables (1993), algorithm PTRS.
double DrawPoisson(double rate, double largest, Philox generator) {
  if (!(rate < std::numeric_limits<double>::infinity())) return std::nan("");
  UniformDoubles uniform(&generator);
  if (rate < 10) {
    const double end = std::exp(-rate);
    double product = 1;
    for (double count = 0;; ++count) {
      product *= uniform.Next();
      if (product <= end && count <= largest) return count;
    }
  }
  const double log_rate = std::log(rate);
  const double b = 0.931 + 2.53 * std::sqrt(rate);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  // A chance of three quarters or more each time, unless `largest` is far below the rate.
  for (int attempt = 0; attempt < 10000; ++attempt) {
    const double u = uniform.Next() - 0.5, v = uniform.Next();
    const double shifted = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / shifted + b) * u + rate + 0.43);
    if (k > largest) continue;
    if (shifted >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
    if (k < 0 || (shifted < 0.013 && v > shifted)) continue;
    const double s = std::log(v * inverse_alpha / (a / (shifted * shifted) + b));
    if (s <= -rate + k * log_rate - LogFactorial(k)) return k;
  }
  return largest;
}

absl::Status FillPoisson(KernelContext& context, const Value& rates, const Philox& generator, int64_t samples,
                         Value* output) {
  const double largest = LargestSample(output->dtype());
  return FillSamples(context, rates, samples, generator, output,
                     [largest](double rate, const Philox& own) { return DrawPoisson(rate, largest, own); });
}

class RandomPoissonKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& rates = context.input(1);
    ASSIGN_OR_RETURN(const SampleShape shape, SampleShape::Before(context.input(0), rates));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape.output));
    ASSIGN_OR_RETURN(const Philox generator,
                     Reserve(context, kBlocksForSample * static_cast<uint64_t>(output->num_elements())));
    return FillPoisson(context, rates, generator, shape.samples, output);
  }
};
CRYOGRAPH_KERNEL(RandomPoissonKernel, "RandomPoisson", "RandomPoissonV2");

absl::Status StatelessRandomPoisson(KernelContext& context) {
  const Value& rates = context.input(2);
  ASSIGN_OR_RETURN(const Philox generator, GeneratorOfSeed(context.input(1)));
  ASSIGN_OR_RETURN(const SampleShape shape, SampleShape::Whole(context.input(0), rates));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape.output));
  return FillPoisson(context, rates, generator, shape.samples, output);
}
CRYOGRAPH_KERNEL_FUNCTION(StatelessRandomPoisson, "StatelessRandomPoisson");

}  // namespace
}  // namespace cryograph
