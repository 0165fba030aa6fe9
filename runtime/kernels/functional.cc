// Ops that call library functions: If, Case, While, For, PartitionedCall, SymbolicGradient, and a function's
// name as an op.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

std::vector<Value> Arguments(KernelContext& context, int first) {
  std::vector<Value> arguments;
  for (int i = first; i < context.num_inputs(); ++i) arguments.push_back(context.input(i));
  return arguments;
}

absl::Status SetOutputs(KernelContext& context, const FunctionRef& function, std::vector<Value> results) {
  if (static_cast<int>(results.size()) != context.num_outputs()) {
    return absl::InvalidArgumentError(absl::StrCat("function '", function.name, "' gives ", results.size(),
                                                   " results, but the node has ", context.num_outputs(),
                                                   " outputs"));
  }
  for (int i = 0; i < context.num_outputs(); ++i) {
    if (results[i].dtype() != context.node().output_type(i)) {
      return absl::InvalidArgumentError(absl::StrCat("result ", i, " of function '", function.name, "' is ",
                                                     ValueText(results[i]), ", but the node wants ",
                                                     DataTypeName(context.node().output_type(i))));
    }
    context.SetOutput(i, std::move(results[i]));
  }
  return absl::OkStatus();
}

absl::Status Call(KernelContext& context, const FunctionRef& function, std::vector<Value> arguments) {
  ASSIGN_OR_RETURN(std::vector<Value> results, context.CallFunction(function, std::move(arguments)));
  return SetOutputs(context, function, std::move(results));
}

// A bool, a number that is not zero, a string that is not empty; a tensor that is no scalar: has elements.
absl::StatusOr<bool> IsTrue(const Value& value) {
  if (!value.is_scalar()) return value.num_elements() > 0;
  if (value.dtype() == DT_BOOL) return value.scalar<bool>();
  if (value.dtype() == DT_STRING) return !value.scalar<std::string>().empty();
  bool result = false;
  RETURN_IF_ERROR(DispatchType<RealTypes>(value.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    result = !(value.scalar<T>() == T(0));
    return absl::OkStatus();
  }));
  return result;
}

class IfKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("then_branch", &then_branch_));
    return node.Attr("else_branch", &else_branch_);
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const bool condition, IsTrue(context.input(0)));
    return Call(context, condition ? then_branch_ : else_branch_, Arguments(context, 1));
  }

 private:
  FunctionRef then_branch_, else_branch_;
};
CRYOGRAPH_KERNEL(IfKernel, "If", "StatelessIf");

class CaseKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("branches", &branches_));
    return branches_.empty() ? absl::InvalidArgumentError("it has no branch") : absl::OkStatus();
  }
  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const int64_t index, ScalarInt(context.input(0), "branch_index"));
    const int64_t count = static_cast<int64_t>(branches_.size());
    return Call(context, branches_[index < 0 || index >= count ? count - 1 : index], Arguments(context, 1));
  }

 private:
  std::vector<FunctionRef> branches_;
};
CRYOGRAPH_KERNEL(CaseKernel, "Case", "StatelessCase");

class WhileKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("cond", &cond_));
    return node.Attr("body", &body_);
  }
  absl::Status Compute(KernelContext& context) const override {
    std::vector<Value> variables = Arguments(context, 0);
    while (true) {
      RETURN_IF_ERROR(context.CheckLimits());
      ASSIGN_OR_RETURN(const std::vector<Value> condition, context.CallFunction(cond_, variables));
      if (condition.size() != 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("function '", cond_.name, "' gives ", condition.size(), " results instead of one"));
      }
      ASSIGN_OR_RETURN(const bool go_on, IsTrue(condition[0]));
      if (!go_on) return SetOutputs(context, body_, std::move(variables));
      ASSIGN_OR_RETURN(variables, context.CallFunction(body_, std::move(variables)));
    }
  }

 private:
  FunctionRef cond_, body_;
};
CRYOGRAPH_KERNEL(WhileKernel, "StatelessWhile", "While");

// for (i = start; i < limit; i += delta) variables = body(i, variables).
class ForKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("body", &body_); }
  absl::Status Compute(KernelContext& context) const override {
    int64_t range[3];
    const char* const names[3] = {"start", "limit", "delta"};
    for (int i = 0; i < 3; ++i) {
      ASSIGN_OR_RETURN(range[i], ScalarInt(context.input(i), names[i]));
    }
    const auto [start, limit, delta] = range;
    if (delta == 0 || (delta > 0 ? start > limit : start < limit)) {
      return absl::InvalidArgumentError(absl::StrCat("from ", start, " to ", limit, " in steps of ", delta));
    }
    std::vector<Value> variables = Arguments(context, 3);
    for (int64_t i = start; delta > 0 ? i < limit : i > limit; i += delta) {
      RETURN_IF_ERROR(context.CheckLimits());
      ASSIGN_OR_RETURN(Value index, context.AllocateTemp(DT_INT32, {}));
      *index.mutable_data<int32_t>() = static_cast<int32_t>(i);
      variables.insert(variables.begin(), std::move(index));
      ASSIGN_OR_RETURN(variables, context.CallFunction(body_, std::move(variables)));
    }
    return SetOutputs(context, body_, std::move(variables));
  }

 private:
  FunctionRef body_;
};
CRYOGRAPH_KERNEL(ForKernel, "For");

// Also the kernel of a node whose op is a function of the library. The gradient of one is a function, too.
class CallKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (absl::EndsWith(node.op(), "PartitionedCall")) return node.Attr("f", &function_);
    function_ = node.AsFunction();
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& context) const override {
    return Call(context, function_, Arguments(context, 0));
  }

 private:
  FunctionRef function_;
};
CRYOGRAPH_KERNEL(CallKernel, "PartitionedCall", "StatefulPartitionedCall", "SymbolicGradient");

}  // namespace
}  // namespace cryograph
