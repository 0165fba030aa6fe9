#include "runtime/function_plans.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "base/wire_field.h"
#include "runtime/fold.h"
#include "runtime/gradients/function_gradient.h"

namespace cryograph {
namespace {

// FunctionDef fields.
constexpr uint32_t kRet = 4, kControlRet = 6;

std::vector<std::pair<absl::string_view, absl::string_view>> MapField(absl::string_view message,
                                                                      uint32_t number) {
  std::vector<std::pair<absl::string_view, absl::string_view>> entries;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) entries.push_back(MapEntry(field.bytes));
  }
  return entries;
}

// The body of a function as the planner wants it: arguments are feeds, returns are fetches.
class BodyRequest {
 public:
  BodyRequest(Graph& body, const OpSchema& signature, const OpRegistry& ops,
              const std::vector<std::pair<std::string, std::string>>& bindings)
      : body_(body), signature_(signature), ops_(ops), bindings_(bindings) {
    for (uint32_t id = 0; id < body.id_limit(); ++id) {
      const Node node = body.node(NodeId{id});
      if (node.is_argument()) arguments_.emplace(node.name(), node.id());
    }
  }

  absl::StatusOr<PlannerRequest> Make(const Function& function) {
    PlannerRequest request;
    request.graph = &body_;
    request.bindings = &bindings_;
    RETURN_IF_ERROR(AddArguments(&request));
    RETURN_IF_ERROR(AddReturns(function, &request));
    for (const auto& [name, node_name] : MapField(function.wire(), kControlRet)) {
      const Node node = body_.Find(node_name);
      if (!node)
        return absl::InvalidArgumentError(absl::StrCat("control output '", node_name, "' does not exist"));
      request.targets.push_back(node.id());
    }
    // What has effects runs, whether it is returned or not.
    for (Node node : body_.nodes()) {
      const OpSchema* schema = ops_.Find(node.op());
      if (schema != nullptr && schema->is_stateful) request.targets.push_back(node.id());
    }
    return request;
  }

 private:
  AttrView Binding(absl::string_view key) const {
    for (const auto& [name, value] : bindings_) {
      if (name == key) return AttrView(value);
    }
    return AttrView();
  }

  absl::Status AddArguments(PlannerRequest* request) {
    TypeRuns types;
    RETURN_IF_ERROR(ArgTypes(
        signature_, signature_.inputs, [this](absl::string_view key) { return Binding(key); }, &types));
    if (types.size() != static_cast<int64_t>(signature_.inputs.size())) {
      return absl::UnimplementedError("an argument that is a list");
    }
    for (size_t i = 0; i < signature_.inputs.size(); ++i) {
      const auto found = arguments_.find(signature_.inputs[i].name);
      if (found == arguments_.end()) return absl::InvalidArgumentError("an argument without a node");
      request->feeds.push_back({found->second, 0});
      request->feed_types.push_back(types.at(static_cast<int64_t>(i)));
    }
    return absl::OkStatus();
  }

  // "argument", "node:output:index".
  absl::StatusOr<Output> Resolve(absl::string_view reference) {
    const size_t colon = reference.find(':');
    const absl::string_view name = reference.substr(0, colon);
    if (const auto found = arguments_.find(name); found != arguments_.end()) return Output{found->second, 0};
    const Node node = body_.Find(name);
    const OpSchema* schema = node ? ops_.Find(node.op()) : nullptr;
    if (schema == nullptr || colon == absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("result '", reference, "' does not exist"));
    }
    const auto attr = [&](absl::string_view key) {
      const AttrView view = AttrOrDefault(*schema, node, key);
      return view.kind() == AttrView::kPlaceholder ? Binding(view.s()) : view;
    };
    ASSIGN_OR_RETURN(const int64_t index, FlatOutputIndex(*schema, attr, reference.substr(colon)));
    return node.out(static_cast<int>(index));
  }

  absl::Status AddReturns(const Function& function, PlannerRequest* request) {
    const auto returns = MapField(function.wire(), kRet);
    for (const ArgSchema& output : signature_.outputs) {
      const auto found =
          absl::c_find_if(returns, [&](const auto& entry) { return entry.first == output.name; });
      if (found == returns.end()) {
        return absl::InvalidArgumentError(
            absl::StrCat("it does not say what its result '", output.name, "' is"));
      }
      ASSIGN_OR_RETURN(const Output result, Resolve(found->second));
      request->fetches.push_back(result);
    }
    return absl::OkStatus();
  }

  Graph& body_;
  const OpSchema& signature_;
  const OpRegistry& ops_;
  const std::vector<std::pair<std::string, std::string>>& bindings_;
  absl::flat_hash_map<absl::string_view, NodeId> arguments_;
};

