// OneHot.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class OneHotKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("axis", &axis_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& indices = context.input(0);
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "depth"));
    ASSIGN_OR_RETURN(const int64_t depth, ScalarInt(context.input(1), "depth"));
    if (depth < 0)
      return absl::InvalidArgumentError(absl::StrCat("depth must be non-negative, got: ", depth));
    for (const int i : {2, 3}) RETURN_IF_ERROR(ExpectScalar(context.input(i), "on_value and off_value"));
    if (axis_ < -1 || axis_ > indices.rank()) {
      return absl::InvalidArgumentError(
          absl::StrCat("axis ", axis_, " is not in [-1, ", indices.rank(), "]"));
    }
    const int axis = axis_ == -1 ? indices.rank() : static_cast<int>(axis_);
    Shape shape = indices.shape();
    shape.insert(shape.begin() + axis, depth);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    int64_t inner = 1;
    for (int d = axis; d < indices.rank(); ++d) inner *= indices.dim(d);
    return DispatchType<
        JoinTypes<IndexTypes, TypeList<TypeEntry<DT_UINT8, uint8_t>, TypeEntry<DT_INT8, int8_t>>>>(
        indices.dtype(), [&](auto index_tag) {
          const auto* index = indices.data<TypeOf<decltype(index_tag)>>();
          return DispatchWidth(output->dtype(), [&](auto tag) {
            using T = TypeOf<decltype(tag)>;
            const auto values = output->mutable_span<T>();
            std::fill(values.begin(), values.end(), context.input(3).scalar<T>());
            for (int64_t i = 0; i < indices.num_elements(); ++i) {
              const auto hot = static_cast<int64_t>(index[i]);
              if (hot < 0 || hot >= depth) continue;
              values[(i / inner * depth + hot) * inner + i % inner] = context.input(2).scalar<T>();
            }
            return absl::OkStatus();
          });
        });
  }

 private:
  int64_t axis_ = -1;
};
CRYOGRAPH_KERNEL(OneHotKernel, "OneHot");

}  // namespace
}  // namespace cryograph
