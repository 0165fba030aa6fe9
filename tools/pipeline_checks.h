// What transform_graph does with a model's outputs, where it is linked: the build rules' transform_graph does
// without, and so without the runtime and all its kernels.
#ifndef CRYOGRAPH_TOOLS_PIPELINE_CHECKS_H_
#define CRYOGRAPH_TOOLS_PIPELINE_CHECKS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "graph/model.h"
#include "tools/cli.h"
#include "transforms/constant_evaluator.h"
#include "transforms/instrumentation.h"
#include "transforms/pass.h"
#include "transforms/pass_manager.h"

namespace cryograph {

class PipelineChecks {
 public:
  virtual ~PipelineChecks() = default;

  // Declares the flags of the checks.
  virtual void Declare(cli::Command& command) = 0;

  // What is compared, and on what.
  struct Subject {
    std::vector<std::string> inputs, outputs;
    std::string checkpoint;  // Of the variables, if no flag names one.
  };

  // A hook that compares the outputs, after each step or at the end, and what it has to say when all went
  // well.
  struct Verification {
    std::unique_ptr<PassInstrumentation> hook;
    std::function<std::string()> summary;  // To be called before the hook's end.
  };
  virtual Verification Verify(bool each, const Subject& subject) = 0;

  // Prints what changes the outputs; FailedPrecondition if something does.
  virtual absl::Status Bisect(Model& model, const std::string& spec, const ParseOptions& parse,
                              const PassOptions& options, const Subject& subject) = 0;
};

// Makes the checks of one run of the tool; null if they are not linked.
using PipelineChecksFactory = std::unique_ptr<PipelineChecks> (*)();
PipelineChecksFactory FindPipelineChecks();
// Called before main().
bool RegisterPipelineChecks(PipelineChecksFactory factory);

// The same for what computes constants for passes.
using ConstantEvaluatorFactory = std::unique_ptr<ConstantEvaluator> (*)();
ConstantEvaluatorFactory FindConstantEvaluator();
bool RegisterConstantEvaluator(ConstantEvaluatorFactory factory);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_PIPELINE_CHECKS_H_
