// StatelessRandomBinomial.
#include <cmath>
#include <complex>

#include "runtime/broadcast.h"
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_samples.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

// Sums numbers of the geometric distribution until they are more than `count`.
double DrawByInversion(double count, double probability, UniformDoubles& uniform) {
  const double scale = std::log1p(-probability);
  double sum = 0;
  for (double drawn = 0;; ++drawn) {
    sum += std::ceil(std::log(uniform.Next()) / scale);
    if (!(sum <= count)) return drawn;
  }
}

// ln k! minus Stirling's approximation of it.
double StirlingRest(double k) {
  constexpr double kFirst[] = {
      0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
      0.0138761288230707, 0.0118967099458917, 0.010411265261972,  0.00925546218271273, 0.00833056343336287};
  if (k <= 9) return kFirst[static_cast<int>(std::fmax(k, 0))];
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

// Hoermann, The Generation of Binomial Random Variates (1993), algorithm BTRS; probability <= 1/2 and a mean
// of 10 or more.
double DrawByRejection(double count, double probability, UniformDoubles& uniform) {
  const double deviation = std::sqrt(count * probability * (1 - probability));
  const double b = 1.15 + 2.53 * deviation;
  const double a = -0.0873 + 0.0248 * b + 0.01 * probability;
  const double c = count * probability + 0.5;
  const double ratio = probability / (1 - probability);
  const double alpha = (2.83 + 5.1 / b) * deviation;
  const double mode = std::floor((count + 1) * probability);
  for (int attempt = 0; attempt < 10000; ++attempt) {
    const double u = uniform.Next() - 0.5, v = uniform.Next();
    const double shifted = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / shifted + b) * u + c);
    if (shifted >= 0.07 && v <= 0.92 - 4.2 / b) return k;
    if (k < 0 || k > count) continue;
    const double bound = (mode + 0.5) * std::log((mode + 1) / (ratio * (count - mode + 1))) +
                         (count + 1) * std::log((count - mode + 1) / (count - k + 1)) +
                         (k + 0.5) * std::log(ratio * (count - k + 1) / (k + 1)) + StirlingRest(mode) +
                         StirlingRest(count - mode) - StirlingRest(k) - StirlingRest(count - k);
    if (std::log(v * alpha / (a / (shifted * shifted) + b)) <= bound) return k;
  }
  return std::nan("");
}

// Above 2^53 doubles do not tell counts apart.
constexpr double kMostCounted = 9007199254740992.0;

// A number as a type of parameters holds it.
double Rounded(DataType dtype, double x) {
  if (dtype == DT_HALF) return static_cast<double>(static_cast<Half>(static_cast<float>(x)));
  return dtype == DT_FLOAT ? static_cast<double>(static_cast<float>(x)) : x;
}

// Generators start so many blocks apart.
constexpr uint64_t kBlocksForInversion = 42;

// `dtype` is that of the parameters.
double DrawBinomial(double count, double probability, DataType dtype, Philox generator, int64_t number) {
  if (count <= 0 || probability <= 0) return 0;
  if (probability >= 1) return count;
  if (probability != probability || !(count < kMostCounted)) return std::nan("");
  const bool mirrored = probability > 0.5;
  const double less = mirrored ? 1 - probability : probability;
  const bool rejects = Rounded(dtype, count * less) >= 10;
  generator.Skip((rejects ? kBlocksForSample : kBlocksForInversion) * static_cast<uint64_t>(number));
  UniformDoubles uniform(&generator);
  const double drawn =
      rejects ? DrawByRejection(count, less, uniform) : DrawByInversion(count, less, uniform);
  return mirrored ? count - drawn : drawn;
}

// Inputs: the shape, which ends in the broadcast shape of counts and probabilities; the seed; counts,
// probabilities.
absl::Status StatelessRandomBinomial(KernelContext& context) {
  ASSIGN_OR_RETURN(const Philox generator, GeneratorOfSeed(context.input(1)));
  ASSIGN_OR_RETURN(const Value counts, AsDoubles(context, context.input(2)));
  ASSIGN_OR_RETURN(const Value probabilities, AsDoubles(context, context.input(3)));
  ASSIGN_OR_RETURN(const Broadcast pairs, Broadcast::Of({&counts.shape(), &probabilities.shape()}));
  // Count and probability of each pair.
  ASSIGN_OR_RETURN(Value paired, context.AllocateTemp(DT_COMPLEX128, pairs.shape()));
  auto* const pair = paired.mutable_data<std::complex<double>>();
  pairs.ForEachRow([&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
    for (int64_t i = 0; i < count; ++i) {
      pair[offset + i] = {counts.data<double>()[from[0] + i * step[0]],
                          probabilities.data<double>()[from[1] + i * step[1]]};
    }
  });
  ASSIGN_OR_RETURN(const SampleShape shape, SampleShape::Whole(context.input(0), paired));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape.output));
  const DataType dtype = context.input(2).dtype();
  return FillNumberedSamples(context, pair, pairs.num_elements(), shape.samples, output,
                             [&](const std::complex<double>& each, int64_t number) {
                               return DrawBinomial(each.real(), each.imag(), dtype, generator, number);
                             });
}
CRYOGRAPH_KERNEL_FUNCTION(StatelessRandomBinomial, "StatelessRandomBinomial");

}  // namespace
}  // namespace cryograph
