// Where the kernels of random ops get their generators from: attributes seed and seed2, whose generator lives
// as long as the session, or, for stateless ops, inputs.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_RANDOM_SOURCE_H_
#define CRYOGRAPH_RUNTIME_KERNELS_RANDOM_SOURCE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <random>

#include "base/status_macros.h"
#include "runtime/kernel.h"
#include "runtime/kernels/philox.h"

namespace cryograph {

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

// A kernel with attributes seed and seed2.
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
  // The node's generator; the next run's is `blocks` blocks further.
  absl::StatusOr<Philox> Reserve(KernelContext& context, uint64_t blocks) const {
    ASSIGN_OR_RETURN(const auto state, context.NodeState<GeneratorState>(
                                           [this] { return std::make_shared<GeneratorState>(start_); }));
    return state->Reserve(blocks);
  }

 private:
  Philox start_;
};

// The generator that a vector of two numbers, int32 or int64, stands for: they are scrambled by Philox
// itself.
inline absl::StatusOr<Philox> GeneratorOfSeed(const Value& seed) {
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

// The algorithms that an `alg` input may name.
constexpr int kPhiloxAlgorithm = 1, kThreeFryAlgorithm = 2, kAnyAlgorithm = 3;

// The generator that inputs key (one uint64), counter (at least two) and alg (a number, Philox or any) stand
// for. Where nothing `is_drawn` TensorFlow takes ThreeFry and shorter counters, too.
inline absl::StatusOr<Philox> GeneratorOfKey(const Value& key, const Value& counter, const Value& algorithm,
                                             bool is_drawn) {
  RETURN_IF_ERROR(ExpectScalar(algorithm, "alg"));
  ASSIGN_OR_RETURN(const int64_t number, ScalarInt(algorithm, "alg"));
  if (number < kPhiloxAlgorithm || number > kAnyAlgorithm || (number == kThreeFryAlgorithm && is_drawn)) {
    return absl::InvalidArgumentError(absl::StrCat("alg is ", number,
                                                   number == kThreeFryAlgorithm ? " (ThreeFry)" : "",
                                                   ", but only 1 (Philox) and 3 (any) are there on a CPU"));
  }
  if (key.dtype() != DT_UINT64 || key.rank() != 1 || key.num_elements() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("key must have shape [1], not ", ShapeText(key.shape())));
  }
  const int64_t least = number == kPhiloxAlgorithm || is_drawn ? 2 : 1;
  if (counter.dtype() != DT_UINT64 || counter.rank() != 1 || counter.num_elements() < least) {
    return absl::InvalidArgumentError(absl::StrCat("counter must be a vector of at least ", least,
                                                   " numbers, not of shape ", ShapeText(counter.shape())));
  }
  if (!is_drawn) return Philox();
  const auto low = [](uint64_t word) { return static_cast<uint32_t>(word); };
  const auto high = [](uint64_t word) { return static_cast<uint32_t>(word >> 32); };
  const uint64_t k = *key.data<uint64_t>(), *c = counter.data<uint64_t>();
  return Philox({low(k), high(k)}, {low(c[0]), high(c[0]), low(c[1]), high(c[1])});
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_RANDOM_SOURCE_H_
