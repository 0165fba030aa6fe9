// Runs the op cases named on the command line: cases_test [--verbose] Add AddV2 … Each op is a file of
// ../shared/data/ops. Passes if every case does, as the conformance checker judges.
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
  if (folder.empty()) {
    std::puts("SKIPPED: ../shared/data/ops is not there");
    return 0;
  }
  int failed = 0;
  for (int i = 1; i < argc; ++i) failed += !RunOp(absl::StrCat(folder, "/", argv[i], ".cases"), argv[i]);
  std::printf("%d of %d ops pass\n", argc - 1 - failed, argc - 1);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) { return cryograph::Main(argc, argv); }
