#include "tools/seen_tensors.h"

#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "graph/dtype.h"
#include "runtime/equivalence.h"
#include "runtime/executor.h"
#include "runtime/run_state.h"

namespace cryograph {
namespace {

constexpr uint64_t kMostBytes = 1 << 16;  // Of a value that is kept.

class Watcher final : public StepObserver {
 public:
  explicit Watcher(Model& model) : model_(model) {}

  void OnStep(const NodeInfo& info, absl::Span<const Value> outputs, absl::Time, absl::Time) override {
    const Node node = model_.graph().Find(info.name());
    if (!node || node.op() != info.op()) return;  // Of a function.
    std::vector<SeenTensor>& seen = seen_[std::string(info.name())];
    if (!seen.empty()) return;
    for (const Value& output : outputs) {
      SeenTensor& tensor = seen.emplace_back();
      if (!output.has_value()) continue;
      tensor.dims.assign(output.shape().begin(), output.shape().end());
      if (DataTypeBytes(output.dtype()) == 0 || output.num_bytes() > kMostBytes) continue;
      tensor.value =
          Tensor::OfBytes(output.dtype(), tensor.dims, std::string(output.raw(), output.num_bytes()));
    }
  }

  SeenTensors Take() { return std::move(seen_); }

 private:
  Model& model_;
  SeenTensors seen_;
};

}  // namespace

SeenTensors WatchRun(Model& model, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs, const OutputCheckFlags& flags) {
  Watcher watcher(model);
  PlanRequest request;
  request.fetches = outputs;
  std::vector<Value> feeds;
  std::unique_ptr<ReferenceOutputs> fed;  // Keeps the memory of the feeds.
  if (!inputs.empty()) {
    Model copy = model.Clone();
    auto computed = ComputeReference(copy, inputs, inputs, flags);
    if (!computed.ok()) return {};
    fed = *std::move(computed);
    request.feeds = fed->request().inputs;
    feeds = fed->batches()[0].values;
  }
  ExecutorOptions options;
  options.fold_constants = false;
  options.fuse = false;
  const absl::StatusOr<std::unique_ptr<Executor>> executor = Executor::Create(model.Clone(), options);
  if (!executor.ok()) return {};
  std::vector<std::string> notes;
  const absl::StatusOr<Prepare> prepare = PrepareFor(model, flags, &notes);
  if (!prepare.ok() || !(*prepare)(model, **executor).ok()) return {};
  RunOptions run;
  if (flags.time_limit > 0) run.time_limit = absl::Seconds(flags.time_limit);
  run.observer = &watcher;
  const absl::StatusOr<std::shared_ptr<const Plan>> plan = (*executor)->MakePlan(request);
  if (!plan.ok()) return {};
  // What came before a failure is worth as much.
  (void)(*executor)->Run(**plan, feeds, run);
  return watcher.Take();
}

}  // namespace cryograph
