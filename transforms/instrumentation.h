// Hooks around every pass of a run: timing, checks, dumps. Passes know nothing of them.
#ifndef CRYOGRAPH_TRANSFORMS_INSTRUMENTATION_H_
#define CRYOGRAPH_TRANSFORMS_INSTRUMENTATION_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "graph/model.h"
#include "transforms/pass.h"
#include "transforms/report.h"

namespace cryograph {

// One execution of one pass, as hooks see it.
struct PassRun {
  const Pass& pass;
  Model& model;
  PassContext& context;
  StepReport& report;                           // In After(): what the pass did, and its status.
  std::function<std::string()> remaining_spec;  // This step and all that would follow.
};

// Hooks run in the order they were added. A hook that fails in Before() or After() fails the step.
class PassInstrumentation {
 public:
  virtual ~PassInstrumentation() = default;
  virtual absl::Status Start(Model&, PassContext&) { return absl::OkStatus(); }
  // False: the step is skipped. Asked of every hook, even if an earlier one said no.
  virtual bool ShouldRun(const PassRun&) { return true; }
  virtual absl::Status Before(const PassRun&) { return absl::OkStatus(); }
  virtual absl::Status After(const PassRun&) { return absl::OkStatus(); }  // Also after a failure.
  // The step failed, by the pass or by a hook's After(), and the run ends with it.
  virtual void OnFailure(const PassRun&) {}
  virtual absl::Status Finish(Model&, PassContext&) { return absl::OkStatus(); }  // Only if all went well.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_INSTRUMENTATION_H_
