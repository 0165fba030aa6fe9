// Steps of training: ApplyGradientDescent, ApplyMomentum, ApplyKerasMomentum, ApplyAdagrad, ApplyRMSProp,
// ApplyAdam, and the same on resources (ResourceApply…).
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

// An optimizer's inputs are its variables (what is trained, then what it keeps of earlier steps), scalars,
// and the gradient somewhere among them.
struct Optimizer {
  const char* name;
  int variables;
  int scalars;
  int gradient;  // Which input.
};
constexpr Optimizer kOptimizers[] = {
    {"GradientDescent", 1, 1, 2}, {"Momentum", 2, 2, 3}, {"KerasMomentum", 2, 2, 3},
    {"Adagrad", 2, 1, 3},         {"RMSProp", 3, 4, 7},  {"Adam", 3, 6, 9},
};

// One element of all variables.
template <typename T>
struct Element {
  T* variables[3];
  T gradient;
};

template <typename T>
class Rule {
 public:
  Rule(absl::string_view name, bool nesterov, bool update_slots, const T* scalars)
      : nesterov_(nesterov), update_slots_(update_slots), scalars_(scalars) {
    step_ = name == "GradientDescent" ? &Rule::GradientDescent
            : name == "Momentum"      ? &Rule::Momentum
            : name == "KerasMomentum" ? &Rule::KerasMomentum
            : name == "Adagrad"       ? &Rule::Adagrad
            : name == "RMSProp"       ? &Rule::RmsProp
                                      : &Rule::Adam;
  }

  void operator()(const Element<T>& element) const { (this->*step_)(element); }

 private:
  void GradientDescent(const Element<T>& e) const { *e.variables[0] -= scalars_[0] * e.gradient; }

  // Scalars: learning rate, momentum.
  void Momentum(const Element<T>& e) const {
    T& sum = *e.variables[1];
    sum = sum * scalars_[1] + e.gradient;
    *e.variables[0] -= scalars_[0] * (nesterov_ ? e.gradient + sum * scalars_[1] : sum);
  }

  void KerasMomentum(const Element<T>& e) const {
    T& sum = *e.variables[1];
    sum = sum * scalars_[1] - scalars_[0] * e.gradient;
    *e.variables[0] += nesterov_ ? sum * scalars_[1] - scalars_[0] * e.gradient : sum;
  }

  void Adagrad(const Element<T>& e) const {
    T& squares = *e.variables[1];
    if (update_slots_) squares += e.gradient * e.gradient;
    *e.variables[0] -= scalars_[0] * e.gradient / std::sqrt(squares);
  }

  // Scalars: learning rate, rho, momentum, epsilon.
  void RmsProp(const Element<T>& e) const {
    T &squares = *e.variables[1], &sum = *e.variables[2];
    squares += (e.gradient * e.gradient - squares) * (1 - scalars_[1]);
    sum = sum * scalars_[2] + scalars_[0] * e.gradient / std::sqrt(squares + scalars_[3]);
    *e.variables[0] -= sum;
  }

  // Scalars: powers of beta 1 and 2, learning rate, beta 1 and 2, epsilon.
  void Adam(const Element<T>& e) const {
    T &mean = *e.variables[1], &squares = *e.variables[2];
    const T beta1 = scalars_[3], beta2 = scalars_[4];
    const T rate = scalars_[2] * std::sqrt(1 - scalars_[1]) / (1 - scalars_[0]);
    mean += (e.gradient - mean) * (1 - beta1);
    squares += (e.gradient * e.gradient - squares) * (1 - beta2);
    const T direction = nesterov_ ? e.gradient * (1 - beta1) + beta1 * mean : mean;
    *e.variables[0] -= direction * rate / (std::sqrt(squares) + scalars_[5]);
  }

  void (Rule::*step_)(const Element<T>&) const;
  const bool nesterov_, update_slots_;
  const T* const scalars_;
};

class ApplyGradientKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    absl::string_view name = node.op();
    absl::ConsumePrefix(&name, "Resource");
    absl::ConsumePrefix(&name, "Apply");
    optimizer_ = std::find_if(std::begin(kOptimizers), std::end(kOptimizers),
                              [&](const Optimizer& each) { return name == each.name; });
    if (optimizer_ == std::end(kOptimizers)) return absl::UnimplementedError("no such optimizer");
    const DataType dtype = node.input_type(optimizer_->gradient);
    if (!IsOneOf<FloatTypes>(dtype)) return node.UnsupportedType(dtype);
    if (node.attr("use_nesterov").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("use_nesterov", &nesterov_));
    }
    if (node.attr("update_slots").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("update_slots", &update_slots_));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& gradient = context.input(optimizer_->gradient);
    std::vector<std::shared_ptr<Variable>> variables;
    std::vector<Value> values;
    for (int i = 0; i < optimizer_->variables; ++i) {
      ASSIGN_OR_RETURN(std::shared_ptr<Variable> variable, ObjectOf<Variable>(context.input(i)));
      ASSIGN_OR_RETURN(const Value value, variable->Read());
      if (value.dtype() != gradient.dtype() || value.shape() != gradient.shape()) {
        return absl::InvalidArgumentError(absl::StrCat("variable '", variable->name(), "' is ",
                                                       ValueText(value), ", and the gradient ",
                                                       ValueText(gradient)));
      }
      ASSIGN_OR_RETURN(Value computed, ToComputeType(context, value));
      if (computed.SharesElementsWith(value)) {
        ASSIGN_OR_RETURN(computed, computed.Copy(context.pool()));
      }
      variables.push_back(std::move(variable));
      values.push_back(std::move(computed));
    }
    ASSIGN_OR_RETURN(const Value slope, ToComputeType(context, gradient));
    ASSIGN_OR_RETURN(Value scalars, context.AllocateTemp(slope.dtype(), {optimizer_->scalars}));
    for (int i = optimizer_->variables, n = 0; n < optimizer_->scalars; ++i) {
      if (i == optimizer_->gradient) continue;
      RETURN_IF_ERROR(ExpectScalar(context.input(i), "a scalar of the step"));
      ASSIGN_OR_RETURN(const Value scalar, ToComputeType(context, context.input(i)));
      std::copy_n(scalar.raw(), ValueElementBytes(scalar.dtype()),
                  scalars.mutable_raw() + n++ * ValueElementBytes(scalar.dtype()));
    }
    slope.dtype() == DT_DOUBLE ? Step<double>(slope, scalars, &values) : Step<float>(slope, scalars, &values);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSIGN_OR_RETURN(Value value, FromComputeType(context, values[i], gradient.dtype()));
      variables[i]->Assign(std::move(value));
    }
    if (context.num_outputs() > 0) context.SetOutput(0, context.input(0));
    return absl::OkStatus();
  }

 private:
  template <typename T>
  void Step(const Value& gradient, const Value& scalars, std::vector<Value>* values) const {
    const Rule<T> rule(optimizer_->name, nesterov_, update_slots_, scalars.data<T>());
    for (int64_t i = 0; i < gradient.num_elements(); ++i) {
      Element<T> element = {};
      for (size_t k = 0; k < values->size(); ++k) element.variables[k] = (*values)[k].mutable_data<T>() + i;
      element.gradient = gradient.data<T>()[i];
      rule(element);
    }
  }

  const Optimizer* optimizer_ = nullptr;
  bool nesterov_ = false, update_slots_ = true;
};
CRYOGRAPH_KERNEL(ApplyGradientKernel, "ApplyAdagrad", "ApplyAdam", "ApplyGradientDescent", "ApplyMomentum",
                 "ApplyRMSProp", "ResourceApplyAdagrad", "ResourceApplyAdam", "ResourceApplyGradientDescent",
                 "ResourceApplyKerasMomentum", "ResourceApplyMomentum", "ResourceApplyRMSProp");

}  // namespace
}  // namespace cryograph
