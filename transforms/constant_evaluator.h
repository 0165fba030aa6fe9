// How passes have tensors computed: the runtime does it, where a tool links it.
#ifndef CRYOGRAPH_TRANSFORMS_CONSTANT_EVALUATOR_H_
#define CRYOGRAPH_TRANSFORMS_CONSTANT_EVALUATOR_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/model.h"
#include "graph/tensor.h"

namespace cryograph {

class ConstantEvaluator {
 public:
  virtual ~ConstantEvaluator() = default;

  class Session {
   public:
    virtual ~Session() = default;
    // The values of `tensors` ("name:0") of the main graph, in that order, which own their bytes. `given`
    // stands instead of what the graph would compute. The error of the first node that fails, naming it;
    // ResourceExhausted and DeadlineExceeded for what takes too much.
    virtual absl::StatusOr<std::vector<Tensor>> Evaluate(
        absl::Span<const std::string> tensors, const std::vector<std::pair<std::string, Tensor>>& given) = 0;
  };
  // Of a model of its own (Model::Clone()). What is in a loop has no single value and cannot be asked for.
  virtual absl::StatusOr<std::unique_ptr<Session>> Open(Model model) = 0;

  // Whether nodes of this op can be computed at all.
  virtual bool HasKernel(absl::string_view op) const = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_CONSTANT_EVALUATOR_H_
