// run_graph's batch mode: op cases, one line of JSON for each.
#ifndef CRYOGRAPH_TOOLS_RUN_CASES_H_
#define CRYOGRAPH_TOOLS_RUN_CASES_H_

#include <cstdint>
#include <string>

#include "runtime/executor.h"

namespace cryograph {

// Runs the cases of file `cases` after the first `skip`, writes OUT_DIR/OP/INDEX/FETCH.pb and prints for each
// case, as soon as it is done, {"op":…,"index":…,"status":"ok"|"error"|"unimplemented","message":…}. The exit
// status: 0 if all were run, whatever came of it.
int RunCases(const std::string& cases, int64_t skip, const std::string& out_dir,
             const ExecutorOptions& executor_options, const RunOptions& run_options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_RUN_CASES_H_
