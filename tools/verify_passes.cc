#include "tools/verify_passes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "tools/cli.h"
#include "tools/model_state.h"
#include "tools/status_line.h"

namespace cryograph {

absl::Status VerifyPasses::Start(Model& model, PassContext&) {
  const cli::StatusLine line("computing outputs");
  absl::StatusOr<std::unique_ptr<ReferenceOutputs>> reference =
      ComputeReference(model, inputs_, outputs_, flags_);
  if (cli::IsUsageError(reference.status())) return reference.status();
  if (reference.ok()) {
    reference_ = *std::move(reference);
  } else {
    not_runnable_ = reference.status();
  }
  table_initializers_ = TableInitializers(model);
  tolerance_ = ToleranceFor(ErrorBound(), flags_);
  return absl::OkStatus();
}

absl::Status VerifyPasses::After(const PassRun& run) {
  if (!run.report.status.ok() || run.report.skipped) return absl::OkStatus();
  if (reference_ == nullptr) {
    absl::StatusOr<std::unique_ptr<ReferenceOutputs>> reference =
        ComputeReference(run.model, inputs_, outputs_, flags_);
    if (!reference.ok()) {
      not_runnable_ = reference.status();
      return absl::OkStatus();
    }
    reference_ = *std::move(reference);
    run.context.Warn(
        absl::StrCat("outputs are compared from after this step on: the model before it cannot be run: ",
                     not_runnable_.message()));
    return absl::OkStatus();
  }
  if (run.report.edits == 0) return absl::OkStatus();
  tolerance_ = Loosest(tolerance_, ToleranceFor(run.pass.error_bound(), flags_));
  if (when_ == When::kEnd) return absl::OkStatus();
  const cli::StatusLine line(
      absl::StrCat("comparing outputs after pass #", run.report.number, " '", run.pass.name(), "'"));
  return Check(run.model);
}

absl::Status VerifyPasses::Finish(Model& model, PassContext&) {
  if (reference_ == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the outputs cannot be verified: ", not_runnable_.message(),
                     "\ntry: --verify_inputs for inputs that the model can be run on, or no --verify"));
  }
  return when_ == When::kEnd || report_ == nullptr ? Check(model) : absl::OkStatus();
}

absl::Status VerifyPasses::Check(Model& model) {
  ASSIGN_OR_RETURN(EquivalenceReport report, reference_->Check(model, tolerance_));
  report_ = std::make_unique<EquivalenceReport>(std::move(report));
  const absl::Status status = MismatchStatus(*report_, tolerance_);
  if (report_->failure.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(), LostInitializers(model)));
}

std::string VerifyPasses::LostInitializers(Model& model) const {
  std::vector<std::string> lost;
  for (const std::string& name : table_initializers_) {
    if (!model.graph().Find(name)) lost.push_back(name);
  }
  if (lost.empty()) return "";
  return absl::StrCat("\nwhy: nodes that fill tables are gone\ntry: --keep=", absl::StrJoin(lost, ","),
                      ", or bake the tables: freeze_variables(tables=bake)");
}

}  // namespace cryograph
