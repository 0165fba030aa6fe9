// Judges a pipeline by what it does to the model's outputs: after every step, or at its end.
#ifndef CRYOGRAPH_TOOLS_VERIFY_PASSES_H_
#define CRYOGRAPH_TOOLS_VERIFY_PASSES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "runtime/equivalence.h"
#include "tools/output_check.h"
#include "transforms/instrumentation.h"
#include "transforms/pass.h"

namespace cryograph {

// A hook that computes the outputs before the first step and compares them after each step that edited the
// graph (kEach) or after the last one (kEnd). The step, or the run, fails with MismatchStatus() if they
// differ.
//
// A model that cannot be run at first, since its variables have no values yet, is compared from after the
// first step on with which it can; the run report says so.
class VerifyPasses final : public PassInstrumentation {
 public:
  enum class When { kEach, kEnd };
  VerifyPasses(When when, std::vector<std::string> inputs, std::vector<std::string> outputs,
               OutputCheckFlags flags)
      : when_(when), inputs_(std::move(inputs)), outputs_(std::move(outputs)), flags_(std::move(flags)) {}

  absl::Status Start(Model& model, PassContext& context) override;
  absl::Status After(const PassRun& run) override;
  absl::Status Finish(Model& model, PassContext& context) override;

  // The last comparison; null if there was none.
  const EquivalenceReport* report() const { return report_.get(); }
  const Tolerance& tolerance() const { return tolerance_; }

 private:
  absl::Status Check(Model& model);
  // What is gone of what filled the tables, in lines to put below an error.
  std::string LostInitializers(Model& model) const;

  const When when_;
  const std::vector<std::string> inputs_, outputs_;
  const OutputCheckFlags flags_;
  std::unique_ptr<ReferenceOutputs> reference_;
  std::vector<std::string> table_initializers_;  // Of the model before the first step.
  absl::Status not_runnable_;                    // Why there is no reference yet.
  Tolerance tolerance_;
  std::unique_ptr<EquivalenceReport> report_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_VERIFY_PASSES_H_
