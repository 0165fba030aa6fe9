// Runs a pipeline of passes over a model, and the hooks that watch it: passes themselves know of neither.
#ifndef CRYOGRAPH_TRANSFORMS_PASS_MANAGER_H_
#define CRYOGRAPH_TRANSFORMS_PASS_MANAGER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"
#include "transforms/instrumentation.h"
#include "transforms/pass.h"
#include "transforms/spec.h"

namespace cryograph {

struct ParseOptions {
  bool strict_compat = false;  // The grammar of transform_graph and nothing more: SpecOptions.
  bool compat = false;         // A parameter that the pass does not have is a warning, not an error.
};

// A parsed pipeline. Movable. One may be run on many models, one after the other.
class PassManager {
 public:
  // InvalidArgument, NotFound or Unimplemented with the place in the spec: SpecError(). A wrong value in a
  // transform with ignore_errors=true is not an error here: the step will be passed over with a warning, as
  // transform_graph does.
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

  // Runs all steps on the main graph of `model`, which must be that of `context`. Colocations are put right
  // after each step. On an error the model is in the middle of things and must not be written. Messages name
  // the step: "pass #3 'remove_nodes': …". The report is in context.run_report(). Nodes that the context's
  // inputs, outputs and keep and the model's signatures name are pinned, also those that come to exist on the
  // way. After every step Promises and StructureLint look at the graph (instrument/), before the hooks that
  // were added.
  absl::Status Run(Model& model, PassContext& context);

 private:
  struct Step;
  struct Frame;
  struct State;

  PassManager();
  absl::Status Build(absl::string_view text, const std::vector<SpecItem>& items, const ParseOptions& options,
                     std::vector<Step>* steps);
  absl::Status Configure(absl::string_view text, const SpecItem& item, const ParseOptions& options,
                         Step* step);
  absl::Status RunSteps(const std::vector<Step>& steps, State& state);
  absl::Status RunRepeat(const Step& step, State& state);
  absl::Status RunStep(const Step& step, State& state);
  absl::Status Execute(const Step& step, const PassRun& run, State& state);

  Spec spec_;
  std::vector<Step> steps_;
  std::vector<std::string> warnings_;
  std::vector<std::unique_ptr<PassInstrumentation>> hooks_;  // The two that are always there come first.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_PASS_MANAGER_H_
