// Finds what in a pipeline changes a model's outputs: the first step that does, and in it the fewest
// rewrites.
#ifndef CRYOGRAPH_TOOLS_BISECT_PIPELINE_H_
#define CRYOGRAPH_TOOLS_BISECT_PIPELINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/model.h"
#include "runtime/equivalence.h"
#include "tools/output_check.h"
#include "transforms/pass.h"
#include "transforms/pass_manager.h"

namespace cryograph {

struct BisectResult {
  int step = 0;  // Number of the first step after which the outputs differ; 0 if they never do.
  std::string pass, spec;
  // Nodes that must not be held for the outputs to differ: the step was run again and again with all others
  // of those it changed held by name, as --keep holds them, until no smaller set did it. Empty if a step that
  // leaves every node alone differs, too (then the names of all that it changed say nothing).
  std::vector<std::string> nodes;
  int changed_nodes = 0;   // All that the step changed or removed.
  int runs = 0;            // Of the model.
  std::string difference;  // DifferenceText of the worst output after the step.
};

// Runs `spec` on copies of `model`. Errors: of the spec, of a step that fails by itself, of the executor
// where the model cannot be run before the first step.
absl::StatusOr<BisectResult> BisectPipeline(const Model& model, const std::string& spec,
                                            const ParseOptions& parse, const PassOptions& options,
                                            const ReferenceOutputs& reference, const OutputCheckFlags& flags);

// For people; ends with a line break.
std::string BisectText(const BisectResult& result);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_BISECT_PIPELINE_H_
