// RandomShuffle, Multinomial, StatelessMultinomial, StatelessShuffle.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

// Any order of its rows is the same.
bool IsShuffled(const Value& input) {
  return input.rank() == 0 || input.dim(0) <= 1 || input.num_elements() == 0;
}

// The rows of `input`, of which there are two at least, in an order that the generator chooses.
absl::Status ShuffleRows(KernelContext& context, const Value& input, Philox generator) {
  const int64_t rows = input.dim(0);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  Philox::Block words{};
  for (int64_t i = 0; i + 1 < rows; ++i) {
    if (i % 4 == 0) words = generator.Next();
    const auto other =
        static_cast<int64_t>(words[static_cast<size_t>(i % 4)] % static_cast<uint64_t>(rows - i));
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(i + other)]);
  }
  const int64_t inner = input.num_elements() / rows;
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    T* out = output->mutable_data<T>();
    for (const int64_t row : order) {
      out = std::copy(input.data<T>() + row * inner, input.data<T>() + (row + 1) * inner, out);
    }
    return absl::OkStatus();
  });
}

class RandomShuffleKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    if (IsShuffled(input)) {
      context.SetOutput(0, input);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const Philox generator,
                     Reserve(context, (static_cast<uint64_t>(input.dim(0)) + 3) / 4 + 1));
    return ShuffleRows(context, input, generator);
  }
};
CRYOGRAPH_KERNEL(RandomShuffleKernel, "RandomShuffle");

absl::Status StatelessShuffle(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(const Philox generator,
                   GeneratorOfKey(context.input(1), context.input(2), context.input(3), true));
  if (IsShuffled(input)) {
    context.SetOutput(0, input);
    return absl::OkStatus();
  }
  return ShuffleRows(context, input, generator);
}
CRYOGRAPH_KERNEL_FUNCTION(StatelessShuffle, "StatelessShuffle");

// Draws classes for each row of logits: the first whose cumulative e^logit is above a uniform part of the
// row's total.
class MultinomialDraw {
 public:
  static absl::StatusOr<MultinomialDraw> Of(const Value& logits, const Value& num_samples) {
    RETURN_IF_ERROR(ExpectMatrix(logits, "the logits"));
    RETURN_IF_ERROR(ExpectScalar(num_samples, "num_samples"));
    ASSIGN_OR_RETURN(const int64_t samples, ScalarInt(num_samples, "num_samples"));
    if (samples < 0) return absl::InvalidArgumentError("num_samples should be nonnegative");
    if (logits.dim(1) <= 0) return absl::InvalidArgumentError("num_classes should be positive");
    return MultinomialDraw(logits, samples);
  }

  Shape shape() const { return {logits_->dim(0), samples_}; }

  absl::Status Draw(KernelContext& context, Philox generator, Value* output) const {
    const int64_t rows = logits_->dim(0), classes = logits_->dim(1);
    ASSIGN_OR_RETURN(Value sums, context.AllocateTemp(DT_DOUBLE, {classes}));
    double* cumulative = sums.mutable_data<double>();
    Philox::Block words{};
    int64_t drawn = 0;
    return DispatchType<RealTypes>(logits_->dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      for (int64_t row = 0; row < rows; ++row) {
        const T* line = logits_->data<T>() + row * classes;
        double most = -std::numeric_limits<double>::infinity();
        for (int64_t c = 0; c < classes; ++c) {
          const auto logit = static_cast<double>(line[c]);
          if (std::isfinite(logit)) most = std::max(most, logit);
        }
        double total = 0;
        for (int64_t c = 0; c < classes; ++c) {
          const auto logit = static_cast<double>(line[c]);
          if (std::isfinite(logit)) total += std::exp(logit - most);
          cumulative[c] = total;
        }
        for (int64_t s = 0; s < samples_; ++s, ++drawn) {
          if (drawn % 2 == 0) words = generator.Next();
          const size_t at = drawn % 2 == 0 ? 0 : 2;
          const double u = UniformDouble(words[at], words[at + 1]) * total;
          const int64_t index = std::upper_bound(cumulative, cumulative + classes, u) - cumulative;
          const int64_t place = row * samples_ + s;
          if (output->dtype() == DT_INT32) {
            output->mutable_data<int32_t>()[place] = static_cast<int32_t>(index);
          } else {
            output->mutable_data<int64_t>()[place] = index;
          }
        }
        RETURN_IF_ERROR(context.CheckLimits());
      }
      return absl::OkStatus();
    });
  }

 private:
  MultinomialDraw(const Value& logits, int64_t samples) : logits_(&logits), samples_(samples) {}

  const Value* logits_;
  int64_t samples_;
};

class MultinomialKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const MultinomialDraw draw, MultinomialDraw::Of(context.input(0), context.input(1)));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, draw.shape()));
    // TensorFlow reserves two doubles for each sample, in blocks of 256.
    ASSIGN_OR_RETURN(const Philox generator,
                     Reserve(context, static_cast<uint64_t>(output->num_elements()) * 256));
    return draw.Draw(context, generator, output);
  }
};
CRYOGRAPH_KERNEL(MultinomialKernel, "Multinomial");

absl::Status StatelessMultinomial(KernelContext& context) {
  ASSIGN_OR_RETURN(const MultinomialDraw draw, MultinomialDraw::Of(context.input(0), context.input(1)));
  ASSIGN_OR_RETURN(const Philox generator, GeneratorOfSeed(context.input(2)));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, draw.shape()));
  return draw.Draw(context, generator, output);
}
CRYOGRAPH_KERNEL_FUNCTION(StatelessMultinomial, "StatelessMultinomial");

}  // namespace
}  // namespace cryograph
