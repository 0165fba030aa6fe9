// Do two models give the same outputs for the same inputs? The first model's answers are computed once and
// kept; any number of later models is then held against them.
#ifndef CRYOGRAPH_RUNTIME_EQUIVALENCE_H_
#define CRYOGRAPH_RUNTIME_EQUIVALENCE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/model.h"
#include "graph/tensor.h"
#include "runtime/executor.h"
#include "runtime/tensor_difference.h"
#include "runtime/value.h"

namespace cryograph {

// Values for a model's inputs, in the order of EquivalenceRequest::inputs, and where they are from ("seed 1,
// batch 2", "image.npy") for messages.
struct FeedBatch {
  std::vector<Value> values;
  std::string source;
};

// Gives a session of `model` what it needs before its first run: variables, contents of tables.
using Prepare = std::function<absl::Status(Model& model, Executor& executor)>;

struct EquivalenceRequest {
  std::vector<std::string> inputs;   // Tensors that are fed.
  std::vector<std::string> outputs;  // Tensors that are compared.
  Prepare prepare;                   // May be empty.
  ExecutorOptions executor;
  RunOptions run;  // For each run.
};

struct OutputDifference {
  std::string output;
  TensorDifference difference;
};

struct EquivalenceReport {
  struct Batch {
    std::string source;
    std::vector<OutputDifference> outputs;
  };
  std::vector<Batch> batches;
  // Why the second model could not be run where the first one could; the differences are then unset.
  absl::Status failure;
  // The tensor nearest to the inputs that both models compute and that differs beyond the tolerance; empty if
  // no output does, or if no inner tensor of one name is in both.
  std::string first_diverging;
  std::string first_diverging_text;

  bool ok() const;
  // One line for each output with its largest error over all batches; a last one for the first diverging
  // tensor.
  std::string Text() const;
  // The output with the largest error outside of the tolerance; null if all is well.
  const OutputDifference* worst() const;
};

class ReferenceOutputs {
 public:
  // Runs `model` on every batch. Errors: of the executor, naming the batch; the model itself is then not
  // runnable on these inputs, and nothing can be said of others.
  static absl::StatusOr<std::unique_ptr<ReferenceOutputs>> Compute(const Model& model,
                                                                   EquivalenceRequest request,
                                                                   std::vector<FeedBatch> batches);

  // Runs `model` on the same inputs, those left out that it no longer has. An error only for what is not the
  // model's fault: limits, cancellation; and FailedPrecondition if outputs differ that the first model does
  // not give twice itself.
  absl::StatusOr<EquivalenceReport> Check(const Model& model, const Tolerance& tolerance) const {
    return Check(model, request_.prepare, tolerance);
  }
  // The same for a model that is prepared in another way.
  absl::StatusOr<EquivalenceReport> Check(const Model& model, const Prepare& prepare,
                                          const Tolerance& tolerance) const;

  const EquivalenceRequest& request() const { return request_; }
  const std::vector<FeedBatch>& batches() const { return batches_; }

 private:
  ReferenceOutputs(Model model, EquivalenceRequest request, std::vector<FeedBatch> batches)
      : model_(std::move(model)), request_(std::move(request)), batches_(std::move(batches)) {}

  // Outputs of the first model, which is run in a session of its own, by batch.
  absl::StatusOr<std::vector<std::vector<Tensor>>> RunReference() const;
  absl::Status CheckRepeatable(const Tolerance& tolerance) const;
  absl::Status FindFirstDiverging(const Model& model, const Prepare& prepare, const Tolerance& tolerance,
                                  size_t batch, EquivalenceReport* report) const;

  Model model_;  // Shares its bytes with the caller's.
  EquivalenceRequest request_;
  std::vector<FeedBatch> batches_;
  std::vector<std::vector<Tensor>> expected_;  // By batch and output.
};

// Nodes of both graphs, by name and in the order of the first, whose values may be compared: the number of
// outputs and their types are not looked at.
std::vector<std::string> CommonNodes(Model& before, Model& after);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_EQUIVALENCE_H_
