// The report of a freeze as JSON: which variable came from where.
#ifndef CRYOGRAPH_TOOLS_FREEZE_REPORT_H_
#define CRYOGRAPH_TOOLS_FREEZE_REPORT_H_

#include <string>

#include "tools/signature_choice.h"
#include "transforms/freeze_variables.h"

namespace cryograph {

// {"variables": [{"node", "key", "slice", "how", "dtype", "shape", "bytes"}…], "tables": [{"node",
// "key_dtype",
//  "value_dtype", "size", "source", "initializer", "what"}…], "init_node", "leftovers": [{"kind", "nodes"}…],
//  "left": […], "unused_keys": […], "inputs": […], "notes": […], "bytes", "nodes_total", "nodes_kept",
//  "dropped_updates", "functions_pruned", "signature": {"name", "inputs": {key: tensor…}, "outputs": {…}}}
std::string FreezeReportJson(const FreezeReport& report, const SignatureUse& signature);

// The same for reading: a table of the variables with key, type, shape, bytes and how the key was found, then
// tables, leftovers of training, variables that stay, keys that were not used, notes, and the summary.
std::string FreezeReportText(const FreezeReport& report, const SignatureUse& signature);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_FREEZE_REPORT_H_
