// Timed runs of a plan, and what their times say.
#ifndef CRYOGRAPH_TOOLS_BENCHMARK_RUNS_H_
#define CRYOGRAPH_TOOLS_BENCHMARK_RUNS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/executor.h"
#include "runtime/value.h"
#include "tools/benchmark_profile.h"

namespace cryograph {

// A tensor that is fed, and its value.
using BenchmarkFeed = std::pair<std::string, Value>;

// Milliseconds of runs, in their order.
using Times = std::vector<double>;

double Mean(const Times& times);
double Deviation(const Times& times);
// The smallest time that `percent` of all do not exceed; 0 if there are none.
double Percentile(Times times, double percent);

// "count=50 first=123 curr=120 min=110 max=130 avg=121.5 std=4".
std::string StatText(const std::vector<double>& numbers);
std::string MicrosecondsText(Times ms);

struct RunLimits {
  int64_t max_runs = 0;    // 0 or less: no limit.
  double max_seconds = 0;  // Of the runs together; 0 or less: no limit.
  double delay = 0;        // Seconds between two runs.
};

// Runs `plan` until a limit is reached, but at least once. `profile` may be null. The error of the first run
// that fails.
absl::StatusOr<Times> RunTimed(Executor& executor, const Plan& plan, absl::Span<const Value> inputs,
                               const RunLimits& limits, BenchmarkProfile* profile);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_BENCHMARK_RUNS_H_
