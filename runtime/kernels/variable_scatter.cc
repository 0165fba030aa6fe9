// Scattering into variables: ScatterUpdate, -Add, -Sub, -Mul, -Div, -Max, -Min, which address rows,
// ScatterNdUpdate, -Add, -Sub, -Max, -Min, and the same on resources (ResourceScatter…).
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/scatter_slices.h"

namespace cryograph {
namespace {

ScatterMode ModeOf(absl::string_view op) {
  if (absl::EndsWith(op, "Add")) return ScatterMode::kAdd;
  if (absl::EndsWith(op, "Sub")) return ScatterMode::kSub;
  if (absl::EndsWith(op, "Mul")) return ScatterMode::kMul;
  if (absl::EndsWith(op, "Div")) return ScatterMode::kDiv;
  if (absl::EndsWith(op, "Max")) return ScatterMode::kMax;
  return absl::EndsWith(op, "Min") ? ScatterMode::kMin : ScatterMode::kUpdate;
}

class VariableScatterKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    mode_ = ModeOf(node.op());
    rows_ = !absl::StrContains(node.op(), "ScatterNd");
    const DataType type = node.input_type(2);
    if (mode_ != ScatterMode::kUpdate && !IsOneOf<NumberTypes>(type)) return node.UnsupportedType(type);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const std::shared_ptr<Variable> variable, ObjectOf<Variable>(context.input(0)));
    const Value& indices = context.input(1);
    const Value& updates = context.input(2);
    RETURN_IF_ERROR(variable->Update([&](Value& value) -> absl::Status {
      if (!value.has_value()) {
        return absl::FailedPreconditionError(
            absl::StrCat("variable '", variable->name(), "' is not initialized"));
      }
      if (value.dtype() != updates.dtype()) {
        return absl::InvalidArgumentError(absl::StrCat("variable '", variable->name(), "' is ",
                                                       DataTypeName(value.dtype()), ", the updates are ",
                                                       DataTypeName(updates.dtype())));
      }
      if (!rows_) return Scatter(context, indices, updates, value);
      // Indices of any shape address rows; one number may stand for all updates.
      if (value.rank() < 1) return absl::InvalidArgumentError("the variable must be at least a vector");
      Shape dims = value.shape();
      dims.erase(dims.begin());
      Shape expected = indices.shape();
      expected.insert(expected.end(), dims.begin(), dims.end());
      dims.insert(dims.begin(), indices.num_elements());
      const Value rows = indices.Reshaped({indices.num_elements()});
      if (updates.shape() == expected) return Scatter(context, rows, updates.Reshaped(dims), value);
      if (!updates.is_scalar()) {
        return absl::InvalidArgumentError(absl::StrCat("updates must be of shape ", ShapeText(expected),
                                                       ", not ", ShapeText(updates.shape())));
      }
      ASSIGN_OR_RETURN(Value repeated, context.AllocateTemp(updates.dtype(), dims));
      RETURN_IF_ERROR(DispatchWidth(updates.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        const auto all = repeated.mutable_span<T>();
        std::fill(all.begin(), all.end(), updates.scalar<T>());
        return absl::OkStatus();
      }));
      return Scatter(context, rows, repeated, value);
    }));
    if (context.num_outputs() > 0) context.SetOutput(0, context.input(0));
    return absl::OkStatus();
  }

 private:
  // Others may have read the value and keep it; and where an index is wrong it stays as it was.
  absl::Status Scatter(KernelContext& context, const Value& indices, const Value& updates,
                       Value& value) const {
    ASSIGN_OR_RETURN(Value changed, value.Copy(context.pool()));
    RETURN_IF_ERROR(ScatterSlices(mode_, indices, updates, &changed));
    value = std::move(changed);
    return absl::OkStatus();
  }

  ScatterMode mode_ = ScatterMode::kUpdate;
  bool rows_ = true;
};
CRYOGRAPH_KERNEL(VariableScatterKernel, "ResourceScatterAdd", "ResourceScatterDiv", "ResourceScatterMax",
                 "ResourceScatterMin", "ResourceScatterMul", "ResourceScatterNdAdd", "ResourceScatterNdMax",
                 "ResourceScatterNdMin", "ResourceScatterNdSub", "ResourceScatterNdUpdate",
                 "ResourceScatterSub", "ResourceScatterUpdate", "ScatterAdd", "ScatterDiv", "ScatterMax",
                 "ScatterMin", "ScatterMul", "ScatterNdAdd", "ScatterNdMax", "ScatterNdMin", "ScatterNdSub",
                 "ScatterNdUpdate", "ScatterSub", "ScatterUpdate");

}  // namespace
}  // namespace cryograph
