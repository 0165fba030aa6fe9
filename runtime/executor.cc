#include "runtime/executor.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/op_schema.h"
#include "runtime/graph_plan.h"
#include "runtime/planner.h"

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
        model_(std::move(model)),
        ops_(model_),
        pool_(MemoryPool::Create(options.memory_limit)) {}

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
    ResourceManager step_resources;
    RunState run = NewRun(&step_resources);
    auto plan = std::make_shared<Plan>();
    ASSIGN_OR_RETURN(plan->graph, MakeGraphPlan(model_.graph(), ops_, wanted, options_.fold_constants,
                                                options_.fuse, run));
    return plan;
  }

  absl::StatusOr<std::vector<Value>> Run(const Plan& plan, absl::Span<const Value> feeds,
                                         const RunOptions& options) override {
    ResourceManager step_resources;
    RunState run = NewRun(&step_resources);
    if (options.time_limit != absl::InfiniteDuration()) run.deadline = absl::Now() + options.time_limit;
    run.cancelled = options.cancelled;
    return RunGraphPlan(*plan.graph, feeds, run);
  }

  absl::StatusOr<DataType> TensorType(absl::string_view tensor) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const Output output, FindTensor(tensor));
    const absl::StatusOr<DataType> type = ops_.OutputType(model_.graph(), output);
    return type.ok() ? *type : DT_INVALID;
  }

  MemoryPool& pool() override { return *pool_; }
  ResourceManager& resources() override { return resources_; }

 private:
  RunState NewRun(ResourceManager* step_resources) {
    RunState run;
    run.pool = pool_.get();
    run.resources = &resources_;
    run.step_resources = step_resources;
    return run;
  }

  absl::StatusOr<Node> FindNode(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Node node = model_.graph().Find(name);
    if (node) return node;
    std::vector<absl::string_view> names;
    for (Node each : model_.graph().nodes()) names.push_back(each.name());
    return absl::NotFoundError(
        absl::StrCat("the graph has no node '", name, "'", DidYouMean(NearestNames(name, names))));
  }

  absl::StatusOr<Output> FindTensor(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
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
  absl::Mutex mutex_;  // Plans are made one at a time: the graph is not thread safe.
  Model model_ ABSL_GUARDED_BY(mutex_);
  const OpRegistry ops_;
  const std::shared_ptr<MemoryPool> pool_;
  ResourceManager resources_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> Executor::Create(Model model, const ExecutorOptions& options) {
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
