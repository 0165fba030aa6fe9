// RandomUniform, RandomStandardNormal, TruncatedNormal, RandomUniformInt and their stateless forms,
// RandomShuffle, Multinomial.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <random>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"

namespace cryograph {
namespace {

enum class Law { kUniform, kNormal, kTruncated };

// Groups of four results for 16 and 32 bits, of two for 64.
template <typename T>
constexpr int64_t kGroup = sizeof(T) == 8 ? 2 : 4;

template <typename T>
void UniformGroup(const Philox::Block& words, T* out) {
  if constexpr (std::is_same_v<T, double>) {
    out[0] = UniformDouble(words[0], words[1]);
    out[1] = UniformDouble(words[2], words[3]);
  } else {
    for (int i = 0; i < 4; ++i) {
      if constexpr (std::is_same_v<T, Half>) {
        out[i] = UniformHalf(words[i]);
      } else if constexpr (std::is_same_v<T, Bfloat16>) {
        out[i] = UniformBfloat16(words[i]);
      } else {
        out[i] = UniformFloat(words[i]);
      }
    }
  }
}

template <typename Real>
void NormalGroup(const Philox::Block& words, Real* out) {
  if constexpr (std::is_same_v<Real, double>) {
    NormalDoubles(words, &out[0], &out[1]);
  } else {
    NormalFloats(words[0], words[1], &out[0], &out[1]);
    NormalFloats(words[2], words[3], &out[2], &out[3]);
  }
}

template <typename T>
void FillGroup(Law law, Philox& generator, T* group) {
  using Real = std::conditional_t<std::is_same_v<T, double>, double, float>;
  constexpr int64_t size = kGroup<T>;
  if (law == Law::kUniform) {
    UniformGroup(generator.Next(), group);
    return;
  }
  Real normals[size];
  if (law == Law::kNormal) {
    NormalGroup(generator.Next(), normals);
    for (int64_t i = 0; i < size; ++i) group[i] = static_cast<T>(normals[i]);
    return;
  }
  // What lies two standard deviations out is drawn anew.
  for (int64_t filled = 0; filled < size;) {
    NormalGroup(generator.Next(), normals);
    for (int64_t i = 0; i < size && filled < size; ++i) {
      if (std::abs(normals[i]) < Real(2)) group[filled++] = static_cast<T>(normals[i]);
    }
  }
}

// A truncated group uses an unknown number of blocks: each begins at a place of its own.
constexpr uint64_t kBlocksForTruncatedGroup32 = 256, kBlocksForTruncatedGroup64 = 128;

template <typename T>
void FillRandom(Law law, Philox generator, int64_t count, T* out) {
  constexpr int64_t size = kGroup<T>;
  T group[size];
  for (int64_t begin = 0; begin < count; begin += size) {
    Philox own = generator;
    FillGroup(law, own, group);
    std::copy(group, group + std::min(size, count - begin), out + begin);
    generator.Skip(law != Law::kTruncated ? 1
                   : sizeof(T) == 8       ? kBlocksForTruncatedGroup64
                                          : kBlocksForTruncatedGroup32);
  }
}

// How many blocks the op reserves for `count` results, so that the next run goes on behind them.
uint64_t BlocksFor(Law law, DataType dtype, int64_t count) {
  const auto n = static_cast<uint64_t>(count);
  return law == Law::kTruncated ? n * 256 : dtype == DT_DOUBLE ? (n + 1) / 2 : (n + 3) / 4;
}

// The generator of a node in a session.
class GeneratorState final : public Object {
 public:
  static const char* Kind() { return "random generator"; }
  const char* kind() const override { return Kind(); }
  explicit GeneratorState(Philox generator) : generator_(generator) {}

  Philox Reserve(uint64_t blocks) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Philox now = generator_;
    generator_.Skip(blocks);
    return now;
  }

