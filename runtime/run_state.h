// What a kernel may use while it computes: inputs, outputs, memory, threads, resources, limits, functions.
#ifndef CRYOGRAPH_RUNTIME_RUN_STATE_H_
#define CRYOGRAPH_RUNTIME_RUN_STATE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runtime/node_info.h"
#include "runtime/resource.h"
#include "runtime/value.h"

namespace cryograph {

struct RunState;

// Runs library functions. `args` may be moved from.
class FunctionRunner {
 public:
  virtual ~FunctionRunner() = default;
  // InvalidArgument if there is no such function or the arguments do not fit; ResourceExhausted when calls
  // nest too deep.
  virtual absl::StatusOr<std::vector<Value>> Call(const FunctionRef& function, std::vector<Value> args,
                                                  RunState& run) = 0;
};

// Is told of every node that has run, in order: for profiles, traces, and to find the first tensor that
// differs. A node that was fused into another, or folded, does not run.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  // On the thread that runs the plan. `outputs` are shared with the run: copy a Value to keep it, never write
  // it.
  virtual void OnStep(const NodeInfo& node, absl::Span<const Value> outputs, absl::Time begin,
                      absl::Time end) = 0;
};

// One run of a plan, as all of its kernels share it.
struct RunState {
  MemoryPool* pool = nullptr;
  ThreadPool* threads = nullptr;  // May be null.
  ResourceManager* resources = nullptr;
  ResourceManager* step_resources = nullptr;  // Go with the run: TensorArrays.
  FunctionRunner* functions = nullptr;
  absl::Time deadline = absl::InfiniteFuture();
  const std::atomic<bool>* cancelled = nullptr;
  StepObserver* observer = nullptr;  // May be null.
  int depth = 0;                     // Of nested function calls.

  // Cancelled or DeadlineExceeded once the run shall stop.
  absl::Status CheckLimits() const;
};

// One call of Kernel::Compute().
class KernelContext {
 public:
  // `inputs` are the executor's; bit i of `last_uses` says that nobody reads input i after this node.
  KernelContext(const NodeInfo& node, RunState& run, absl::Span<Value* const> inputs, uint64_t last_uses,
                absl::Span<Value> outputs)
      : node_(node), run_(run), inputs_(inputs), last_uses_(last_uses), outputs_(outputs) {}

  const NodeInfo& node() const { return node_; }
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  const Value& input(int index) const { return *inputs_[index]; }

  // Nobody else needs input `index`: what it refers to may be taken and changed.
  bool OwnsInput(int index) const {
    return index < 64 && (last_uses_ >> index & 1) != 0 && inputs_[index]->writable_alone();
  }

  // A new value of the output's type, elements unspecified (strings: empty).
  absl::StatusOr<Value*> AllocateOutput(int index, absl::Span<const int64_t> dims);
  // As AllocateOutput(), but takes the memory of input `input` if nobody else needs it and type width and
  // number of elements fit. The output's elements may then be the input's: read element i before writing
  // element i.
  absl::StatusOr<Value*> ForwardOrAllocateOutput(std::initializer_list<int> inputs, int index,
                                                 absl::Span<const int64_t> dims);
  // For results that exist: an input (shared, not copied), a reshaped input, a scratch value.
  void SetOutput(int index, Value value) { outputs_[index] = std::move(value); }
  // A scalar output.
  template <typename T>
  absl::Status SetScalarOutput(int index, T scalar) {
    absl::StatusOr<Value*> output = AllocateOutput(index, {});
    if (output.ok()) *(*output)->template mutable_data<T>() = std::move(scalar);
    return output.status();
  }
  // Scratch memory, gone with the last copy of the value.
  absl::StatusOr<Value> AllocateTemp(DataType dtype, absl::Span<const int64_t> dims) {
    return Value::Allocate(dtype, dims, *run_.pool);
  }

  MemoryPool& pool() { return *run_.pool; }
  // May be null: then there is one thread, the caller's.
  ThreadPool* threads() { return run_.threads; }
  // Splits [0, count) over the threads, if it is worth it: `unit_cost` is that of one unit in nanoseconds,
  // roughly. Where the ranges begin depends on the number of threads: what body computes for a unit must not
  // depend on the range that it is in.
  void ParallelFor(int64_t count, double unit_cost, absl::FunctionRef<void(int64_t begin, int64_t end)> body);

  // Objects that live as long as the session.
  ResourceManager& resources() { return *run_.resources; }
  // Objects that go with the run.
  ResourceManager& step_resources() { return *run_.step_resources; }
  // State of this node in this session (a random generator, say), made at the first call.
  template <typename T>
  absl::StatusOr<std::shared_ptr<T>> NodeState(const std::function<std::shared_ptr<T>()>& make) {
    return run_.resources->FindOrMake<T>(NodeStateName(), make);
  }

  absl::StatusOr<std::vector<Value>> CallFunction(const FunctionRef& function, std::vector<Value> args) {
    return run_.functions->Call(function, std::move(args), run_);
  }

  // To be asked now and then by kernels that can run long.
  absl::Status CheckLimits() const { return run_.CheckLimits(); }

 private:
  std::string NodeStateName() const;

  const NodeInfo& node_;
  RunState& run_;
  absl::Span<Value* const> inputs_;
  const uint64_t last_uses_;
  absl::Span<Value> outputs_;
};

// --- Checks that many kernels need; all InvalidArgument.

absl::Status ExpectScalar(const Value& value, absl::string_view what);
absl::Status ExpectVector(const Value& value, absl::string_view what);
absl::Status ExpectRank(const Value& value, int rank, absl::string_view what);
absl::Status ExpectMatrix(const Value& value, absl::string_view what);
absl::Status ExpectSameShape(const Value& a, const Value& b);
// The one integer of an int32 or int64 scalar.
absl::StatusOr<int64_t> ScalarInt(const Value& value, absl::string_view what);
// All integers of an int32 or int64 value of rank 0 or 1.
absl::StatusOr<Shape> IntVector(const Value& value, absl::string_view what);
// `axis` counted from the front: [-rank, rank) becomes [0, rank).
absl::StatusOr<int> NormalizeAxis(int64_t axis, int rank);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_RUN_STATE_H_
