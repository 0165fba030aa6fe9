// Runs a pipeline of passes over a model, and the hooks that watch it: passes themselves know of neither.
#ifndef CRYOGRAPH_TRANSFORMS_PASS_MANAGER_H_
#define CRYOGRAPH_TRANSFORMS_PASS_MANAGER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"
#include "transforms/pass.h"
#include "transforms/spec.h"

namespace cryograph {

struct ParseOptions {
  bool strict_compat = false;  // The grammar of transform_graph and nothing more: SpecOptions.
  bool compat = false;         // A parameter that the pass does not have is a warning, not an error.
};

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

// A parsed pipeline. Movable. One may be run on many models, one after the other.
class PassManager {
 public:
  // InvalidArgument, NotFound or Unimplemented with the place in the spec: SpecError(). A wrong value in a transform
  // with ignore_errors=true is not an error here: the step will be passed over with a warning, as transform_graph does.
  static absl::StatusOr<PassManager> Parse(absl::string_view spec, const ParseOptions& options = {});

  PassManager(PassManager&&);
  PassManager& operator=(PassManager&&);
  ~PassManager();

  // Parse(ToSpec()) is the same pipeline, so that logs can be replayed.
  std::string ToSpec() const { return spec_.ToText(); }
  const Spec& spec() const { return spec_; }
  bool empty() const { return spec_.items.empty(); }
  const std::vector<std::string>& warnings() const { return warnings_; }
  // The passes in the order of the spec; one inside a repeat{} is there once.
  std::vector<const Pass*> passes() const;

  void Add(std::unique_ptr<PassInstrumentation> hook);

  // Runs all steps on the main graph of `model`, which must be that of `context`. Colocations are put right after each
  // step. On an error the model is in the middle of things and must not be written. Messages name the step:
  // "pass #3 'remove_nodes': …". The report is in context.run_report().
  // Nodes that the context's inputs, outputs and keep name are pinned, also those that come to exist on the way.
  absl::Status Run(Model& model, PassContext& context);

 private:
  struct Step;
  struct Frame;
  struct State;

  PassManager();
  absl::Status Build(absl::string_view text, const std::vector<SpecItem>& items, const ParseOptions& options,
                     std::vector<Step>* steps);
  absl::Status Configure(absl::string_view text, const SpecItem& item, const ParseOptions& options, Step* step);
  absl::Status RunSteps(const std::vector<Step>& steps, State& state);
  absl::Status RunRepeat(const Step& step, State& state);
  absl::Status RunStep(const Step& step, State& state);
  absl::Status Execute(const Step& step, const PassRun& run, State& state);

  Spec spec_;
  std::vector<Step> steps_;
  std::vector<std::string> warnings_;
  std::vector<std::unique_ptr<PassInstrumentation>> hooks_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_PASS_MANAGER_H_
