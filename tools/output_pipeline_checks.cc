// The checks of transform_graph that run the model.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/equivalence.h"
#include "runtime/tensor_difference.h"
#include "tools/bisect_pipeline.h"
#include "tools/cli.h"
#include "tools/output_check.h"
#include "tools/pipeline_checks.h"
#include "tools/verify_passes.h"

namespace cryograph {
namespace {

class OutputPipelineChecks final : public PipelineChecks {
 public:
  void Declare(cli::Command& command) override { DeclareOutputCheck(flags_, "verify_", command); }

  Verification Verify(bool each, const Subject& subject) override {
    auto hook = std::make_unique<VerifyPasses>(each ? VerifyPasses::When::kEach : VerifyPasses::When::kEnd,
                                               subject.inputs, subject.outputs, FlagsFor(subject));
    Verification verification;
    verification.summary = [passes = hook.get()]() -> std::string {
      if (passes->report() == nullptr) return "";
      return absl::StrCat("outputs verified (", ToleranceText(passes->tolerance()), "):\n",
                          passes->report()->Text());
    };
    verification.hook = std::move(hook);
    return verification;
  }

  absl::Status Bisect(Model& model, const std::string& spec, const ParseOptions& parse,
                      const PassOptions& options, const Subject& subject) override {
    const OutputCheckFlags flags = FlagsFor(subject);
    ASSIGN_OR_RETURN(const std::unique_ptr<ReferenceOutputs> reference,
                     ComputeReference(model, subject.inputs, subject.outputs, flags));
    ASSIGN_OR_RETURN(const BisectResult result,
                     BisectPipeline(model, spec, parse, options, *reference, flags));
    const std::string text = BisectText(result);
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (result.step == 0) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("step ", result.step, ", ", result.spec, ", changes the outputs"));
  }

 private:
  OutputCheckFlags FlagsFor(const Subject& subject) const {
    OutputCheckFlags flags = flags_;
    if (flags.checkpoint.empty()) flags.checkpoint = subject.checkpoint;
    return flags;
  }

  OutputCheckFlags flags_;
};

[[maybe_unused]] const bool registered = RegisterPipelineChecks(
    []() -> std::unique_ptr<PipelineChecks> { return std::make_unique<OutputPipelineChecks>(); });

}  // namespace
}  // namespace cryograph
