// Steps of training: ApplyGradientDescent, ApplyMomentum, ApplyAdam and all other optimizers but
// ApplyAdagradDA; the same on resources (ResourceApply…), and on some rows of a variable
// ((Resource)SparseApply…).
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
// and the gradient somewhere among them, with the indices of its rows behind it if it is sparse.
struct Optimizer {
  const char* name;
  int variables;
  int scalars;
  int gradient;  // Which input.
};
constexpr Optimizer kOptimizers[] = {
    {"AdaMax", 3, 5, 8},
    {"Adadelta", 3, 3, 6},
    {"Adagrad", 2, 1, 3},
    {"AdagradV2", 2, 2, 4},
    {"Adam", 3, 6, 9},
    {"AddSign", 2, 4, 6},
    {"CenteredRMSProp", 4, 4, 8},
    {"Ftrl", 3, 4, 3},
    {"FtrlV2", 3, 5, 3},
    {"GradientDescent", 1, 1, 2},
    {"KerasMomentum", 2, 2, 3},
    {"Momentum", 2, 2, 3},
    {"PowerSign", 2, 4, 6},
    {"ProximalAdagrad", 2, 3, 5},
    {"ProximalGradientDescent", 1, 3, 4},
    {"RMSProp", 3, 4, 7},
};
// One element of all variables.
template <typename T>
struct Element {
  T* variables[4];
  T gradient;
};

template <typename T>
class Rule {
 public:
  Rule(absl::string_view name, bool nesterov, bool update_slots, const T* scalars)
      : nesterov_(nesterov), update_slots_(update_slots), scalars_(scalars) {
    static constexpr std::pair<const char*, Step> kSteps[] = {
        {"AdaMax", &Rule::AdaMax},
        {"Adadelta", &Rule::Adadelta},
        {"Adagrad", &Rule::Adagrad},
        {"AdagradV2", &Rule::AdagradV2},
        {"Adam", &Rule::Adam},
        {"AddSign", &Rule::AddSign},
        {"CenteredRMSProp", &Rule::CenteredRmsProp},
        {"Ftrl", &Rule::Ftrl},
        {"FtrlV2", &Rule::FtrlV2},
        {"GradientDescent", &Rule::GradientDescent},
        {"KerasMomentum", &Rule::KerasMomentum},
        {"Momentum", &Rule::Momentum},
        {"PowerSign", &Rule::PowerSign},
        {"ProximalAdagrad", &Rule::ProximalAdagrad},
        {"ProximalGradientDescent", &Rule::ProximalGradientDescent},
        {"RMSProp", &Rule::RmsProp},
    };
    for (const auto& [optimizer, step] : kSteps) {
      if (name == optimizer) step_ = step;
    }
  }

  void operator()(const Element<T>& element) const { (this->*step_)(element); }

 private:
  using Step = void (Rule::*)(const Element<T>&) const;
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

  // Scalars: power of beta 1, learning rate, beta 1 and 2, epsilon.
  void AdaMax(const Element<T>& e) const {
    T &mean = *e.variables[1], &largest = *e.variables[2];
    mean += (e.gradient - mean) * (1 - scalars_[2]);
    largest = std::max(scalars_[3] * largest, std::abs(e.gradient));
    *e.variables[0] -= scalars_[1] / (1 - scalars_[0]) * (mean / (largest + scalars_[4]));
  }

  // Scalars: learning rate, rho, epsilon.
  void Adadelta(const Element<T>& e) const {
    T &squares = *e.variables[1], &updates = *e.variables[2];
    const T rho = scalars_[1], epsilon = scalars_[2];
    squares = squares * rho + e.gradient * e.gradient * (1 - rho);
    const T update = std::sqrt(updates + epsilon) / std::sqrt(squares + epsilon) * e.gradient;
    *e.variables[0] -= update * scalars_[0];
    updates = updates * rho + update * update * (1 - rho);
  }

  // Scalars: learning rate, epsilon.
  void AdagradV2(const Element<T>& e) const {
    T& squares = *e.variables[1];
    if (update_slots_) squares += e.gradient * e.gradient;
    *e.variables[0] -= scalars_[0] * e.gradient / (std::sqrt(squares) + scalars_[1]);
  }

  static T Sign(T x) { return static_cast<T>((x > 0) - (x < 0)); }

  // Scalars: learning rate, alpha, decay of the sign, beta.
  void AddSign(const Element<T>& e) const {
    T& mean = *e.variables[1];
    mean = mean * scalars_[3] + e.gradient * (1 - scalars_[3]);
    *e.variables[0] -=
        scalars_[0] * (scalars_[1] + scalars_[2] * (Sign(e.gradient) * Sign(mean))) * e.gradient;
  }

