// The runtime as the evaluator of passes. A tool that has it links //tools:runtime_evaluator; the build
// rules' transform_graph does without, and so without all kernels.
#ifndef CRYOGRAPH_TOOLS_RUNTIME_EVALUATOR_H_
#define CRYOGRAPH_TOOLS_RUNTIME_EVALUATOR_H_

#include <memory>

#include "transforms/constant_evaluator.h"

namespace cryograph {

// Computes on one thread, within 4 GiB and ten minutes for each request.
std::unique_ptr<ConstantEvaluator> MakeRuntimeEvaluator();

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_RUNTIME_EVALUATOR_H_
