// AddN, AccumulateNV2: the sum of tensors of one shape.
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// The sum of unsigned integers wraps; that of signed ones has the same bits.
template <typename T>
struct Sum {
  using Type = T;
};
template <>
struct Sum<int8_t> {
  using Type = uint8_t;
};
template <>
struct Sum<int16_t> {
  using Type = uint16_t;
};
template <>
struct Sum<int32_t> {
  using Type = uint32_t;
};
template <>
struct Sum<int64_t> {
  using Type = uint64_t;
};
template <>
struct Sum<Half> {
  using Type = float;
};
template <>
struct Sum<Bfloat16> {
  using Type = float;
};

class AddNKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    return IsOneOf<NumberTypes>(node.output_type(0)) ? absl::OkStatus()
                                                     : node.UnsupportedType(node.output_type(0));
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& first = context.input(0);
    for (int i = 1; i < context.num_inputs(); ++i) RETURN_IF_ERROR(ExpectSameShape(first, context.input(i)));
    ASSIGN_OR_RETURN(Value * result, context.AllocateOutput(0, first.shape()));
    return DispatchType<NumberTypes>(first.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      T* const out = result->mutable_data<T>();
      context.ParallelFor(first.num_elements(), 1.0 * context.num_inputs(), [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) {
          typename Sum<T>::Type sum = first.data<T>()[k];
          for (int i = 1; i < context.num_inputs(); ++i)
            sum += typename Sum<T>::Type(context.input(i).data<T>()[k]);
          out[k] = T(sum);
        }
      });
      return absl::OkStatus();
    });
  }
};
CRYOGRAPH_KERNEL(AddNKernel, "AccumulateNV2", "AddN");

}  // namespace
}  // namespace cryograph
