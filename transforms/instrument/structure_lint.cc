#include "transforms/instrument/structure_lint.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/verify.h"

namespace cryograph {

absl::flat_hash_set<std::string> StructureLint::Defects(Model& model) {
  VerifyOptions options;
  options.ops = options.functions = options.container = false;
  absl::flat_hash_set<std::string> defects;
  for (const Finding& finding : Verify(model, options)) {
    if (finding.severity == Severity::kError && finding.code <= FindingCode::kCycle) {
      defects.insert(FindingText(finding));
    }
  }
  return defects;
}

absl::Status StructureLint::Start(Model& model, PassContext&) {
  known_.clear();
  clean_ = VerifyStructure(model).ok();
  if (!clean_) known_ = Defects(model);
  return absl::OkStatus();
}

absl::Status StructureLint::After(const PassRun& run) {
  if (!run.report.status.ok() || run.report.edits == 0) return absl::OkStatus();
  const absl::Status status = VerifyStructure(run.model);
  if (status.ok()) {
    clean_ = true;
    known_.clear();
    return status;
  }
  if (clean_) return status;
  const absl::flat_hash_set<std::string> defects = Defects(run.model);
  std::vector<std::string> added;
  for (const std::string& defect : defects) {
    if (known_.count(defect) == 0) added.push_back(defect);
  }
  // Renaming changes how a defect reads; more of them than before are somebody's fault.
  if (defects.size() > known_.size() && !added.empty()) {
    return absl::InvalidArgumentError(*std::min_element(added.begin(), added.end()));
  }
  known_ = defects;
  return absl::OkStatus();
}

absl::Status StructureLint::Finish(Model& model, PassContext& context) {
  if (clean_) return absl::OkStatus();
  constexpr absl::string_view kBefore = "the graph was defective before the first pass and still is: ";
  if (const absl::Status status = VerifyStructure(model, /*cycles=*/false); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat(kBefore, status.message()));
  }
  // A cycle can be written and read again, though TensorFlow will not load it.
  if (const absl::Status status = VerifyStructure(model); !status.ok()) {
    context.run_report().warnings.push_back(absl::StrCat(kBefore, status.message()));
  }
  return absl::OkStatus();
}

}  // namespace cryograph
