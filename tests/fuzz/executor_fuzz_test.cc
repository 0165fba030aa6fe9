// Any graph, as text or as bytes, planned and run under limits: it ends in time and memory, with values or
// with a line that says why not. What constants are folded to is what the run gives.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "graph/import.h"
#include "graph/text.h"
#include "runtime/executor.h"

namespace cryograph {
namespace {

constexpr uint64_t kMemoryLimit = uint64_t{16} << 20;

void Require(bool condition, const char* what, absl::string_view shown = "") {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(shown).c_str());
  std::abort();
}

// Status only: what random ops give differs from run to run.
absl::Status RunLast(const Model& model, bool fold, int threads) {
  Model copy = model.Clone();
  std::vector<std::string> fetches;
  for (Node node : copy.graph().nodes()) fetches.push_back(std::string(node.name()));
  constexpr size_t kMostFetches = 3;
  if (fetches.size() > kMostFetches) fetches.erase(fetches.begin(), fetches.end() - kMostFetches);
  if (fetches.empty()) return absl::OkStatus();
  ExecutorOptions options;
  options.threads = threads;
  options.memory_limit = kMemoryLimit;
  options.max_call_depth = 16;
  options.fold_constants = fold;
  RunOptions run_options;
  run_options.time_limit = absl::Milliseconds(200);
  const absl::StatusOr<std::unique_ptr<Executor>> executor = Executor::Create(std::move(copy), options);
  if (!executor.ok()) return executor.status();
  const absl::StatusOr<std::vector<Value>> values =
      (*executor)->RunOnce({}, {fetches.back()}, fetches, run_options);
  Require((*executor)->pool().peak_bytes() <= kMemoryLimit, "more memory than the limit");
  if (!values.ok()) return values.status();
  Require(values->size() == 1, "not as many values as fetches");
  unsigned sum = 0;
  const Value& value = (*values)[0];
  if (DataTypeBytes(value.dtype()) > 0) {
    for (char byte : absl::string_view(value.raw(), value.num_bytes())) sum += static_cast<uint8_t>(byte);
  }
  volatile unsigned sink = sum;
  (void)sink;
  return absl::OkStatus();
}

void Check(absl::string_view input) {
  std::string bytes(input);
  if (absl::StartsWith(input, "node") || absl::StartsWith(input, "library")) {
    absl::StatusOr<std::string> parsed = GraphDefFromText(input, "graph");
    if (!parsed.ok()) return;
    bytes = *std::move(parsed);
  }
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  const absl::StatusOr<Model> model = ImportGraphDef(*owner, owner, "graph");
  if (!model.ok()) return;
  for (const bool fold : {true, false}) {
    const absl::Time begin = absl::Now();
    const absl::Status status = RunLast(*model, fold, fold ? 1 : 2);
    Require(status.ok() || !status.message().empty(), "an error without words", status.ToString());
    Require(absl::Now() - begin < absl::Seconds(10), "the limit of time was passed over", status.ToString());
  }
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cryograph::Check(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
