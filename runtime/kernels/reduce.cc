// Sum, Mean, Prod, Max, Min, All, Any, EuclideanNorm, L2Loss.
#include <cmath>
#include <complex>
#include <limits>
#include <type_traits>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/reduction.h"

namespace cryograph {
namespace {

template <typename T>
struct Adding {
  using A = Arithmetic<T>;
  static A Identity() { return A(0); }
  static A Take(T value) { return static_cast<A>(value); }
  static A Join(A a, A b) { return a + b; }
};
template <typename T>
struct AddingSquares {
  using A = Arithmetic<T>;
  static A Identity() { return A(0); }
  static A Take(T value) {
    const A x = static_cast<A>(value);
    return x * x;
  }
  static A Join(A a, A b) { return a + b; }
};
template <typename F>
struct AddingSquares<std::complex<F>> {
  using A = F;
  static A Identity() { return 0; }
  static A Take(std::complex<F> value) { return std::norm(value); }
  static A Join(A a, A b) { return a + b; }
};
template <typename T>
struct Multiplying {
  using A = Arithmetic<T>;
  static A Identity() { return A(1); }
  static A Take(T value) { return static_cast<A>(value); }
  static A Join(A a, A b) { return a * b; }
};

template <typename T>
T Lowest() {
  if constexpr (std::is_integral_v<T>) {
    return std::numeric_limits<T>::lowest();
  } else {
    return static_cast<T>(-std::numeric_limits<float>::infinity());
  }
}
template <typename T>
T Highest() {
  if constexpr (std::is_integral_v<T>) {
    return std::numeric_limits<T>::max();
  } else {
    return static_cast<T>(std::numeric_limits<float>::infinity());
  }
}
template <typename T>
struct TakingLargest {
  using A = T;
  static A Identity() { return Lowest<T>(); }
  static A Take(T value) { return value; }
  static A Join(A a, A b) { return b > a || b != b ? b : a; }
};
template <typename T>
struct TakingSmallest {
  using A = T;
  static A Identity() { return Highest<T>(); }
  static A Take(T value) { return value; }
  static A Join(A a, A b) { return b < a || b != b ? b : a; }
};
template <typename T>
struct Conjunction {
  using A = bool;
  static A Identity() { return true; }
  static A Take(bool value) { return value; }
  static A Join(A a, A b) { return a && b; }
};
template <typename T>
struct Disjunction {
  using A = bool;
  static A Identity() { return false; }
  static A Take(bool value) { return value; }
  static A Join(A a, A b) { return a || b; }
};

// Long runs are summed in eight strands and in blocks, which is both faster and closer to the true sum than
// one after the other.
template <typename Reducer, typename T>
typename Reducer::A ReduceRun(const T* values, int64_t count) {
  using A = typename Reducer::A;
  constexpr int64_t kStrands = 8, kBlock = 1024;
  A total = Reducer::Identity();
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = std::min(count, begin + kBlock);
    A strands[kStrands];
    for (A& strand : strands) strand = Reducer::Identity();
    int64_t i = begin;
    for (; i + kStrands <= end; i += kStrands) {
      for (int64_t k = 0; k < kStrands; ++k)
        strands[k] = Reducer::Join(strands[k], Reducer::Take(values[i + k]));
    }
    for (; i < end; ++i) strands[0] = Reducer::Join(strands[0], Reducer::Take(values[i]));
    for (int64_t width = kStrands / 2; width > 0; width /= 2) {
      for (int64_t k = 0; k < width; ++k) strands[k] = Reducer::Join(strands[k], strands[k + width]);
    }
    total = Reducer::Join(total, strands[0]);
  }
  return total;
}

// `finish` makes an element of the result of an accumulator.
template <typename T, typename Reducer, typename Finish>
absl::Status Reduce(KernelContext& context, const Reduction& reduction, Finish finish) {
  using A = typename Reducer::A;
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, reduction.output_shape()));
  T* out = output->mutable_data<T>();
  const auto one = [](A accumulator, T value) { return Reducer::Join(accumulator, Reducer::Take(value)); };
  const auto row = [](A& accumulator, const T* values, int64_t count) {
    accumulator = Reducer::Join(accumulator, ReduceRun<Reducer>(values, count));
  };
  const T* in = context.input(0).data<T>();
  if constexpr (std::is_same_v<A, T>) {
    std::fill(out, out + reduction.num_outputs(), Reducer::Identity());
    reduction.Run(in, out, one, row);
    for (int64_t i = 0; i < reduction.num_outputs(); ++i) out[i] = finish(out[i]);
  } else {
    // The accumulators are no larger than twice the output, which was just allocated within the limit.
    std::vector<A> accumulators(static_cast<size_t>(reduction.num_outputs()), Reducer::Identity());
    reduction.Run(in, accumulators.data(), one, row);
    for (int64_t i = 0; i < reduction.num_outputs(); ++i)
      out[i] = finish(accumulators[static_cast<size_t>(i)]);
  }
  return absl::OkStatus();
}

