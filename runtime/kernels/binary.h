// The loop that all element-wise kernels of two operands share.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_BINARY_H_
#define CRYOGRAPH_RUNTIME_KERNELS_BINARY_H_

#include <cstdint>

#include "runtime/broadcast.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {

// out[i] = function(a[i], b[i]) with broadcasting. `Out` is the type of the result's elements; the output may
// take over an operand's memory if it has elements of the same width.
template <typename T, typename Out, typename Function>
absl::Status BinaryLoop(KernelContext& context, const Broadcast& broadcast, Function function) {
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0, 1}, 0, broadcast.shape()));
  const T* a = context.input(0).data<T>();
  const T* b = context.input(1).data<T>();
  Out* out = output->mutable_data<Out>();
  const auto rows = [&](int64_t begin, int64_t end) {
    broadcast.ForRows(begin, end,
                      [&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
                        const T* x = a + from[0];
                        const T* y = b + from[1];
                        Out* z = out + offset;
                        if (step[0] == 1 && step[1] == 1) {
                          for (int64_t i = 0; i < count; ++i) z[i] = function(x[i], y[i]);
                        } else if (step[0] == 1) {
                          const T second = *y;
                          for (int64_t i = 0; i < count; ++i) z[i] = function(x[i], second);
                        } else {
                          const T first = *x;
                          for (int64_t i = 0; i < count; ++i) z[i] = function(first, y[i * step[1]]);
                        }
                      });
  };
  if (broadcast.num_rows() > 1) {
    context.ParallelFor(broadcast.num_rows(), 1.0 * static_cast<double>(broadcast.row_length()), rows);
  } else {
    rows(0, broadcast.num_rows());
  }
  return absl::OkStatus();
}

inline absl::StatusOr<Broadcast> BroadcastInputs(KernelContext& context) {
  return Broadcast::Of({&context.input(0).shape(), &context.input(1).shape()});
}

// An element-wise kernel of two operands of one type, given by a functor template: Functor<T>()(a, b) is an
// element of the result, which is of type T too.
template <typename Types, template <typename> class Functor>
absl::Status ComputeBinary(KernelContext& context) {
  if (context.input(0).dtype() != context.input(1).dtype()) {
    return absl::InvalidArgumentError("the operands are of different types");
  }
  ASSIGN_OR_RETURN(const Broadcast broadcast, BroadcastInputs(context));
  return DispatchType<Types>(context.input(0).dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    return BinaryLoop<T, T>(context, broadcast, Functor<T>());
  });
}

// The same with a result of booleans.
template <typename Types, template <typename> class Functor>
absl::Status ComputePredicate(KernelContext& context) {
  if (context.input(0).dtype() != context.input(1).dtype()) {
    return absl::InvalidArgumentError("the operands are of different types");
  }
  ASSIGN_OR_RETURN(const Broadcast broadcast, BroadcastInputs(context));
  return DispatchType<Types>(context.input(0).dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    return BinaryLoop<T, bool>(context, broadcast, Functor<T>());
  });
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_BINARY_H_
