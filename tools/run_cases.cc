#include "tools/run_cases.h"

#include <cstdio>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "graph/tensor.h"
#include "runtime/cases/case_file.h"
#include "runtime/cases/run_case.h"
#include "tools/cli.h"
#include "tools/value_files.h"

namespace cryograph {
namespace {

absl::Status WriteResults(const OpCase& op_case, const std::vector<Value>& results,
                          const std::string& out_dir) {
  for (size_t i = 0; i < results.size(); ++i) {
    RETURN_IF_ERROR(
        WriteTensorProto(results[i], absl::StrCat(out_dir, "/", op_case.op, "/", op_case.index, "/",
                                                  ValueFileName(op_case.fetches[i].name), ".pb")));
  }
  return absl::OkStatus();
}

}  // namespace

int RunCases(const std::string& cases, int64_t skip, const std::string& out_dir,
             const ExecutorOptions& executor_options, const RunOptions& run_options) {
  const auto usage = [](const absl::Status& status) {
    cli::PrintError(status);
    return cli::kUsage;
  };
  if (out_dir.empty()) return usage(cli::UsageError("--cases needs --out_dir"));
  const auto file = MappedFile::Open(cases);
  if (!file.ok()) return usage(file.status());
  const absl::StatusOr<std::vector<OpCase>> parsed = ParseCases((*file)->bytes());
  if (!parsed.ok()) {
    return usage(absl::Status(parsed.status().code(), absl::StrCat(cases, ": ", parsed.status().message())));
  }
  for (size_t i = static_cast<size_t>(skip); i < parsed->size(); ++i) {
    const OpCase& each = (*parsed)[i];
    const absl::StatusOr<std::vector<Value>> results = RunCase(each, executor_options, run_options);
    absl::Status outcome = results.status();
    if (results.ok()) outcome = WriteResults(each, *results, out_dir);
    const char* const word = outcome.ok() ? "ok" : absl::IsUnimplemented(outcome) ? "unimplemented" : "error";
    std::printf("{\"op\":%s,\"index\":%d,\"status\":\"%s\"", cli::JsonString(each.op).c_str(), each.index,
                word);
    if (!outcome.ok()) std::printf(",\"message\":%s", cli::JsonString(outcome.message()).c_str());
    std::puts("}");
    std::fflush(stdout);
  }
  return cli::Finish(absl::OkStatus());
}

}  // namespace cryograph