  // Scalars: learning rate, logarithm of the base, decay of the sign, beta.
  void PowerSign(const Element<T>& e) const {
    T& mean = *e.variables[1];
    mean = mean * scalars_[3] + e.gradient * (1 - scalars_[3]);
    *e.variables[0] -=
        scalars_[0] * std::exp(scalars_[1] * scalars_[2] * (Sign(e.gradient) * Sign(mean))) * e.gradient;
  }

  // Scalars: learning rate, rho, momentum, epsilon.
  void CenteredRmsProp(const Element<T>& e) const {
    T &mean = *e.variables[1], &squares = *e.variables[2], &sum = *e.variables[3];
    squares += (e.gradient * e.gradient - squares) * (1 - scalars_[1]);
    mean += (e.gradient - mean) * (1 - scalars_[1]);
    sum = sum * scalars_[2] + scalars_[0] * e.gradient / std::sqrt(squares - mean * mean + scalars_[3]);
    *e.variables[0] -= sum;
  }

  // Scalars: learning rate, l1, l2, power of the learning rate.
  void Ftrl(const Element<T>& e) const { FollowLeader(e, 0, scalars_[3]); }
  // With a shrinkage of l2 before the power.
  void FtrlV2(const Element<T>& e) const { FollowLeader(e, scalars_[3], scalars_[4]); }
  void FollowLeader(const Element<T>& e, T shrinkage, T power) const {
    T &variable = *e.variables[0], &squares = *e.variables[1], &linear = *e.variables[2];
    const T rate = scalars_[0], l1 = scalars_[1], l2 = scalars_[2];
    const auto root = [power](T x) { return power == T(-0.5) ? std::sqrt(x) : std::pow(x, -power); };
    const T new_squares = squares + e.gradient * e.gradient;
    linear += e.gradient + 2 * shrinkage * variable - (root(new_squares) - root(squares)) / rate * variable;
    const T excess = l1 * Sign(linear) - linear;
    variable = std::abs(linear) > l1 ? excess / (root(new_squares) / rate + 2 * l2) : T(0);
    squares = new_squares;
  }

  T Shrunk(T x, T rate, T l1, T l2) const {
    if (l1 > 0) x = Sign(x) * std::max(std::abs(x) - rate * l1, T(0));
    return x / (1 + l2 * rate);
  }

  // Scalars: learning rate, l1, l2.
  void ProximalGradientDescent(const Element<T>& e) const {
    T& variable = *e.variables[0];
    variable = Shrunk(variable - e.gradient * scalars_[0], scalars_[0], scalars_[1], scalars_[2]);
  }
  void ProximalAdagrad(const Element<T>& e) const {
    T &variable = *e.variables[0], &squares = *e.variables[1];
    squares += e.gradient * e.gradient;
    const T rate = scalars_[0] / std::sqrt(squares);
    variable = Shrunk(variable - e.gradient * rate, rate, scalars_[1], scalars_[2]);
  }

  Step step_ = nullptr;
  const bool nesterov_, update_slots_;
  const T* const scalars_;
};

class ApplyGradientKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    absl::string_view name = node.op();
    absl::ConsumePrefix(&name, "Resource");
    sparse_ = absl::ConsumePrefix(&name, "Sparse");
    absl::ConsumePrefix(&name, "Apply");
    optimizer_ = std::find_if(std::begin(kOptimizers), std::end(kOptimizers),
                              [&](const Optimizer& each) { return name == each.name; });
    if (optimizer_ == std::end(kOptimizers)) return absl::UnimplementedError("no such optimizer");
    const DataType dtype = node.input_type(optimizer_->gradient);
    if (!IsOneOf<FloatTypes>(dtype)) return node.UnsupportedType(dtype);
    if (node.attr("use_nesterov").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("use_nesterov", &nesterov_));
    }
    if (node.attr("multiply_linear_by_lr").Get<bool>(false)) {
      return node.UnsupportedAttr("multiply_linear_by_lr", "true");
    }
    if (node.attr("update_slots").kind() != AttrView::kNone) {
      RETURN_IF_ERROR(node.Attr("update_slots", &update_slots_));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& gradient = context.input(optimizer_->gradient);
    Shape rows;
    Shape gradient_dims = gradient.shape();
    if (sparse_) {
      const Value& indices = context.input(optimizer_->gradient + 1);
      RETURN_IF_ERROR(ExpectVector(indices, "indices"));
      ASSIGN_OR_RETURN(rows, IntVector(indices, "indices"));
      if (gradient.rank() < 1 || gradient.dim(0) != indices.dim(0)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the gradient is ", ValueText(gradient), " for ", indices.dim(0), " rows"));
      }
    }
    std::vector<std::shared_ptr<Variable>> variables;
    std::vector<Value> values;
    for (int i = 0; i < optimizer_->variables; ++i) {
      ASSIGN_OR_RETURN(std::shared_ptr<Variable> variable, ObjectOf<Variable>(context.input(i)));
      ASSIGN_OR_RETURN(const Value value, variable->Read());
      if (sparse_ && value.rank() > 0) {
        gradient_dims[0] = value.dim(0);
        for (const int64_t row : rows) {
          if (row >= 0 && row < value.dim(0)) continue;
          return absl::InvalidArgumentError(absl::StrCat("row ", row, " is not in [0, ", value.dim(0), ")"));
        }
      }
      if (value.dtype() != gradient.dtype() || value.shape() != gradient_dims) {
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
      if (i == optimizer_->gradient || (sparse_ && i == optimizer_->gradient + 1)) continue;
      RETURN_IF_ERROR(ExpectScalar(context.input(i), "a scalar of the step"));
      ASSIGN_OR_RETURN(const Value scalar, ToComputeType(context, context.input(i)));
      std::copy_n(scalar.raw(), ValueElementBytes(scalar.dtype()),
                  scalars.mutable_raw() + n++ * ValueElementBytes(scalar.dtype()));
    }
    slope.dtype() == DT_DOUBLE ? Step<double>(slope, rows, scalars, &values)
                               : Step<float>(slope, rows, scalars, &values);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSIGN_OR_RETURN(Value value, FromComputeType(context, values[i], gradient.dtype()));
      variables[i]->Assign(std::move(value));
    }
    if (context.num_outputs() > 0) context.SetOutput(0, context.input(0));
    return absl::OkStatus();
  }

 private:
  template <typename T>
  void Step(const Value& gradient, const Shape& rows, const Value& scalars,
            std::vector<Value>* values) const {
    const Rule<T> rule(optimizer_->name, nesterov_, update_slots_, scalars.data<T>());
    const int64_t row_size = rows.empty() ? 0 : gradient.num_elements() / static_cast<int64_t>(rows.size());
    for (int64_t i = 0; i < gradient.num_elements(); ++i) {
      const int64_t at = sparse_ ? rows[static_cast<size_t>(i / row_size)] * row_size + i % row_size : i;
      Element<T> element = {};
      for (size_t k = 0; k < values->size(); ++k) element.variables[k] = (*values)[k].mutable_data<T>() + at;
      element.gradient = gradient.data<T>()[i];
      rule(element);
    }
  }

  const Optimizer* optimizer_ = nullptr;
  bool nesterov_ = false, update_slots_ = true, sparse_ = false;
};
CRYOGRAPH_KERNEL(ApplyGradientKernel, "ApplyAdaMax", "ApplyAdadelta", "ApplyAdagrad", "ApplyAdagradV2",
                 "ApplyAdam", "ApplyAddSign", "ApplyCenteredRMSProp", "ApplyFtrl", "ApplyFtrlV2",
                 "ApplyGradientDescent", "ApplyMomentum", "ApplyPowerSign", "ApplyProximalAdagrad",
                 "ApplyProximalGradientDescent", "ApplyRMSProp", "ResourceApplyAdaMax",
                 "ResourceApplyAdadelta", "ResourceApplyAdagrad", "ResourceApplyAdagradV2",
                 "ResourceApplyAdam", "ResourceApplyAddSign", "ResourceApplyCenteredRMSProp",
                 "ResourceApplyFtrl", "ResourceApplyFtrlV2", "ResourceApplyGradientDescent",
                 "ResourceApplyKerasMomentum", "ResourceApplyMomentum", "ResourceApplyPowerSign",
                 "ResourceApplyProximalAdagrad", "ResourceApplyProximalGradientDescent",
                 "ResourceApplyRMSProp", "ResourceSparseApplyAdadelta", "ResourceSparseApplyAdagrad",
                 "ResourceSparseApplyAdagradV2", "ResourceSparseApplyCenteredRMSProp",
                 "ResourceSparseApplyFtrl", "ResourceSparseApplyFtrlV2", "ResourceSparseApplyKerasMomentum",
                 "ResourceSparseApplyMomentum", "ResourceSparseApplyProximalAdagrad",
                 "ResourceSparseApplyProximalGradientDescent", "ResourceSparseApplyRMSProp",
                 "SparseApplyAdadelta", "SparseApplyAdagrad", "SparseApplyAdagradV2",
                 "SparseApplyCenteredRMSProp", "SparseApplyFtrl", "SparseApplyFtrlV2", "SparseApplyMomentum",
                 "SparseApplyProximalAdagrad", "SparseApplyProximalGradientDescent", "SparseApplyRMSProp");

}  // namespace
}  // namespace cryograph
