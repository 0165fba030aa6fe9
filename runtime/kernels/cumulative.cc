// Cumsum, Cumprod, CumulativeLogsumexp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/axis_loop.h"

namespace cryograph {
namespace {

template <typename T>
struct Adding {
  using A = Arithmetic<T>;
  static A Identity() { return A(0); }
  static A Join(A a, A b) { return a + b; }
};
template <typename T>
struct Multiplying {
  using A = Arithmetic<T>;
  static A Identity() { return A(1); }
  static A Join(A a, A b) { return a * b; }
};
template <typename T>
struct AddingExponentials {
  using A = Arithmetic<T>;
  static A Identity() { return -std::numeric_limits<A>::infinity(); }
  // log(e^a + e^b), which must not overflow on the way.
  static A Join(A a, A b) {
    const A high = std::max(a, b), low = std::min(a, b);
    return low == Identity() ? high : high + std::log1p(std::exp(low - high));
  }
};

class CumulativeKernel : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("exclusive", &exclusive_));
    return node.Attr("reverse", &reverse_);
  }

 protected:
  template <typename Types, template <typename> class Step>
  absl::Status Accumulate(KernelContext& context) const {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "the axis"));
    ASSIGN_OR_RETURN(const int64_t axis_given, ScalarInt(context.input(1), "the axis"));
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_given, input.rank()));
    const AxisLoop loop(input.shape(), axis);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    if (output->num_elements() == 0) return absl::OkStatus();
    return DispatchType<Types>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      using A = typename Step<T>::A;
      const T* in = input.data<T>();
      T* out = output->mutable_data<T>();
      for (int64_t outer = 0; outer < loop.outer; ++outer) {
        for (int64_t inner = 0; inner < loop.inner; ++inner) {
          A total = Step<T>::Identity();
          for (int64_t i = 0; i < loop.size; ++i) {
            const int64_t step = reverse_ ? loop.size - 1 - i : i;
            const int64_t place = (outer * loop.size + step) * loop.inner + inner;
            const A next = Step<T>::Join(total, static_cast<A>(in[place]));
            out[place] = static_cast<T>(exclusive_ ? total : next);
            total = next;
          }
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  bool exclusive_ = false, reverse_ = false;
};

class CumsumKernel final : public CumulativeKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    return Accumulate<NumberTypes, Adding>(context);
  }
};
CRYOGRAPH_KERNEL(CumsumKernel, "Cumsum");

class CumprodKernel final : public CumulativeKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    return Accumulate<NumberTypes, Multiplying>(context);
  }
};
CRYOGRAPH_KERNEL(CumprodKernel, "Cumprod");

class CumulativeLogsumexpKernel final : public CumulativeKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    return Accumulate<FloatTypes, AddingExponentials>(context);
  }
};
CRYOGRAPH_KERNEL(CumulativeLogsumexpKernel, "CumulativeLogsumexp");

}  // namespace
}  // namespace cryograph
