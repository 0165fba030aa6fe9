#include "tools/pipeline_checks.h"

namespace cryograph {
namespace {

PipelineChecksFactory& Registered() {
  static PipelineChecksFactory factory = nullptr;
  return factory;
}

ConstantEvaluatorFactory& RegisteredEvaluator() {
  static ConstantEvaluatorFactory factory = nullptr;
  return factory;
}

}  // namespace

PipelineChecksFactory FindPipelineChecks() { return Registered(); }

bool RegisterPipelineChecks(PipelineChecksFactory factory) {
  Registered() = factory;
  return true;
}

ConstantEvaluatorFactory FindConstantEvaluator() { return RegisteredEvaluator(); }

bool RegisterConstantEvaluator(ConstantEvaluatorFactory factory) {
  RegisteredEvaluator() = factory;
  return true;
}

}  // namespace cryograph
