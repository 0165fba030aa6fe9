// Variables: resources (VarHandleOp …) and references (VariableV2, Assign …).
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/variable_name.h"

namespace cryograph {
namespace {

// VarHandleOp, VariableV2, Variable, TemporaryVariable: the same object in every run of the session.
class VariableKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("dtype", &dtype_));
    name_ = VariableResourceName(node);
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(std::shared_ptr<Variable> variable,
                     context.resources().FindOrMake<Variable>(name_, [this] {
                       return std::make_shared<Variable>(std::string(DisplayName()), dtype_);
                     }));
    if (variable->dtype() != dtype_) {
      return absl::InvalidArgumentError(absl::StrCat("variable '", variable->name(), "' is ",
                                                     DataTypeName(variable->dtype()), ", not ",
                                                     DataTypeName(dtype_)));
    }
    return context.SetScalarOutput<Handle>(0, std::move(variable));
  }

 private:
  absl::string_view DisplayName() const { return absl::string_view(name_).substr(name_.rfind('\n') + 1); }

  std::string name_;
  DataType dtype_ = DT_INVALID;
};
CRYOGRAPH_KERNEL(VariableKernel, "VarHandleOp", "Variable", "VariableV2");

absl::Status CheckType(const Variable& variable, const Value& value) {
  if (variable.dtype() == value.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("variable '", variable.name(), "' is ",
                                                 DataTypeName(variable.dtype()), ", not ",
                                                 DataTypeName(value.dtype())));
}

absl::Status ReadVariable(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto variable, ObjectOf<Variable>(context.input(0)));
  ASSIGN_OR_RETURN(Value value, variable->Read());
  RETURN_IF_ERROR(CheckType(*variable, value));
  if (value.dtype() != context.node().output_type(0)) {
    return absl::InvalidArgumentError(absl::StrCat("variable '", variable->name(), "' is ", ValueText(value),
                                                   ", not ", DataTypeName(context.node().output_type(0))));
  }
  context.SetOutput(0, std::move(value));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ReadVariable, "ReadVariableOp");

absl::Status VariableShape(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto variable, ObjectOf<Variable>(context.input(0)));
  ASSIGN_OR_RETURN(const Value value, variable->Read());
  ASSIGN_OR_RETURN(Value * shape, context.AllocateOutput(0, {value.rank()}));
  for (int i = 0; i < value.rank(); ++i) {
    if (shape->dtype() == DT_INT32) {
      shape->mutable_data<int32_t>()[i] = static_cast<int32_t>(value.dim(i));
    } else {
      shape->mutable_data<int64_t>()[i] = value.dim(i);
    }
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(VariableShape, "VariableShape");

absl::Status IsInitialized(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto variable, ObjectOf<Variable>(context.input(0)));
  return context.SetScalarOutput<bool>(0, variable->initialized());
}
CRYOGRAPH_KERNEL_FUNCTION(IsInitialized, "IsVariableInitialized", "VarIsInitializedOp");

absl::Status Destroy(KernelContext& context) {
  ASSIGN_OR_RETURN(const auto variable, ObjectOf<Variable>(context.input(0)));
  variable->Assign(Value());
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Destroy, "DestroyResourceOp");

// AssignVariableOp, Assign. References pass the variable on.
class AssignKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.op() == "Assign") return node.Attr("validate_shape", &validate_shape_);
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto variable, ObjectOf<Variable>(context.input(0)));
    const Value& value = context.input(1);
    RETURN_IF_ERROR(CheckType(*variable, value));
    if (validate_shape_) {
      const absl::StatusOr<Value> old = variable->Read();
      if (old.ok()) RETURN_IF_ERROR(ExpectSameShape(*old, value));
    }
    variable->Assign(value);
    if (context.num_outputs() > 0) context.SetOutput(0, context.input(0));
    return absl::OkStatus();
  }

 private:
  bool validate_shape_ = false;
};
CRYOGRAPH_KERNEL(AssignKernel, "Assign", "AssignVariableOp");

// variable += value, -= value.
class AssignUpdateKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<NumberTypes>(node.input_type(1))) return node.UnsupportedType(node.input_type(1));
    subtract_ = node.op() == "AssignSub" || node.op() == "AssignSubVariableOp";
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const auto variable, ObjectOf<Variable>(context.input(0)));
    const Value& change = context.input(1);
    RETURN_IF_ERROR(CheckType(*variable, change));
    RETURN_IF_ERROR(variable->Update([&](Value& value) -> absl::Status {
      if (!value.has_value()) {
        return absl::FailedPreconditionError(
            absl::StrCat("variable '", variable->name(), "' is not initialized"));
      }
      RETURN_IF_ERROR(ExpectSameShape(value, change));
      if (!value.writable_alone()) {
        ASSIGN_OR_RETURN(value, value.Copy(context.pool()));
      }
      return Update(value, change);
    }));
    if (context.num_outputs() > 0) context.SetOutput(0, context.input(0));
    return absl::OkStatus();
  }

 private:
  absl::Status Update(Value& value, const Value& change) const {
    return DispatchType<NumberTypes>(value.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      T* const to = value.mutable_data<T>();
      const T* const from = change.data<T>();
      for (int64_t i = 0; i < value.num_elements(); ++i) to[i] = Combined(to[i], from[i]);
      return absl::OkStatus();
    });
  }

  template <typename T>
  T Combined(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;  // Wraps.
      return static_cast<T>(subtract_ ? static_cast<U>(a) - static_cast<U>(b)
                                      : static_cast<U>(a) + static_cast<U>(b));
    } else {
      return T(subtract_ ? a - b : a + b);
    }
  }

  bool subtract_ = false;
};
CRYOGRAPH_KERNEL(AssignUpdateKernel, "AssignAdd", "AssignAddVariableOp", "AssignSub", "AssignSubVariableOp");

}  // namespace
}  // namespace cryograph
