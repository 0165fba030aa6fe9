// Runs a frozen graph again and again, one thread, and prints how long that takes; for //tests/bench:nets.
//   net_latency GRAPH INPUT:0 HEIGHT OUTPUT:0 RUNS THREADS START
// The input is [1, HEIGHT, HEIGHT, 3] of fixed pseudo-random values; START is the monotonic clock in
// milliseconds when the process was started. Prints one line of JSON: the median run, the times from START to
// the plan and to the first output, the peak of the process's memory beside what the plan counts on (weights,
// the largest live set, the arena), what the process had before it opened the graph, and what of its memory
// at the end are pages of files, and some values of the output.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/process_memory.h"
#include "graph/model.h"
#include "graph/open.h"
#include "runtime/executor.h"
#include "runtime/value.h"

namespace cryograph {
namespace {

double Now(clockid_t clock = CLOCK_MONOTONIC) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

double PeakMegabytes() { return static_cast<double>(PeakResidentBytes()) / (1 << 20); }

int Main(int argc, char** argv) {
  if (argc != 8) return 2;
  const double base = PeakMegabytes();
  const double start = std::atof(argv[7]);
  const int64_t height = std::atoi(argv[3]);
  const int runs = std::atoi(argv[5]);
  std::vector<std::string> notes;
  auto model = OpenModel(argv[1], OpenOptions(), &notes);
  ExecutorOptions options;
  options.threads = std::atoi(argv[6]);
  auto executor = model.ok() ? Executor::Create(*std::move(model), options) : model.status();
  if (!executor.ok()) return std::fprintf(stderr, "%s\n", executor.status().ToString().c_str()), 1;
  auto plan = (*executor)->MakePlan({{argv[2]}, {argv[4]}, {}});
  const double planned = Now() - start, plan_peak = PeakMegabytes();
  auto image = Value::Allocate(DT_FLOAT, {1, height, height, 3}, (*executor)->pool());
  if (!plan.ok()) return std::fprintf(stderr, "%s\n", plan.status().ToString().c_str()), 1;
  uint32_t state = 1;
  for (float& x : image->mutable_span<float>()) {
    state = state * 1664525 + 1013904223;
    x = static_cast<float>(state >> 8) / (1 << 23) - 1.0f;
  }
  std::vector<double> times, cpu_times;
  double first = 0;
  std::vector<Value> outputs;
  for (int i = 0; i < runs; ++i) {
    const double begin = Now(), cpu_begin = Now(CLOCK_PROCESS_CPUTIME_ID);
    auto result = (*executor)->Run(**plan, {*image});
    if (!result.ok()) return std::fprintf(stderr, "%s\n", result.status().ToString().c_str()), 1;
    if (i == 0) first = Now() - start;
    times.push_back(Now() - begin);
    cpu_times.push_back(Now(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin);
    outputs = *std::move(result);
  }
  std::sort(times.begin(), times.end());
  std::sort(cpu_times.begin(), cpu_times.end());
  const PlanMemory memory = (*executor)->Memory(**plan);
  const auto megabytes = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  std::printf("{\"p50_ms\": %.3f, \"cpu_ms\": %.3f, \"plan_ms\": %.1f, \"first_ms\": %.1f, ",
              times[times.size() / 2], cpu_times[times.size() / 2], planned, first);
  std::printf("\"peak_mb\": %.1f, \"base_mb\": %.1f, \"plan_peak_mb\": %.1f, \"weights_mb\": %.1f, ",
              PeakMegabytes(), base, plan_peak, megabytes(memory.weight_bytes));
  std::printf("\"live_mb\": %.1f, \"arena_mb\": %.1f, \"files_mb\": %.1f, \"output\": [",
              megabytes(memory.largest_live_bytes), megabytes(memory.arena_bytes),
              megabytes(ResidentFileBytes()));
  for (int i = 0; i < 5; ++i) std::printf("%s%.9g", i == 0 ? "" : ", ", outputs[0].span<float>()[i]);
  std::printf("]}\n");
  return 0;
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) { return cryograph::Main(argc, argv); }
