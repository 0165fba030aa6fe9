// ParameterizedTruncatedNormal, StatelessParameterizedTruncatedNormal: normal numbers between bounds.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/broadcast.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_draws.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

// So many samples in a row may be refused.
constexpr int kMostAttempts = 1000;

// Bounds in standard deviations from the mean. The nearer bound is the lower one: where need be the axis is
// turned round, and the deviation negative.
template <typename T>
struct Truncation {
  using A = Arithmetic<T>;
  A mean, deviation, lowest, highest;

  static absl::StatusOr<Truncation> Of(T mean, T deviation, T least, T most) {
    A low = static_cast<A>(least), high = static_cast<A>(most);
    Truncation result{static_cast<A>(mean), static_cast<A>(deviation), 0, 0};
    if (!(result.deviation > 0) || !(low < high) || !(std::isfinite(low) || std::isfinite(high))) {
      return absl::InvalidArgumentError(
          absl::StrCat("no normal numbers of deviation ", static_cast<double>(result.deviation),
                       " lie between ", static_cast<double>(low), " and ", static_cast<double>(high)));
    }
    if ((std::isinf(low) && low < 0) || high < result.mean) {
      std::swap(low, high);
      result.deviation = -result.deviation;
    }
    result.lowest = Rounded((low - result.mean) / result.deviation);
    result.highest = Rounded((high - result.mean) / result.deviation);
    return result;
  }

  static A Rounded(A x) { return static_cast<A>(static_cast<T>(x)); }
  T At(A z) const { return static_cast<T>(z * deviation + mean); }
};

// Where samples go.
template <typename T>
struct Samples {
  T* next;
  int64_t left;
  int64_t stride = 1;
};

// Takes all samples from one generator. Robert, Simulation of Truncated Normal Variables (1995): from normal
// numbers when the bounds leave much of them, from uniform ones when the bounds are close, else from shifted
// exponential ones.
template <typename T>
absl::Status FillTruncated(const Truncation<T>& range, Philox& generator, Samples<T> samples) {
  using A = Arithmetic<T>;
  // Found by trial when the method was made: the middle of the distribution is inside of the bounds.
  constexpr A kMuchInside = A(1.3);
  const A low = range.lowest, high = range.highest;
  constexpr size_t size = kDraws<T>;
  std::array<T, size> first, second;
  int refused = 0;
  // True if that was the last sample: what is left of the block is not used.
  const auto take = [&](A z) {
    *samples.next = range.At(z);
    samples.next += samples.stride;
    refused = 0;
    return --samples.left == 0;
  };
  if ((low < -kMuchInside && high >= 0) || (high > kMuchInside && low <= 0)) {
    while (samples.left > 0) {
      DrawNormals(generator.Next(), first.data());
      for (const T normal : first) {
        const A z = static_cast<A>(normal);
        if (z >= low && z <= high) {
          if (take(z)) break;
        } else if (++refused > kMostAttempts) {
          return absl::InternalError("too many numbers in a row are outside of the bounds");
        }
      }
    }
    return absl::OkStatus();
  }
  const A root = std::sqrt(low * low + A(4));
  const A cutoff = A(2) * std::exp(A(0.5) + (low * (low - root)) / A(4)) / (low + root);
  const A width = high - low;
  if (width < cutoff) {
    const A top = low < 0 ? A(0) : low * low;
    while (samples.left > 0) {
      DrawUniforms(generator.Next(), first.data());
      DrawUniforms(generator.Next(), second.data());
      for (size_t i = 0; i < size; ++i) {
        const A z = static_cast<A>(first[i]) * width + low;
        if (static_cast<A>(second[i]) <= std::exp((top - z * z) / A(2)) || refused + 1 >= kMostAttempts) {
          if (take(z)) break;
        } else {
          ++refused;
        }
      }
    }
    return absl::OkStatus();
  }
  const A rate = (low + root) / A(2);
  while (samples.left > 0) {
    DrawUniforms(generator.Next(), first.data());
    for (size_t i = 0; i < size; i += 2) {
      const A z = -std::log(static_cast<A>(first[i])) / rate + low;
      const A x = low < rate ? rate - z : low - rate;
      if ((static_cast<A>(first[i + 1]) <= std::exp(-x * x / A(2)) && z < high) ||
          refused + 1 >= kMostAttempts) {
        if (take(z)) break;
      } else {
        ++refused;
      }
    }
  }
  return absl::OkStatus();
}