 private:
  std::mutex mutex_;
  Philox generator_;
};

class SeededKernel : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    int64_t seed = 0, seed2 = 0;
    RETURN_IF_ERROR(node.Attr("seed", &seed));
    RETURN_IF_ERROR(node.Attr("seed2", &seed2));
    if (seed == 0 && seed2 == 0) {
      // Both 0 asks for numbers that nobody can foretell.
      std::random_device device;
      seed = static_cast<int64_t>(uint64_t{device()} << 32 | device());
      seed2 = static_cast<int64_t>(uint64_t{device()} << 32 | device());
    }
    start_ = Philox(static_cast<uint64_t>(seed), static_cast<uint64_t>(seed2));
    return absl::OkStatus();
  }

 protected:
  absl::StatusOr<Philox> Reserve(KernelContext& context, uint64_t blocks) const {
    ASSIGN_OR_RETURN(const auto state, context.NodeState<GeneratorState>(
                                           [this] { return std::make_shared<GeneratorState>(start_); }));
    return state->Reserve(blocks);
  }

 private:
  Philox start_;
};

Law LawOf(absl::string_view op) {
  if (op.find("Truncated") != op.npos) return Law::kTruncated;
  return op.find("Normal") != op.npos ? Law::kNormal : Law::kUniform;
}

absl::Status Fill(KernelContext& context, Law law, const Philox& generator, Value* output) {
  return DispatchType<FloatTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    FillRandom<T>(law, generator, output->num_elements(), output->mutable_data<T>());
    return context.CheckLimits();
  });
}

class RandomKernel final : public SeededKernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    law_ = LawOf(node.op());
    return SeededKernel::Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    ASSIGN_OR_RETURN(const Philox generator,
                     Reserve(context, BlocksFor(law_, output->dtype(), output->num_elements())));
    return Fill(context, law_, generator, output);
  }

 private:
  Law law_ = Law::kUniform;
};
CRYOGRAPH_KERNEL(RandomKernel, "RandomStandardNormal", "RandomUniform", "TruncatedNormal");

// lo + word mod (hi - lo).
absl::Status FillInts(KernelContext& context, const Value& low_value, const Value& high_value,
                      Philox generator, Value* output) {
  RETURN_IF_ERROR(ExpectScalar(low_value, "minval"));
  RETURN_IF_ERROR(ExpectScalar(high_value, "maxval"));
  return DispatchType<IndexTypes>(output->dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    using U = std::make_unsigned_t<T>;
    const T low = low_value.scalar<T>(), high = high_value.scalar<T>();
    if (output->num_elements() == 0) return absl::OkStatus();
    if (low >= high)
      return absl::InvalidArgumentError(absl::StrCat("Need minval < maxval, got ", low, " >= ", high));
    const U range = static_cast<U>(high) - static_cast<U>(low);
    T* out = output->mutable_data<T>();
    constexpr int64_t per_block = sizeof(T) == 8 ? 2 : 4;
    for (int64_t begin = 0; begin < output->num_elements(); begin += per_block) {
      const Philox::Block words = generator.Next();
      for (int64_t i = 0; i < std::min(per_block, output->num_elements() - begin); ++i) {
        const U word = sizeof(T) == 8 ? static_cast<U>(words[2 * i] | uint64_t{words[2 * i + 1]} << 32)
                                      : static_cast<U>(words[i]);
        out[begin + i] = static_cast<T>(static_cast<U>(low) + word % range);
      }
    }
    return context.CheckLimits();
  });
}

class RandomUniformIntKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    const auto n = static_cast<uint64_t>(output->num_elements());
    ASSIGN_OR_RETURN(const Philox generator,
                     Reserve(context, output->dtype() == DT_INT64 ? (n + 1) / 2 : (n + 3) / 4));
    return FillInts(context, context.input(1), context.input(2), generator, output);
  }
};
CRYOGRAPH_KERNEL(RandomUniformIntKernel, "RandomUniformInt");

