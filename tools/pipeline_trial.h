// A pipeline, cut off behind a step, on copies of a model: what narrowing a failure down is made of.
#ifndef CRYOGRAPH_TOOLS_PIPELINE_TRIAL_H_
#define CRYOGRAPH_TOOLS_PIPELINE_TRIAL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "runtime/equivalence.h"
#include "tools/output_check.h"
#include "transforms/pass.h"
#include "transforms/pass_manager.h"
#include "transforms/report.h"

namespace cryograph {

// All that is referred to must outlive the trial.
class PipelineTrial {
 public:
  static constexpr int kAllSteps = 1 << 30;

  PipelineTrial(const Model& model, const std::string& spec, const ParseOptions& parse,
                const PassOptions& options, const ReferenceOutputs& reference, const OutputCheckFlags& flags)
      : model_(model), spec_(spec), parse_(parse), options_(options), reference_(reference), flags_(flags) {}

  struct Outcome {
    Model model;
    std::vector<StepReport> steps;
    EquivalenceReport report;
  };

  // Runs the first `limit` steps, with the names of `held` nodes promised. Errors: of the spec, and of a step
  // that fails by itself.
  absl::StatusOr<Outcome> Apply(int limit, const std::vector<std::string>& held = {});

  // Fills outcome.report: judges the outputs by what the steps that did something promise. Errors: of
  // ReferenceOutputs::Check().
  absl::Status Judge(Outcome& outcome);

  // Both.
  absl::StatusOr<Outcome> Run(int limit, const std::vector<std::string>& held = {});

  int runs() const { return runs_; }

 private:
  const Model& model_;
  const std::string& spec_;
  const ParseOptions& parse_;
  const PassOptions& options_;
  const ReferenceOutputs& reference_;
  const OutputCheckFlags& flags_;
  int runs_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_PIPELINE_TRIAL_H_
