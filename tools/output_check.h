// The flags and the judgement of tools that prove that a model's outputs did not change.
#ifndef CRYOGRAPH_TOOLS_OUTPUT_CHECK_H_
#define CRYOGRAPH_TOOLS_OUTPUT_CHECK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "runtime/equivalence.h"
#include "runtime/tensor_difference.h"
#include "tools/cli.h"
#include "tools/model_state.h"
#include "transforms/pass.h"

namespace cryograph {

struct OutputCheckFlags {
  std::string prefix;              // Of their names, behind the dashes: "verify_".
  std::vector<std::string> feeds;  // NAME=VALUE, as run_graph takes them.
  std::string checkpoint;          // Of the variables; empty: a SavedModel's own, or none.
  std::vector<std::string> init_nodes;
  // Of the model from which the one that is checked was made; null: it is found.
  std::shared_ptr<const ModelState> state;
  int64_t batches = 2, seed = 1, batch_size = 1, threads = 1;
  double atol = -1, rtol = -1;  // Below 0: by what the passes promise.
  int64_t ulps = -1;
  double time_limit = 60;

  bool tolerance_given() const { return atol >= 0 || rtol >= 0 || ulps >= 0; }
};

// Declares --verify_inputs, --verify_batches … with `prefix` ("verify_") before each name; without one the
// first is --feed.
void DeclareOutputCheck(OutputCheckFlags& flags, const std::string& prefix, cli::Command& command);

// What the flags say, or else what a pass promises (Pass::error_bound).
Tolerance ToleranceFor(const ErrorBound& promised, const OutputCheckFlags& flags);
// The looser of the two in every bound.
Tolerance Loosest(const Tolerance& a, const Tolerance& b);

// Placeholders that an output depends on, in file order.
std::vector<std::string> NeededPlaceholders(Model& model, const std::vector<std::string>& outputs);

// Computes what `model` gives for the feeds of the flags, or for seeded random ones where they name none, at
// every one of `outputs`. `inputs` are the tensors that are fed; if empty, every Placeholder that the outputs
// need. Variables have the values of the checkpoint, tables what the initialization puts into them; so have
// those of the models that are held against this one. InvalidArgument, NotFound: feeds that do not fit; the
// errors of ModelState::Find and of the executor if the model cannot be run. *notes (if not null) is given a
// line for each guess.
absl::StatusOr<std::unique_ptr<ReferenceOutputs>> ComputeReference(Model& model,
                                                                   const std::vector<std::string>& inputs,
                                                                   const std::vector<std::string>& outputs,
                                                                   const OutputCheckFlags& flags,
                                                                   std::vector<std::string>* notes = nullptr);

// The state that the flags name, for OutputCheckFlags::state. Errors and notes: of ModelState::Find.
absl::StatusOr<std::shared_ptr<const ModelState>> FindState(Model& model, const OutputCheckFlags& flags,
                                                            std::vector<std::string>* notes);

// How a session of `model`, or of what becomes of it, is brought into the state that the flags name. Errors:
// of ModelState::Find. *notes is given a line for each guess.
absl::StatusOr<Prepare> PrepareFor(Model& model, const OutputCheckFlags& flags,
                                   std::vector<std::string>* notes);

// "the outputs differ: …" with the worst output and the first diverging tensor; OK if the report is.
absl::Status MismatchStatus(const EquivalenceReport& report, const Tolerance& tolerance);

// The whole report as JSON.
std::string ReportJson(const EquivalenceReport& report, const Tolerance& tolerance);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_OUTPUT_CHECK_H_