// Inputs: the shape; means, deviations, least and most values: scalars, or vectors with a value for each
// element of the output's first dimension.
class TruncatedKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the shape"));
    if (shape.empty()) return absl::InvalidArgumentError("the shape must have at least one dimension");
    bool same = true;
    for (int i = 1; i < 5; ++i) {
      const Value& parameter = context.input(i);
      if (parameter.rank() > 1) return absl::InvalidArgumentError("parameters must be scalars or vectors");
      same &= parameter.num_elements() == 1;
    }
    for (int i = 1; i < 5 && !same; ++i) {
      const Value& parameter = context.input(i);
      if (parameter.num_elements() != 1 && parameter.num_elements() != shape[0]) {
        return absl::InvalidArgumentError(absl::StrCat("a parameter has ", parameter.num_elements(),
                                                       " elements, the output's first dimension ", shape[0]));
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    // With one set of parameters the elements come in batches of this size, as TensorFlow has it: where the
    // bounds are scalars.
    constexpr int64_t kBatch = 100;
    const bool one_set = same && context.input(3).rank() == 0 && context.input(4).rank() == 0;
    const int64_t batch = one_set ? kBatch : output->num_elements() / shape[0];
    const int64_t batches = (output->num_elements() + batch - 1) / batch;
    ASSIGN_OR_RETURN(Philox generator, Reserve(context, static_cast<uint64_t>(batches) * 2 * kMostAttempts *
                                                            static_cast<uint64_t>(batch + 3) / 4));
    return DispatchType<FloatTypes>(output->dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      T* const out = output->mutable_data<T>();
      for (int64_t b = 0; b < batches; ++b) {
        T parameters[4];
        for (int i = 0; i < 4; ++i) {
          const Value& parameter = context.input(i + 1);
          parameters[i] = parameter.data<T>()[parameter.num_elements() == 1 ? 0 : b];
        }
        ASSIGN_OR_RETURN(const Truncation<T> range,
                         Truncation<T>::Of(parameters[0], parameters[1], parameters[2], parameters[3]));
        RETURN_IF_ERROR(FillTruncated<T>(
            range, generator, {out + b * batch, std::min(batch, output->num_elements() - b * batch)}));
        RETURN_IF_ERROR(context.CheckLimits());
      }
      return absl::OkStatus();
    });
  }
};
CRYOGRAPH_KERNEL(TruncatedKernel, "ParameterizedTruncatedNormal");

// Inputs: the shape, the seed, and the parameters as above, but of any shapes: broadcast, they are the last
// dimensions of the output, and those before them count samples.
absl::Status StatelessTruncated(KernelContext& context) {
  RETURN_IF_ERROR(ExpectVector(context.input(0), "the shape"));
  ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the shape"));
  Shape common;
  for (int i = 2; i < 6; ++i) {
    const Shape& each = context.input(i).shape();
    ASSIGN_OR_RETURN(const Broadcast broadcast, Broadcast::Of({&common, &each}));
    common = broadcast.shape();
  }
  if (shape.size() < common.size() || !std::equal(common.rbegin(), common.rend(), shape.rbegin())) {
    return absl::InvalidArgumentError(absl::StrCat("the shape ", ShapeText(shape), " does not end with ",
                                                   ShapeText(common), ", the shape of the parameters"));
  }
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  ASSIGN_OR_RETURN(Philox generator, GeneratorOfSeed(context.input(1)));
  if (output->num_elements() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t batches, NumElements(common));
  // Place of a set of parameters in each of them: strides of 0 where one stands for all.
  std::vector<std::array<int64_t, 4>> strides(common.size(), {0, 0, 0, 0});
  for (int i = 0; i < 4; ++i) {
    const Shape& each = context.input(i + 2).shape();
    int64_t stride = 1;
    for (size_t d = 1; d <= each.size(); ++d) {
      const int64_t size = each[each.size() - d];
      if (size != 1) strides[common.size() - d][static_cast<size_t>(i)] = stride;
      stride *= size;
    }
  }
  return DispatchType<FloatTypes>(output->dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    for (int64_t b = 0; b < batches; ++b) {
      T parameters[4];
      for (int i = 0; i < 4; ++i) {
        int64_t rest = b, place = 0;
        for (size_t d = common.size(); d-- > 0; rest /= common[d]) {
          place += rest % common[d] * strides[d][static_cast<size_t>(i)];
        }
        parameters[i] = context.input(i + 2).data<T>()[place];
      }
      ASSIGN_OR_RETURN(const Truncation<T> range,
                       Truncation<T>::Of(parameters[0], parameters[1], parameters[2], parameters[3]));
      RETURN_IF_ERROR(FillTruncated<T>(
          range, generator, {output->mutable_data<T>() + b, output->num_elements() / batches, batches}));
      RETURN_IF_ERROR(context.CheckLimits());
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(StatelessTruncated, "StatelessParameterizedTruncatedNormal");

}  // namespace
}  // namespace cryograph