// A function is planned for each set of attributes that it is called with. No model that is meant to run has
// as many.
constexpr int kMaxPlansOfOne = 256;
constexpr int64_t kMaxPlannedNodes = 500000;

constexpr absl::string_view kSymbolicGradient = "SymbolicGradient";

// The function that a SymbolicGradient, seen as a function, is the gradient of; an empty name if it does not
// say.
FunctionRef DifferentiatedFunction(const FunctionRef& symbolic_gradient) {
  FunctionRef function;
  for (const auto& [name, value] : symbolic_gradient.attrs) {
    if (name != "f") continue;
    const AttrView view(value);
    function.name = std::string(view.func_name());
    for (const auto& [key, attr] : view.func_attrs()) {
      function.attrs.emplace_back(std::string(key), std::string(attr.bytes()));
    }
  }
  absl::c_sort(function.attrs);
  return function;
}

// The library's gradient function of `function` (GradientDef: function_name 1, gradient_func 2); empty if it
// has none.
absl::string_view DeclaredGradient(const Model& model, absl::string_view function) {
  constexpr uint32_t kGradient = 2;  // Of FunctionDefLibrary.
  for (const RawField& field : model.library_fields) {
    if (field.number != kGradient) continue;
    const auto [name, gradient] = MapEntry(field.payload);  // Numbered as a map's entry is.
    if (name == function) return gradient;
  }
  return absl::string_view();
}

std::string NameText(const FunctionRef& function) {
  if (function.name != kSymbolicGradient) return function.name;
  return absl::StrCat("gradient of ", DifferentiatedFunction(function).name);
}

absl::Status InFunction(const FunctionRef& function, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("in function '", NameText(function), "': ", status.message()));
}

}  // namespace

FunctionPlans::FunctionPlans(std::shared_ptr<Model> model, const OpRegistry& ops, const RunState& folding,
                             absl::Mutex& planning, const ExecutorOptions& options)
    : model_(std::move(model)),
      ops_(ops),
      folding_(folding),
      planning_(planning),
      max_depth_(options.max_call_depth),
      fold_constants_(options.fold_constants),
      fuse_(options.fuse) {
  for (Function& function : model_->functions()) by_name_.emplace(function.name(), &function);
}

std::string FunctionPlans::Key(const FunctionRef& function) {
  std::string key = function.name;
  for (const auto& [name, value] : function.attrs)
    absl::StrAppend(&key, "\n", name, "=", value.size(), ":", value);
  return key;
}

std::shared_ptr<const FunctionPlans::Entry> FunctionPlans::Find(const std::string& key) const {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second;
}

absl::StatusOr<PlannerRequest> FunctionPlans::RequestBody(const FunctionRef& function, Entry* entry) {
  const auto found = by_name_.find(function.name);
  if (found == by_name_.end()) {
    return absl::InvalidArgumentError(absl::StrCat("the library has no function '", function.name, "'"));
  }
  const OpSchema* signature = ops_.Find(function.name);
  if (signature == nullptr) return absl::InvalidArgumentError("its signature cannot be read");
  ASSIGN_OR_RETURN(Graph* const body, found->second->body());
  planned_nodes_ += 1 + body->num_nodes();
  entry->bindings = function.attrs;
  for (const AttrSchema& attr : signature->attrs) {
    const auto same_name = [&](const auto& binding) { return binding.first == attr.name; };
    if (attr.has_default && !absl::c_any_of(entry->bindings, same_name)) {
      entry->bindings.emplace_back(std::string(attr.name), attr.default_value);
    }
  }
  absl::c_sort(entry->bindings);
  return BodyRequest(*body, *signature, ops_, entry->bindings).Make(*found->second);
}

absl::Status FunctionPlans::PlanBody(PlannerRequest request, Entry* entry) {
  request.fold_constants = fold_constants_;
  request.fuse = fuse_;
  request.owner = model_;
  ASSIGN_OR_RETURN(entry->plan, MakeGraphPlan(request, ops_, *this, folding_, &entry->missing));
  return entry->missing.empty() ? absl::OkStatus() : entry->missing.ToStatus();
}

