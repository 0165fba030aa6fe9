#include "tools/runtime_evaluator.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/status_macros.h"
#include "runtime/executor.h"
#include "runtime/kernel.h"
#include "tools/pipeline_checks.h"

namespace cryograph {
namespace {

constexpr uint64_t kMemoryLimit = uint64_t{4} << 30;
constexpr absl::Duration kTimeLimit = absl::Minutes(10);

// A copy that does not hold on to the executor's memory.
Tensor OwnCopy(const Tensor& tensor) {
  if (tensor.dtype != DT_STRING) {
    return Tensor::OfBytes(tensor.dtype, tensor.dims, std::string(tensor.bytes));
  }
  return Tensor::OfStrings(tensor.dims,
                           std::vector<std::string>(tensor.strings.begin(), tensor.strings.end()));
}

class RuntimeSession final : public ConstantEvaluator::Session {
 public:
  explicit RuntimeSession(std::unique_ptr<Executor> executor) : executor_(std::move(executor)) {}

  absl::StatusOr<std::vector<Tensor>> Evaluate(
      absl::Span<const std::string> tensors,
      const std::vector<std::pair<std::string, Tensor>>& given) override {
    std::vector<std::pair<std::string, Value>> feeds;
    for (const auto& [name, tensor] : given) {
      ASSIGN_OR_RETURN(Value value, Value::FromTensor(tensor, executor_->pool()));
      feeds.emplace_back(name, std::move(value));
    }
    RunOptions options;
    options.time_limit = kTimeLimit;
    ASSIGN_OR_RETURN(
        const std::vector<Value> values,
        executor_->RunOnce(feeds, std::vector<std::string>(tensors.begin(), tensors.end()), {}, options));
    std::vector<Tensor> result;
    for (const Value& value : values) {
      ASSIGN_OR_RETURN(const Tensor tensor, value.ToTensor());
      result.push_back(OwnCopy(tensor));
    }
    return result;
  }

 private:
  std::unique_ptr<Executor> executor_;
};

class RuntimeEvaluator final : public ConstantEvaluator {
 public:
  absl::StatusOr<std::unique_ptr<Session>> Open(Model model) override {
    ExecutorOptions options;
    options.memory_limit = kMemoryLimit;
    // So that the time limit holds for all of it, and every number is the plain op's.
    options.fold_constants = false;
    options.fuse = false;
    ASSIGN_OR_RETURN(std::unique_ptr<Executor> executor, Executor::Create(std::move(model), options));
    return std::make_unique<RuntimeSession>(std::move(executor));
  }

  bool HasKernel(absl::string_view op) const override { return FindKernel(op) != nullptr; }
};

[[maybe_unused]] const bool registered = RegisterConstantEvaluator(MakeRuntimeEvaluator);

}  // namespace

std::unique_ptr<ConstantEvaluator> MakeRuntimeEvaluator() { return std::make_unique<RuntimeEvaluator>(); }

}  // namespace cryograph
