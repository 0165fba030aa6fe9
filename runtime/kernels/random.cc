// RandomUniform, RandomStandardNormal, TruncatedNormal, RandomUniformInt and their stateless forms.
#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"
#include "runtime/kernels/random_draws.h"
#include "runtime/kernels/random_source.h"

namespace cryograph {
namespace {

enum class Law { kUniform, kNormal, kTruncated };

template <typename T>
void FillGroup(Law law, Philox& generator, T* group) {
  using Real = std::conditional_t<std::is_same_v<T, double>, double, float>;
  constexpr int64_t size = kDraws<T>;
  if (law == Law::kUniform) {
    DrawUniforms(generator.Next(), group);
    return;
  }
  if (law == Law::kNormal) {
    DrawNormals(generator.Next(), group);
    return;
  }
  Real normals[size];
  // What lies two standard deviations out is drawn anew.
  for (int64_t filled = 0; filled < size;) {
    DrawNormals(generator.Next(), normals);
    for (int64_t i = 0; i < size && filled < size; ++i) {
      if (std::abs(normals[i]) < Real(2)) group[filled++] = static_cast<T>(normals[i]);
    }
  }
}

// A truncated group uses an unknown number of blocks: each begins at a place of its own.
constexpr uint64_t kBlocksForTruncatedGroup32 = 256, kBlocksForTruncatedGroup64 = 128;

template <typename T>
void FillRandom(Law law, Philox generator, int64_t count, T* out) {
  constexpr int64_t size = kDraws<T>;
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

using WordTypes =
    JoinTypes<IndexTypes, TypeList<TypeEntry<DT_UINT32, uint32_t>, TypeEntry<DT_UINT64, uint64_t>>>;

// Number i of a block's four numbers of 32 or two of 64 bits.
template <typename T>
T WordOf(const Philox::Block& words, int64_t i) {
  const auto at = static_cast<size_t>(i);
  if constexpr (sizeof(T) == 8) return static_cast<T>(words[2 * at] | uint64_t{words[2 * at + 1]} << 32);
  return static_cast<T>(words[at]);
}

// lo + word mod (hi - lo).
absl::Status FillInts(KernelContext& context, const Value& low_value, const Value& high_value,
                      Philox generator, Value* output) {
  RETURN_IF_ERROR(ExpectScalar(low_value, "minval"));
  RETURN_IF_ERROR(ExpectScalar(high_value, "maxval"));
  return DispatchType<WordTypes>(output->dtype(), [&](auto tag) -> absl::Status {
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
        const auto word = static_cast<U>(WordOf<T>(words, i));
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

// Whole words, in order.
absl::Status FillWords(KernelContext& context, Philox generator, Value* output) {
  return DispatchType<WordTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    T* out = output->mutable_data<T>();
    constexpr int64_t per_block = sizeof(T) == 8 ? 2 : 4;
    for (int64_t begin = 0; begin < output->num_elements(); begin += per_block) {
      const Philox::Block words = generator.Next();
      for (int64_t i = 0; i < std::min(per_block, output->num_elements() - begin); ++i) {
        out[begin + i] = WordOf<T>(words, i);
      }
    }
    return context.CheckLimits();
  });
}

// Inputs: the shape; the seed, or key, counter and alg in the ops of version 2; the bounds of integers.
class StatelessRandomKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    law_ = LawOf(node.op());
    words_ = node.op().find("FullInt") != absl::string_view::npos;
    ints_ = !words_ && node.op().find("UniformInt") != absl::string_view::npos;
    keyed_ = absl::EndsWith(node.op(), "V2");
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(0), "the shape"));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    ASSIGN_OR_RETURN(const Philox generator,
                     keyed_ ? GeneratorOfKey(context.input(1), context.input(2), context.input(3),
                                             output->num_elements() > 0)
                            : GeneratorOfSeed(context.input(1)));
    if (words_) return FillWords(context, generator, output);
    if (ints_) {
      const int bounds = keyed_ ? 4 : 2;
      return FillInts(context, context.input(bounds), context.input(bounds + 1), generator, output);
    }
    return Fill(context, law_, generator, output);
  }

 private:
  Law law_ = Law::kUniform;
  bool words_ = false, ints_ = false, keyed_ = false;
};
CRYOGRAPH_KERNEL(StatelessRandomKernel, "StatelessRandomNormal", "StatelessRandomNormalV2",
                 "StatelessRandomUniform", "StatelessRandomUniformFullInt", "StatelessRandomUniformFullIntV2",
                 "StatelessRandomUniformInt", "StatelessRandomUniformIntV2", "StatelessRandomUniformV2",
                 "StatelessTruncatedNormal", "StatelessTruncatedNormalV2");

}  // namespace
}  // namespace cryograph
