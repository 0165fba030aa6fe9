// The loop that all element-wise kernels of one operand share.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_UNARY_H_
#define CRYOGRAPH_RUNTIME_KERNELS_UNARY_H_

#include <cstdint>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {

// out[i] = function(in[i]). `unit_cost`: nanoseconds an element takes, roughly.
template <typename T, typename Out, typename Function>
absl::Status UnaryLoop(KernelContext& context, double unit_cost, Function function) {
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, context.input(0).shape()));
  const T* in = context.input(0).data<T>();
  Out* out = output->mutable_data<Out>();
  context.ParallelFor(output->num_elements(), unit_cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = function(in[i]);
  });
  return absl::OkStatus();
}

// An element-wise kernel given by a functor template: Functor<T>()(a) is an element of the result, of type T.
template <typename Types, template <typename> class Functor>
absl::Status ComputeUnary(KernelContext& context) {
  return DispatchType<Types>(context.input(0).dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    return UnaryLoop<T, T>(context, 5, Functor<T>());
  });
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_UNARY_H_
