// Runs the op cases named on the command line: cases Add AddV2 some/Conv2D.cases … What is no path of a
// .cases file is an op with a file in ../shared/data/ops. Passes if every case does, as the conformance
// checker judges.
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/mapped_file.h"
#include "runtime/cases/case_file.h"
#include "runtime/cases/run_case.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

// True if every case of the op passes.
bool RunOp(const std::string& path, const std::string& op) {
  const auto file = MappedFile::Open(path);
  if (!file.ok()) {
    std::printf("FAIL %s: %s\n", op.c_str(), file.status().ToString().c_str());
    return false;
  }
  const auto cases = ParseCases((*file)->bytes());
  if (!cases.ok()) {
    std::printf("FAIL %s: %s\n", op.c_str(), cases.status().ToString().c_str());
    return false;
  }
  RunOptions options;
  options.time_limit = absl::Seconds(60);
  int passed = 0, results_right = 0;
  std::string report;
  for (const OpCase& each : *cases) {
    const std::string why = JudgeCase(each, RunCase(each, ExecutorOptions(), options));
    if (why.empty()) {
      ++passed;
      results_right += !each.expected_error;
    } else {
      absl::StrAppend(&report, "  ", op, "[", each.index, "] ", each.dtype, " ", each.attrs, " ", each.note,
                      "\n    ", why, "\n");
    }
  }
  // A case that must fail counts only when the op computes something.
  const bool all = passed == static_cast<int>(cases->size()) && results_right > 0;
  std::printf("%s %s %d/%d\n%s", all ? "PASS" : "FAIL", op.c_str(), passed, static_cast<int>(cases->size()),
              report.c_str());
  return all;
}

int Main(int argc, char** argv) {
  const std::string folder = SharedData("ops");
  int run = 0, failed = 0, skipped = 0;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view name = argv[i];
    const bool is_path = absl::EndsWith(name, ".cases");
    if (!is_path && folder.empty()) {
      ++skipped;
      continue;
    }
    ++run;
    failed += !RunOp(is_path ? std::string(name) : absl::StrCat(folder, "/", name, ".cases"), argv[i]);
  }
  if (skipped > 0) std::printf("SKIPPED %d ops: ../shared/data/ops is not there\n", skipped);
  std::printf("%d of %d ops pass\n", run - failed, run);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) { return cryograph::Main(argc, argv); }