class ReduceKernel : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("keep_dims", &keep_dims_); }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Reduction reduction,
                     Reduction::Of(context.input(0).shape(), context.input(1), keep_dims_));
    if (reduction.empty() && !squares_single_) {
      context.SetOutput(0, context.input(0).Reshaped(reduction.output_shape()));
      return absl::OkStatus();
    }
    return ComputeReduction(context, reduction);
  }

 protected:
  virtual absl::Status ComputeReduction(KernelContext& context, const Reduction& reduction) const = 0;

  bool squares_single_ = false;  // The result of a single element is not the element.

 private:
  bool keep_dims_ = false;
};

template <typename Types, template <typename> class Reducer>
class PlainReduceKernel : public ReduceKernel {
 protected:
  absl::Status ComputeReduction(KernelContext& context, const Reduction& reduction) const override {
    return DispatchType<Types>(context.input(0).dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = typename Reducer<T>::A;
      return Reduce<T, Reducer<T>>(context, reduction, [](A value) { return static_cast<T>(value); });
    });
  }
};

class SumKernel final : public PlainReduceKernel<NumberTypes, Adding> {};
CRYOGRAPH_KERNEL(SumKernel, "Sum");
class ProdKernel final : public PlainReduceKernel<NumberTypes, Multiplying> {};
CRYOGRAPH_KERNEL(ProdKernel, "Prod");
class MaxKernel final : public PlainReduceKernel<RealTypes, TakingLargest> {};
CRYOGRAPH_KERNEL(MaxKernel, "Max");
class MinKernel final : public PlainReduceKernel<RealTypes, TakingSmallest> {};
CRYOGRAPH_KERNEL(MinKernel, "Min");
class AllKernel final : public PlainReduceKernel<BoolType, Conjunction> {};
CRYOGRAPH_KERNEL(AllKernel, "All");
class AnyKernel final : public PlainReduceKernel<BoolType, Disjunction> {};
CRYOGRAPH_KERNEL(AnyKernel, "Any");

template <typename T>
struct MeanSum {
  using A = std::conditional_t<std::is_integral_v<T>,
                               std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>, Arithmetic<T>>;
  static A Identity() { return A(0); }
  static A Take(T value) { return static_cast<A>(value); }
  static A Join(A a, A b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<A>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    } else {
      return a + b;
    }
  }
};

class MeanKernel final : public ReduceKernel {
 protected:
  absl::Status ComputeReduction(KernelContext& context, const Reduction& reduction) const override {
    return DispatchType<NumberTypes>(context.input(0).dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = typename MeanSum<T>::A;
      const int64_t count = reduction.count();
      return Reduce<T, MeanSum<T>>(context, reduction, [count](A sum) {
        if constexpr (std::is_integral_v<T>) {
          return count == 0 ? T(0) : static_cast<T>(sum / static_cast<A>(count));
        } else {
          using std::real;
          return static_cast<T>(sum / static_cast<decltype(real(sum))>(count));
        }
      });
    });
  }
};
CRYOGRAPH_KERNEL(MeanKernel, "Mean");

class EuclideanNormKernel final : public ReduceKernel {
 public:
  EuclideanNormKernel() { squares_single_ = true; }

 protected:
  absl::Status ComputeReduction(KernelContext& context, const Reduction& reduction) const override {
    return DispatchType<NumberTypes>(context.input(0).dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = typename AddingSquares<T>::A;
      return Reduce<T, AddingSquares<T>>(context, reduction, [](A sum) {
        if constexpr (std::is_integral_v<T>) {
          // The sum is of the input's type; the root of a negative one is what the processor makes of NaN.
          const T wrapped = static_cast<T>(sum);
          if (wrapped < 0) return sizeof(T) < 4 ? T(0) : std::numeric_limits<T>::min();
          return static_cast<T>(std::sqrt(static_cast<double>(wrapped)));
        } else {
          return static_cast<T>(std::sqrt(sum));
        }
      });
    });
  }
};
CRYOGRAPH_KERNEL(EuclideanNormKernel, "EuclideanNorm");

absl::Status L2Loss(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {}));
  return DispatchType<FloatTypes>(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const auto sum = ReduceRun<AddingSquares<T>>(input.data<T>(), input.num_elements());
    *output->mutable_data<T>() = static_cast<T>(sum / 2);
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(L2Loss, "L2Loss");

}  // namespace
}  // namespace cryograph
