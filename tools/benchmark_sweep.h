// How the time of a model grows with the number of threads and the size of the batch.
#ifndef CRYOGRAPH_TOOLS_BENCHMARK_SWEEP_H_
#define CRYOGRAPH_TOOLS_BENCHMARK_SWEEP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/memory.h"
#include "runtime/value.h"
#include "tools/benchmark_runs.h"
#include "tools/session_setup.h"

namespace cryograph {

// One line of the table.
struct SweepPoint {
  int threads = 1;
  int64_t batch = 0;  // Rows of the inputs that have a batch dimension; 0: they were left as they are.
  Times times;
  uint64_t peak_bytes = 0;

  // 0 if the batch is not known or there are no times.
  double RowsPerSecond() const;
};

struct SweepRequest {
  SessionOptions session;  // Its number of threads is not looked at.
  std::vector<std::string> outputs, targets;
  std::vector<int> threads;      // At least one.
  std::vector<int64_t> batches;  // Empty: inputs are fed as they are.
  int64_t warmup_runs = 1;
  RunLimits limits;
  // Inputs of a session.
  std::function<absl::StatusOr<std::vector<BenchmarkFeed>>(Session&)> feeds;
  // Told of each point when it is done; may be empty.
  std::function<void(const SweepPoint&)> done;
};

// Times the model for every number of threads and every batch, in this order, each in a session of its own. A
// batch of N rows is made of the first N rows of an input, from the start again where it has fewer.
// InvalidArgument if a batch is asked for and no input has a first dimension that the model leaves open;
// other errors are those of OpenSession and the executor, with the point.
absl::StatusOr<std::vector<SweepPoint>> Sweep(const SweepRequest& request);

// The first `rows` rows of `value`, from the start again where it has fewer. InvalidArgument if it is a
// scalar or has no rows.
absl::StatusOr<Value> WithRows(const Value& value, int64_t rows, MemoryPool& pool);

// The heading of the table, and a line of it. `first` is the point that speedups are relative to.
std::string SweepHeading();
std::string SweepLine(const SweepPoint& point, const SweepPoint& first);
// An array with an object for each point.
std::string SweepJson(const std::vector<SweepPoint>& points);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_BENCHMARK_SWEEP_H_
