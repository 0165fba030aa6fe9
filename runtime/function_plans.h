// The plans of a model's functions: made when a node that names the function is planned, run when it calls.
#ifndef CRYOGRAPH_RUNTIME_FUNCTION_PLANS_H_
#define CRYOGRAPH_RUNTIME_FUNCTION_PLANS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "graph/model.h"
#include "graph/op_schema.h"
#include "runtime/executor.h"
#include "runtime/graph_plan.h"
#include "runtime/planner.h"
#include "runtime/run_state.h"

namespace cryograph {

// Call() is thread safe. Prepare() may be called by whoever holds `planning`, which guards the model.
class FunctionPlans final : public FunctionSource, public FunctionRunner {
 public:
  FunctionPlans(std::shared_ptr<Model> model, const OpRegistry& ops, const RunState& folding,
                absl::Mutex& planning, const ExecutorOptions& options);

  // Constants are folded until `deadline`; by whoever holds `planning`.
  void FoldUntil(absl::Time deadline) { folding_.deadline = deadline; }

  bool Has(absl::string_view name) const override { return by_name_.contains(name); }
  // ResourceExhausted if functions that call each other with ever new attributes are more than can be meant.
  // A function that cannot be planned is an error when it is called.
  absl::Status Prepare(const FunctionRef& function, MissingKernels* missing) override;
  absl::StatusOr<std::vector<Value>> Call(const FunctionRef& function, std::vector<Value> args,
                                          RunState& run) override;
  // Of all functions that have been planned, together.
  PlanMemory Memory() const;

 private:
  struct Entry {
    absl::Status status = absl::InternalError("the function is being planned");
    std::unique_ptr<Graph> gradient;  // The plan's graph, if that is no body of the library.
    std::unique_ptr<GraphPlan> plan;
    MissingKernels missing;
    // What the attributes are bound to: kernels show these bytes.
    std::vector<std::pair<std::string, std::string>> bindings;
  };

  static std::string Key(const FunctionRef& function);
  std::shared_ptr<const Entry> Find(const std::string& key) const;
  absl::Status Plan(const FunctionRef& function, Entry* entry);
  // The gradient that the library declares for the function that SymbolicGradient names, or one that is made.
  absl::Status PlanGradient(const FunctionRef& symbolic_gradient, Entry* entry);
  // The body with its arguments fed and its results fetched. Sets the entry's bindings.
  absl::StatusOr<PlannerRequest> RequestBody(const FunctionRef& function, Entry* entry);
  absl::Status PlanBody(PlannerRequest request, Entry* entry);

  const std::shared_ptr<Model> model_;
  const OpRegistry& ops_;
  RunState folding_;
  absl::Mutex& planning_;
  const int max_depth_;
  const bool fold_constants_, fuse_;
  absl::flat_hash_map<absl::string_view, Function*> by_name_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Entry>> entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, int> plans_of_;
  int64_t planned_nodes_ = 0;
  // Being planned further up: a function that calls itself.
  std::vector<std::string> open_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_FUNCTION_PLANS_H_
