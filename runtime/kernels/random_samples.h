// What the random ops share that draw several samples for each element of a tensor of parameters.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_RANDOM_SAMPLES_H_
#define CRYOGRAPH_RUNTIME_KERNELS_RANDOM_SAMPLES_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/status_macros.h"
#include "graph/tensor.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/philox.h"

namespace cryograph {

// A sample may take any number of words: each begins at a block of its own.
constexpr uint64_t kBlocksForSample = 256;

struct SampleShape {
  Shape output;         // [..., the shape of the parameters]
  int64_t samples = 0;  // how many for each parameter

  // `shape` is that of the samples of one parameter.
  static absl::StatusOr<SampleShape> Before(const Value& shape, const Value& parameters) {
    RETURN_IF_ERROR(ExpectVector(shape, "the shape"));
    SampleShape result;
    ASSIGN_OR_RETURN(result.output, IntVector(shape, "the shape"));
    ASSIGN_OR_RETURN(result.samples, NumElements(result.output));
    for (const int64_t size : parameters.shape()) result.output.push_back(size);
    return result;
  }

  // `shape` is that of the output, which must end in the parameters' shape.
  static absl::StatusOr<SampleShape> Whole(const Value& shape, const Value& parameters) {
    RETURN_IF_ERROR(ExpectVector(shape, "the shape"));
    SampleShape result;
    ASSIGN_OR_RETURN(result.output, IntVector(shape, "the shape"));
    const Shape& tail = parameters.shape();
    if (tail.size() > result.output.size() ||
        !std::equal(tail.begin(), tail.end(), result.output.end() - static_cast<int64_t>(tail.size()))) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the shape ", ShapeText(result.output), " must end in that of the parameters, ", ShapeText(tail)));
    }
    ASSIGN_OR_RETURN(const int64_t total, NumElements(result.output));
    result.samples = parameters.num_elements() > 0 ? total / parameters.num_elements() : 0;
    return result;
  }
};

using SampleTypes = JoinTypes<FloatTypes, IndexTypes>;

// The values as doubles: in them all parameters are computed with.
inline absl::StatusOr<Value> AsDoubles(KernelContext& context, const Value& values) {
  ASSIGN_OR_RETURN(Value doubles, context.AllocateTemp(DT_DOUBLE, values.shape()));
  double* out = doubles.mutable_data<double>();
  RETURN_IF_ERROR(DispatchType<SampleTypes>(values.dtype(), [&](auto tag) {
    for (const auto each : values.span<TypeOf<decltype(tag)>>()) *out++ = static_cast<double>(each);
    return absl::OkStatus();
  }));
  return doubles;
}

// The largest sample that a type holds.
inline double LargestSample(DataType dtype) {
  switch (dtype) {
    case DT_HALF:
      return 65504;
    case DT_BFLOAT16:
      return 3.3895313892515355e38;
    case DT_FLOAT:
      return std::numeric_limits<float>::max();
    case DT_INT32:
      return std::numeric_limits<int32_t>::max();
    // The largest double below 2^63.
    case DT_INT64:
      return 9223372036854774784.0;
    default:
      return std::numeric_limits<double>::max();
  }
}

// output[sample][parameter] = draw(parameter, number), a double not above LargestSample(). Samples are
// numbered parameter by parameter.
template <typename Parameter, typename Draw>
absl::Status FillNumberedSamples(KernelContext& context, const Parameter* parameters, int64_t count,
                                 int64_t samples, Value* output, Draw draw) {
  return DispatchType<SampleTypes>(output->dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    T* out = output->mutable_data<T>();
    const auto fill = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t parameter = i / samples, sample = i % samples;
        const double drawn = draw(parameters[parameter], i);
        if constexpr (std::is_integral_v<T>) {
          out[sample * count + parameter] = drawn == drawn ? static_cast<T>(drawn) : T{};
        } else {
          out[sample * count + parameter] = static_cast<T>(static_cast<Arithmetic<T>>(drawn));
        }
      }
    };
    // In pieces: a sample of hostile parameters takes thousands of attempts.
    constexpr int64_t kPiece = 1 << 14;
    for (int64_t done = 0; done < count * samples; done += kPiece) {
      RETURN_IF_ERROR(context.CheckLimits());
      context.ParallelFor(std::min(kPiece, count * samples - done), 100,
                          [&](int64_t begin, int64_t end) { fill(done + begin, done + end); });
    }
    return absl::OkStatus();
  });
}

// The same where a parameter is one number and each sample has a generator of its own, kBlocksForSample after
// that of the one before.
template <typename Draw>
absl::Status FillSamples(KernelContext& context, const Value& parameters, int64_t samples,
                         const Philox& generator, Value* output, Draw draw) {
  ASSIGN_OR_RETURN(const Value doubles, AsDoubles(context, parameters));
  return FillNumberedSamples(context, doubles.data<double>(), doubles.num_elements(), samples, output,
                             [&](double parameter, int64_t number) {
                               Philox own = generator;
                               own.Skip(kBlocksForSample * static_cast<uint64_t>(number));
                               return draw(parameter, own);
                             });
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_RANDOM_SAMPLES_H_
