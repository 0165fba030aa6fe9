// Runs a model's graph: a plan is made once for a set of feeds and fetches, and run as often as one likes.
#ifndef CRYOGRAPH_RUNTIME_EXECUTOR_H_
#define CRYOGRAPH_RUNTIME_EXECUTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "graph/dtype.h"
#include "graph/model.h"
#include "runtime/memory.h"
#include "runtime/resource.h"
#include "runtime/value.h"

namespace cryograph {

class StepObserver;

struct ExecutorOptions {
  int threads = 1;  // Counting the caller's. Results do not depend on it.
  // For all values that are alive at a time, constants included that are not in the mapped file.
  uint64_t memory_limit = MemoryPool::kNoLimit;
  int max_call_depth = 64;  // Of functions that call functions.
  bool fold_constants = true;
  // A convolution or matrix product computes the bias, normalization, addition and Relu that follow it: the
  // same to rounding.
  bool fuse = true;
};

struct RunOptions {
  absl::Duration time_limit = absl::InfiniteDuration();
  const std::atomic<bool>* cancelled = nullptr;  // The run ends soon after it is set.
  StepObserver* observer = nullptr;              // Told of every node that has run (run_state.h).
};

// What to run. Tensors are "name" (output 0) or "name:index"; targets are nodes that run without being
// fetched.
struct PlanRequest {
  std::vector<std::string> feeds;
  std::vector<std::string> fetches;
  std::vector<std::string> targets;
};

// Immutable; made and run by the same Executor.
class Plan;

// What a plan is expected to need. Its functions, which call each other, count as if all were called at once.
struct PlanMemory {
  // Of the constants that the plan was made from.
  uint64_t weight_bytes = 0;
  // Of values and scratch alive at one moment of a run, feeds and fetches included …
  uint64_t largest_live_bytes = 0;
  // … and of the arena in which those lie that end with the run.
  uint64_t arena_bytes = 0;
};

// A session: a model, and the variables, tables and random generators that its runs share. Thread safe: plans
// can be made and run on many threads at a time.
class Executor {
 public:
  // The model's bytes stay where they are; see Model::Clone() for one that is needed elsewhere, too.
  // InvalidArgument if two nodes have one name, or a control input stands before an input of data.
  static absl::StatusOr<std::unique_ptr<Executor>> Create(Model model,
                                                          const ExecutorOptions& options = ExecutorOptions());
  virtual ~Executor() = default;

  // Looks at no more of the graph than the fetches and targets need. NotFound for a name that is not there,
  // with near ones; InvalidArgument for a graph that TensorFlow would not run; Unimplemented, listing all of
  // them, if kernels are missing; an error of a constant subgraph.
  virtual absl::StatusOr<std::shared_ptr<const Plan>> MakePlan(const PlanRequest& request) = 0;

  // `feeds` in the order of PlanRequest::feeds; the result in that of its fetches. The error of the first
  // node that fails, naming it; InvalidArgument for a feed of the wrong type or shape; DeadlineExceeded,
  // Cancelled, ResourceExhausted for the limits.
  virtual absl::StatusOr<std::vector<Value>> Run(const Plan& plan, absl::Span<const Value> feeds,
                                                 const RunOptions& options = RunOptions()) = 0;

  // MakePlan() and Run() in one, for a single run.
  absl::StatusOr<std::vector<Value>> RunOnce(const std::vector<std::pair<std::string, Value>>& feeds,
                                             const std::vector<std::string>& fetches,
                                             const std::vector<std::string>& targets = {},
                                             const RunOptions& options = RunOptions());

  // Type of a tensor of the main graph; DT_INVALID where the graph does not say.
  virtual absl::StatusOr<DataType> TensorType(absl::string_view tensor) = 0;

  // Runs are known from the first one on, and those of the largest feeds count. Where control flow of
  // TensorFlow 1 decides what is alive, only weights are known.
  virtual PlanMemory Memory(const Plan& plan) = 0;

  virtual MemoryPool& pool() = 0;
  virtual ResourceManager& resources() = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_EXECUTOR_H_
