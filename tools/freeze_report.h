// The report of a freeze as JSON: which variable came from where.
#ifndef CRYOGRAPH_TOOLS_FREEZE_REPORT_H_
#define CRYOGRAPH_TOOLS_FREEZE_REPORT_H_

#include <string>

#include "transforms/freeze_variables.h"

namespace cryograph {

// {"variables": [{"node", "key", "slice", "how", "dtype", "shape", "bytes"}…], "left": […], "unused_keys":
// […],
//  "inputs": […], "notes": […], "bytes", "nodes_total", "nodes_kept", "dropped_updates", "functions_pruned"}
std::string FreezeReportJson(const FreezeReport& report);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_FREEZE_REPORT_H_
