// Values that a graph computes from constants and from variables whose values are known: what variables and
// tables begin with.
#ifndef CRYOGRAPH_TRANSFORMS_COMPUTED_VALUES_H_
#define CRYOGRAPH_TRANSFORMS_COMPUTED_VALUES_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "graph/model.h"
#include "graph/tensor.h"
#include "transforms/constant_evaluator.h"

namespace cryograph {

class ComputedValues {
 public:
  // The value of a variable's node; null if it has none (yet).
  using KnownVariables = std::function<std::shared_ptr<const TensorSource>(Node variable)>;

  // Of the model's main graph. The model and `evaluator` must outlive it; `evaluator` may be null: then
  // nothing can be computed.
  ComputedValues(Model& model, ConstantEvaluator* evaluator) : model_(model), evaluator_(evaluator) {}

  // The value of `output`. Unimplemented, naming the node: it depends on a placeholder, on a variable that
  // has no value, on an op that gives another value in each run (random numbers, files), or on one that
  // cannot be run here. The evaluator's errors.
  absl::StatusOr<Tensor> Compute(Output output, const KnownVariables& known = nullptr);

 private:
  Model& model_;
  ConstantEvaluator* evaluator_;
  std::unique_ptr<ConstantEvaluator::Session> session_;
  uint64_t edits_ = 0;  // Of the graph, when the session was opened.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_COMPUTED_VALUES_H_
