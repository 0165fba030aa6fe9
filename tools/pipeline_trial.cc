#include "tools/pipeline_trial.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tools/status_line.h"
#include "transforms/instrument/bisect.h"

namespace cryograph {

absl::StatusOr<PipelineTrial::Outcome> PipelineTrial::Run(int limit, const std::vector<std::string>& held) {
  ASSIGN_OR_RETURN(Outcome outcome, Apply(limit, held));
  RETURN_IF_ERROR(Judge(outcome));
  return outcome;
}

absl::Status PipelineTrial::Judge(Outcome& outcome) {
  ++runs_;
  const cli::StatusLine line(absl::StrCat("run ", runs_));
  Tolerance tolerance = ToleranceFor(ErrorBound(), flags_);
  for (const StepReport& step : outcome.steps) {
    if (step.skipped || step.edits == 0) continue;
    ASSIGN_OR_RETURN(const std::unique_ptr<Pass> pass, PassRegistry::Global().Create(step.pass));
    tolerance = Loosest(tolerance, ToleranceFor(pass->error_bound(), flags_));
  }
  ASSIGN_OR_RETURN(outcome.report, reference_.Check(outcome.model, tolerance));
  return absl::OkStatus();
}

absl::StatusOr<PipelineTrial::Outcome> PipelineTrial::Apply(int limit, const std::vector<std::string>& held) {
  ASSIGN_OR_RETURN(PassManager manager, PassManager::Parse(spec_, parse_));
  manager.Add(std::make_unique<BisectLimit>(limit));
  Outcome outcome;
  outcome.model = model_.Clone();
  PassOptions options = options_;
  options.keep.insert(options.keep.end(), held.begin(), held.end());
  PassContext context(&outcome.model, std::move(options));
  RETURN_IF_ERROR(manager.Run(outcome.model, context));
  const auto& steps = context.run_report().steps;
  outcome.steps.assign(steps.begin(), steps.end());
  return outcome;
}

}  // namespace cryograph
