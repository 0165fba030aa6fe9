// What doctor found and did, as text and as JSON.
#ifndef CRYOGRAPH_TOOLS_DOCTOR_REPORT_H_
#define CRYOGRAPH_TOOLS_DOCTOR_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "graph/finding.h"
#include "graph/model.h"
#include "transforms/repair.h"
#include "transforms/swap_weights.h"

namespace cryograph {

struct DoctorReport {
  std::string path;
  int errors_before = 0;  // Defects that the verifier counts as errors.
  std::vector<Repair> repairs;
  std::optional<SwapReport> swap;
  std::vector<Finding> left;  // After the repairs.
  std::string written;        // Empty: nothing.
};

// A line for each repair ("node 'a': RefSwitch became Switch: it takes …"), many alike counted together; then
// what is left, and a summary.
std::string DoctorReportText(const DoctorReport& report);

// {"path", "errors_before", "repairs": [{"kind", "function", "node", "what", "why"}…], "swapped": [{"node",
// "key", "slice", "how", "dtype", "shape", "bytes"}…], "kept": […], "unused_keys": […], "left": [{"code",
// "severity", "function", "node", "text", "hint"}…], "written"}; the lists of swapped weights only if there
// was a swap.
std::string DoctorReportJson(const DoctorReport& report);

// The first error among findings, and how many there are besides.
std::string FirstErrorText(const std::vector<Finding>& findings);

// Names of functions that an attribute of a node refers to, in the main graph or in a body, and that the
// library lacks; sorted. Bodies that cannot be read are passed over.
std::vector<std::string> MissingFunctions(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_DOCTOR_REPORT_H_
