#include "runtime/executor.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/op_schema.h"
#include "runtime/fold.h"
#include "runtime/function_plans.h"
#include "runtime/graph_plan.h"
#include "runtime/needed_nodes.h"
#include "runtime/planner.h"
#include "runtime/thread_pool.h"

namespace cryograph {

class Plan {
 public:
  std::unique_ptr<GraphPlan> graph;
};

namespace {

class Session final : public Executor {
 public:
  Session(Model model, const ExecutorOptions& options)
      : options_(options),
        threads_(options.threads > 1 ? std::make_unique<ThreadPool>(options.threads) : nullptr),
        pool_(MemoryPool::Create(options.memory_limit)),
        model_(std::make_shared<Model>(std::move(model))),
        ops_(*model_),
        functions_(model_, ops_, FoldingRun(), mutex_, options) {}

  absl::StatusOr<std::shared_ptr<const Plan>> MakePlan(const PlanRequest& request) override {
    absl::MutexLock lock(&mutex_);
    PlannerRequest wanted;
    for (const std::string& name : request.feeds) {
      ASSIGN_OR_RETURN(const Output output, FindTensor(name));
      wanted.feeds.push_back(output);
    }
    for (const std::string& name : request.fetches) {
      ASSIGN_OR_RETURN(const Output output, FindTensor(name));
      wanted.fetches.push_back(output);
    }
    for (const std::string& name : request.targets) {
      ASSIGN_OR_RETURN(const Node node, FindNode(name));
      wanted.targets.push_back(node.id());
    }
    wanted.graph = &model_->graph();
    wanted.graph_version = model_->versions().producer;
    wanted.fold_constants = options_.fold_constants;
    wanted.fuse = options_.fuse;
    wanted.owner = model_;
    RunState run = FoldingRun();
    run.deadline = absl::Now() + kFoldingTime;
    functions_.FoldUntil(run.deadline);
    auto plan = std::make_shared<Plan>();
    MissingKernels missing;
    ASSIGN_OR_RETURN(plan->graph, MakeGraphPlan(wanted, ops_, functions_, run, &missing));
    if (!missing.empty()) return missing.ToStatus();
    return plan;
  }

  absl::StatusOr<std::vector<Value>> Run(const Plan& plan, absl::Span<const Value> feeds,
                                         const RunOptions& options) override {
    ResourceManager step_resources;
    RunState run = NewRun(&step_resources);
    if (options.time_limit != absl::InfiniteDuration()) run.deadline = absl::Now() + options.time_limit;
    run.cancelled = options.cancelled;
    run.observer = options.observer;
    return RunGraphPlan(*plan.graph, std::vector<Value>(feeds.begin(), feeds.end()), run);
  }

  absl::StatusOr<DataType> TensorType(absl::string_view tensor) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const Output output, FindTensor(tensor));
    const absl::StatusOr<DataType> type = ops_.OutputType(model_->graph(), output);
    return type.ok() ? *type : DT_INVALID;
  }

  PlanMemory Memory(const Plan& plan) override {
    PlanMemory sum = functions_.Memory();
    AddMemory(*plan.graph, &sum);
    return sum;
  }

  MemoryPool& pool() override { return *pool_; }
  ResourceManager& resources() override { return resources_; }

 private:
  // What constants are folded with: neither functions nor state.
  RunState FoldingRun() {
    RunState run;
    run.pool = pool_.get();
    run.threads = threads_.get();
    run.resources = &folding_resources_;
    run.step_resources = &folding_resources_;
    return run;
  }

  RunState NewRun(ResourceManager* step_resources) {
    RunState run = FoldingRun();
    run.resources = &resources_;
    run.step_resources = step_resources;
    run.functions = &functions_;
    return run;
  }

  absl::StatusOr<Node> FindNode(absl::string_view name) {
    const Node node = model_->graph().Find(name);
    if (node) return node;
    std::vector<absl::string_view> names;
    for (Node each : model_->graph().nodes()) names.push_back(each.name());
    return absl::NotFoundError(
        absl::StrCat("the graph has no node '", name, "'", DidYouMean(NearestNames(name, names))));
  }

  absl::StatusOr<Output> FindTensor(absl::string_view name) {
    const size_t colon = name.rfind(':');
    int32_t index = 0;
    absl::string_view node_name = name;
    if (colon != absl::string_view::npos && absl::SimpleAtoi(name.substr(colon + 1), &index)) {
      node_name = name.substr(0, colon);
    }
    ASSIGN_OR_RETURN(const Node node, FindNode(node_name));
    const absl::StatusOr<std::vector<DataType>> types = ops_.OutputTypes(node);
    if (index < 0 || (types.ok() && index >= static_cast<int>(types->size()))) {
      return absl::NotFoundError(absl::StrCat("there is no tensor '", name, "': node '", node.name(), "' (",
                                              node.op(), ") has ", types.ok() ? types->size() : 0,
                                              " outputs"));
    }
    return node.out(index);
  }

  const ExecutorOptions options_;
  const std::unique_ptr<ThreadPool> threads_;
  const std::shared_ptr<MemoryPool> pool_;
  ResourceManager resources_;
  ResourceManager folding_resources_;   // Never used: what has state is not folded.
  absl::Mutex mutex_;                   // Plans are made one at a time: the graph is not thread safe.
  const std::shared_ptr<Model> model_;  // Constants show its bytes, and keep it.
  const OpRegistry ops_;
  FunctionPlans functions_;
};

// What leaves open which graph is meant, whatever the fetches need.
absl::Status CheckDefects(Graph& graph) {
  for (const Node node : graph.nodes()) {
    if ((node.defects() & kDefectDuplicateName) != 0) {
      return InNode(node,
                    absl::InvalidArgumentError("an earlier node has the same name, which may not be twice"));
    }
    if ((node.defects() & kDefectControlBeforeData) != 0) {
      return InNode(node, absl::InvalidArgumentError("a control input stands before an input of data"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> Executor::Create(Model model, const ExecutorOptions& options) {
  RETURN_IF_ERROR(CheckDefects(model.graph()));
  return std::make_unique<Session>(std::move(model), options);
}

absl::StatusOr<std::vector<Value>> Executor::RunOnce(const std::vector<std::pair<std::string, Value>>& feeds,
                                                     const std::vector<std::string>& fetches,
                                                     const std::vector<std::string>& targets,
                                                     const RunOptions& options) {
  PlanRequest request;
  std::vector<Value> values;
  for (const auto& [name, value] : feeds) {
    request.feeds.push_back(name);
    values.push_back(value);
  }
  request.fetches = fetches;
  request.targets = targets;
  ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan, MakePlan(request));
  return Run(*plan, values, options);
}

}  // namespace cryograph