PlanMemory FunctionPlans::Memory() const {
  absl::MutexLock lock(&mutex_);
  PlanMemory sum;
  for (const auto& [key, entry] : entries_) {
    if (entry->plan != nullptr) AddMemory(*entry->plan, &sum);
  }
  return sum;
}

absl::Status FunctionPlans::Plan(const FunctionRef& function, Entry* entry) {
  if (function.name == kSymbolicGradient) return PlanGradient(function, entry);
  ASSIGN_OR_RETURN(PlannerRequest request, RequestBody(function, entry));
  return PlanBody(std::move(request), entry);
}

absl::Status FunctionPlans::PlanGradient(const FunctionRef& symbolic_gradient, Entry* entry) {
  const FunctionRef function = DifferentiatedFunction(symbolic_gradient);
  const absl::string_view declared = DeclaredGradient(*model_, function.name);
  if (!declared.empty()) {
    ASSIGN_OR_RETURN(PlannerRequest request, RequestBody({std::string(declared), function.attrs}, entry));
    return PlanBody(std::move(request), entry);
  }
  ASSIGN_OR_RETURN(const PlannerRequest forward, RequestBody(function, entry));
  const auto binding = [&](absl::string_view key) {
    for (const auto& [name, value] : entry->bindings) {
      if (name == key) return AttrView(value);
    }
    return AttrView();
  };
  ASSIGN_OR_RETURN(FunctionGradient gradient,
                   DifferentiateFunction(
                       {*forward.graph, forward.feeds, forward.feed_types, forward.fetches, binding}, ops_));
  planned_nodes_ += gradient.graph->num_nodes();
  PlannerRequest request;
  request.graph = gradient.graph.get();
  request.feeds = std::move(gradient.arguments);
  request.feed_types = std::move(gradient.types);
  request.fetches = std::move(gradient.results);
  entry->gradient = std::move(gradient.graph);
  return PlanBody(std::move(request), entry);
}

absl::Status FunctionPlans::Prepare(const FunctionRef& function, MissingKernels* missing) {
  const std::string key = Key(function);
  if (absl::c_linear_search(open_, key)) return absl::OkStatus();
  // A chain of functions that grows with each call would never end.
  if (static_cast<int>(open_.size()) > max_depth_) return absl::OkStatus();
  std::shared_ptr<const Entry> entry = Find(key);
  if (entry == nullptr) {
    if (++plans_of_[NameText(function)] > kMaxPlansOfOne || planned_nodes_ > kMaxPlannedNodes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("function '", NameText(function), "' is called with ever new attributes: more than ",
                       kMaxPlansOfOne, " sets of them, or ", kMaxPlannedNodes, " nodes in all functions"));
    }
    const auto fresh = std::make_shared<Entry>();
    open_.push_back(key);
    fresh->status = InFunction(function, Plan(function, fresh.get()));
    open_.pop_back();
    absl::MutexLock lock(&mutex_);
    entries_.emplace(key, fresh);
    entry = fresh;
  }
  missing->AddFunction(NameText(function), entry->missing);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Value>> FunctionPlans::Call(const FunctionRef& function, std::vector<Value> args,
                                                       RunState& run) {
  if (run.depth >= max_depth_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "function '", function.name, "' is called at a depth of more than ", max_depth_, " calls"));
  }
  const std::string key = Key(function);
  std::shared_ptr<const Entry> entry = Find(key);
  if (entry == nullptr) {
    absl::MutexLock lock(&planning_);
    MissingKernels missing;
    FoldUntil(std::min(run.deadline, absl::Now() + kFoldingTime));
    RETURN_IF_ERROR(Prepare(function, &missing));
    entry = Find(key);
    if (entry == nullptr)
      return absl::InternalError(absl::StrCat("function '", function.name, "' has no plan"));
  }
  RETURN_IF_ERROR(entry->status);
  RunState inner = run;
  ++inner.depth;
  inner.pool = &run.pool->root();  // The caller's layout knows nothing of what happens in here.
  absl::StatusOr<std::vector<Value>> results = RunGraphPlan(*entry->plan, std::move(args), inner);
  if (!results.ok()) return InFunction(function, results.status());
  return results;
}

}  // namespace cryograph
