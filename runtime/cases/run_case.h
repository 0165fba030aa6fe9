// Runs an op case and says whether the result is right.
#ifndef CRYOGRAPH_RUNTIME_CASES_RUN_CASE_H_
#define CRYOGRAPH_RUNTIME_CASES_RUN_CASE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "runtime/cases/case_file.h"
#include "runtime/executor.h"
#include "runtime/value.h"

namespace cryograph {

// The fetches of a case, in a session of its own. Unimplemented: this build lacks an op or a type of it; any
// other error: the graph is at fault.
absl::StatusOr<std::vector<Value>> RunCase(const OpCase& op_case,
                                           const ExecutorOptions& executor_options = ExecutorOptions(),
                                           const RunOptions& run_options = RunOptions());

// What is wrong with `result`, which RunCase() gave; empty if it is right.
std::string JudgeCase(const OpCase& op_case, const absl::StatusOr<std::vector<Value>>& result);

// What is wrong with `got` for this expectation; empty if nothing is. Type and shape must be those of the
// expected tensor or of an alternate; every element must match one of them at its place.
std::string CompareWithFetch(const Tensor& got, const CaseFetch& fetch);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_CASES_RUN_CASE_H_