// The generator that two numbers stand for: they are scrambled by Philox itself.
absl::StatusOr<Philox> GeneratorOf(const Value& seed) {
  RETURN_IF_ERROR(ExpectVector(seed, "the seed"));
  if (seed.num_elements() != 2) return absl::InvalidArgumentError("the seed must be two numbers");
  ASSIGN_OR_RETURN(const Shape words, IntVector(seed, "the seed"));
  const auto first = static_cast<uint64_t>(words[0]), second = static_cast<uint64_t>(words[1]);
  Philox scrambler({0x3EC8F720u, 0x02461E29u},
                   {static_cast<uint32_t>(first), static_cast<uint32_t>(first >> 32),
                    static_cast<uint32_t>(second), static_cast<uint32_t>(second >> 32)});
  const Philox::Block mixed = scrambler.Next();
  return Philox({mixed[0], mixed[1]}, {0, 0, mixed[2], mixed[3]});
}

class StatelessRandomKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    law_ = LawOf(node.op());
    ints_ = node.op() == "StatelessRandomUniformInt";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(const Philox generator, GeneratorOf(context.input(1)));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (ints_) return FillInts(context, context.input(2), context.input(3), generator, output);
    return Fill(context, law_, generator, output);
  }

 private:
  Law law_ = Law::kUniform;
  bool ints_ = false;
};
CRYOGRAPH_KERNEL(StatelessRandomKernel, "StatelessRandomNormal", "StatelessRandomUniform",
                 "StatelessRandomUniformInt", "StatelessTruncatedNormal");

class RandomShuffleKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    if (input.rank() == 0 || input.dim(0) <= 1) {
      context.SetOutput(0, input);
      return absl::OkStatus();
    }
    const int64_t rows = input.dim(0);
    ASSIGN_OR_RETURN(Philox generator, Reserve(context, (static_cast<uint64_t>(rows) + 3) / 4 + 1));
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
};
CRYOGRAPH_KERNEL(RandomShuffleKernel, "RandomShuffle");

class MultinomialKernel final : public SeededKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& logits = context.input(0);
    RETURN_IF_ERROR(ExpectMatrix(logits, "the logits"));
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "num_samples"));
    ASSIGN_OR_RETURN(const int64_t samples, ScalarInt(context.input(1), "num_samples"));
    if (samples < 0) return absl::InvalidArgumentError("num_samples should be nonnegative");
    const int64_t rows = logits.dim(0), classes = logits.dim(1);
    if (classes <= 0) return absl::InvalidArgumentError("num_classes should be positive");
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {rows, samples}));
    const auto n = static_cast<uint64_t>(output->num_elements());
    // TensorFlow reserves two doubles for each sample, in blocks of 256.
    ASSIGN_OR_RETURN(Philox generator, Reserve(context, n * 256));
    std::vector<double> cumulative(static_cast<size_t>(classes));
    Philox::Block words{};
    int64_t drawn = 0;
    return DispatchType<RealTypes>(logits.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      for (int64_t row = 0; row < rows; ++row) {
        const T* line = logits.data<T>() + row * classes;
        double most = -std::numeric_limits<double>::infinity();
        for (int64_t c = 0; c < classes; ++c) {
          const double logit = static_cast<double>(line[c]);
          if (std::isfinite(logit)) most = std::max(most, logit);
        }
        double total = 0;
        for (int64_t c = 0; c < classes; ++c) {
          const double logit = static_cast<double>(line[c]);
          if (std::isfinite(logit)) total += std::exp(logit - most);
          cumulative[static_cast<size_t>(c)] = total;
        }
        for (int64_t s = 0; s < samples; ++s, ++drawn) {
          if (drawn % 2 == 0) words = generator.Next();
          const size_t at = drawn % 2 == 0 ? 0 : 2;
          const double u = UniformDouble(words[at], words[at + 1]) * total;
          const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), u);
          const int64_t index = found - cumulative.begin();
          const int64_t place = row * samples + s;
          if (output->dtype() == DT_INT32) {
            output->mutable_data<int32_t>()[place] = static_cast<int32_t>(index);
          } else {
            output->mutable_data<int64_t>()[place] = index;
          }
        }
      }
      return context.CheckLimits();
    });
  }
};
CRYOGRAPH_KERNEL(MultinomialKernel, "Multinomial");

}  // namespace
}  // namespace cryograph
