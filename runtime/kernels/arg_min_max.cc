// ArgMax, ArgMin: the first of equal values.
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"

namespace cryograph {
namespace {

using ArgTypes = JoinTypes<RealTypes, BoolType>;

class ArgKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    largest_ = node.op() == "ArgMax";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const int64_t axis_given, ScalarInt(context.input(1), "the dimension"));
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_given, input.rank()));
    const AxisLoop loop(input.shape(), axis);
    if (loop.size == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("reduction axis ", axis, " is empty in shape ", ShapeText(input.shape())));
    }
    Shape shape = input.shape();
    shape.erase(shape.begin() + axis);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    return DispatchType<ArgTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* in = input.data<T>();
      for (int64_t outer = 0; outer < loop.outer; ++outer) {
        for (int64_t inner = 0; inner < loop.inner; ++inner) {
          const T* line = in + outer * loop.size * loop.inner + inner;
          int64_t best = 0;
          for (int64_t i = 1; i < loop.size; ++i) {
            const T candidate = line[i * loop.inner], champion = line[best * loop.inner];
            if (largest_ ? candidate > champion : candidate < champion) best = i;
          }
          Store(output, outer * loop.inner + inner, best);
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  static void Store(Value* output, int64_t place, int64_t index) {
    switch (output->dtype()) {
      case DT_INT64:
        output->mutable_data<int64_t>()[place] = index;
        break;
      case DT_INT32:
        output->mutable_data<int32_t>()[place] = static_cast<int32_t>(index);
        break;
      default:  // int16, uint16.
        output->mutable_data<uint16_t>()[place] = static_cast<uint16_t>(index);
        break;
    }
  }

  bool largest_ = true;
};
CRYOGRAPH_KERNEL(ArgKernel, "ArgMax", "ArgMin");

}  // namespace
}  // namespace cryograph
