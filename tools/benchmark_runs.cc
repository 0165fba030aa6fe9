#include "tools/benchmark_runs.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"

namespace cryograph {

double Mean(const Times& times) {
  double sum = 0;
  for (const double time : times) sum += time;
  return times.empty() ? 0 : sum / static_cast<double>(times.size());
}

double Deviation(const Times& times) {
  const double mean = Mean(times);
  double sum = 0;
  for (const double time : times) sum += (time - mean) * (time - mean);
  return times.empty() ? 0 : std::sqrt(sum / static_cast<double>(times.size()));
}

double Percentile(Times times, double percent) {
  if (times.empty()) return 0;
  std::sort(times.begin(), times.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(times.size()));
  return times[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

std::string StatText(const std::vector<double>& numbers) {
  if (numbers.empty()) return "count=0";
  std::vector<int64_t> whole;
  for (const double number : numbers) whole.push_back(std::llround(number));
  const auto [min, max] = std::minmax_element(whole.begin(), whole.end());
  if (*min == *max) {
    return absl::StrCat("count=", whole.size(), " curr=", whole.back(), whole.size() > 1 ? "(all same)" : "");
  }
  return absl::StrFormat("count=%d first=%d curr=%d min=%d max=%d avg=%g std=%.0f", whole.size(),
                         whole.front(), whole.back(), *min, *max, Mean(numbers), Deviation(numbers));
}

std::string MicrosecondsText(Times ms) {
  for (double& time : ms) time *= 1000;
  return StatText(ms);
}

absl::StatusOr<Times> RunTimed(Executor& executor, const Plan& plan, absl::Span<const Value> inputs,
                               const RunLimits& limits, BenchmarkProfile* profile) {
  RunOptions options;
  options.observer = profile;
  Times times;
  double seconds = 0;
  for (int64_t i = 0; limits.max_runs <= 0 || i < limits.max_runs; ++i) {
    if (i > 0 && limits.max_seconds > 0 && seconds >= limits.max_seconds) break;
    if (i > 0 && limits.delay > 0) absl::SleepFor(absl::Seconds(limits.delay));
    if (profile != nullptr) profile->BeginRun();
    const absl::Time begin = absl::Now();
    RETURN_IF_ERROR(executor.Run(plan, inputs, options).status());
    const absl::Duration time = absl::Now() - begin;
    times.push_back(absl::ToDoubleMilliseconds(time));
    seconds += absl::ToDoubleSeconds(time);
  }
  return times;
}

}  // namespace cryograph
