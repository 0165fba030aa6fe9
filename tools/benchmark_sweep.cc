#include "tools/benchmark_sweep.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "graph/dtype.h"

namespace cryograph {
namespace {

std::string PointText(int threads, int64_t batch) {
  return absl::StrCat(threads, threads == 1 ? " thread" : " threads",
                      batch > 0 ? absl::StrCat(", batch ", batch) : "");
}

absl::Status At(const absl::Status& status, int threads, int64_t batch) {
  return absl::Status(status.code(),
                      absl::StrCat("with ", PointText(threads, batch), ": ", status.message()));
}

// Whether the first dimension of the input counts the rows of a batch: the model leaves it open, or says
// nothing.
bool HasBatch(const BenchmarkFeed& feed, const Session& session) {
  if (feed.second.rank() == 0) return false;
  const auto declared = session.input_shapes.find(std::string(absl::StripSuffix(feed.first, ":0")));
  if (declared == session.input_shapes.end()) return true;
  const std::vector<int64_t>& dims = declared->second.dims;
  return !dims.empty() && dims[0] < 0;
}

absl::Status SetBatch(int64_t batch, Session& session, std::vector<BenchmarkFeed>* feeds) {
  bool any = false;
  for (BenchmarkFeed& feed : *feeds) {
    if (!HasBatch(feed, session)) continue;
    absl::StatusOr<Value> value = WithRows(feed.second, batch, session.executor->pool());
    if (!value.ok()) {
      return absl::Status(value.status().code(),
                          absl::StrCat("input '", feed.first, "': ", value.status().message()));
    }
    feed.second = *std::move(value);
    any = true;
  }
  if (any) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "no input has a first dimension that the model leaves open, so its batch cannot be changed\n"
      "try: set_input, which gives an input another shape");
}

absl::StatusOr<SweepPoint> Measure(const SweepRequest& request, int threads, int64_t batch) {
  SessionOptions options = request.session;
  options.executor.threads = threads;
  std::vector<std::string> unsaid;  // The notes of every point would be the same.
  ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, OpenSession(options, &unsaid));
  ASSIGN_OR_RETURN(std::vector<BenchmarkFeed> feeds, request.feeds(*session));
  if (batch > 0) RETURN_IF_ERROR(SetBatch(batch, *session, &feeds));
  PlanRequest wanted;
  wanted.fetches = request.outputs;
  wanted.targets = request.targets;
  std::vector<Value> inputs;
  for (BenchmarkFeed& feed : feeds) {
    wanted.feeds.push_back(feed.first);
    inputs.push_back(std::move(feed.second));
  }
  Executor& executor = *session->executor;
  ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan, executor.MakePlan(wanted));
  if (request.warmup_runs > 0) {
    RETURN_IF_ERROR(RunTimed(executor, *plan, inputs, {request.warmup_runs, 0, 0}, nullptr).status());
  }
  SweepPoint point;
  point.threads = threads;
  point.batch = batch;
  executor.pool().ResetPeak();
  ASSIGN_OR_RETURN(point.times, RunTimed(executor, *plan, inputs, request.limits, nullptr));
  point.peak_bytes = executor.pool().peak_bytes();
  return point;
}

// How many times as much gets done as at `first`, in a time.
double Speedup(const SweepPoint& point, const SweepPoint& first) {
  const double rows = static_cast<double>(std::max<int64_t>(point.batch, 1));
  const double first_rows = static_cast<double>(std::max<int64_t>(first.batch, 1));
  const double time = Percentile(point.times, 50) * first_rows;
  return time > 0 ? Percentile(first.times, 50) * rows / time : 0;
}

}  // namespace

double SweepPoint::RowsPerSecond() const {
  const double median = Percentile(times, 50);
  return median > 0 ? static_cast<double>(batch) / median * 1000 : 0;
}

absl::StatusOr<Value> WithRows(const Value& value, int64_t rows, MemoryPool& pool) {
  if (value.rank() == 0 || value.dim(0) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(ValueText(value), " has no rows of which a batch could be made"));
  }
  Shape shape = value.shape();
  shape[0] = rows;
  ASSIGN_OR_RETURN(Value batch, Value::Allocate(value.dtype(), shape, pool));
  const int64_t have = value.dim(0);
  if (value.dtype() == DT_STRING) {
    const int64_t elements = value.num_elements() / have;
    for (int64_t i = 0; i < batch.num_elements(); ++i) {
      batch.mutable_data<std::string>()[i] = value.data<std::string>()[i % (elements * have)];
    }
    return batch;
  }
  const size_t row_bytes = static_cast<size_t>(value.num_bytes()) / static_cast<size_t>(have);
  for (int64_t row = 0; row < rows && row_bytes > 0; ++row) {
    std::memcpy(batch.mutable_raw() + static_cast<size_t>(row) * row_bytes,
                value.raw() + static_cast<size_t>(row % have) * row_bytes, row_bytes);
  }
  return batch;
}

absl::StatusOr<std::vector<SweepPoint>> Sweep(const SweepRequest& request) {
  const std::vector<int64_t> batches = request.batches.empty() ? std::vector<int64_t>{0} : request.batches;
  std::vector<SweepPoint> points;
  for (const int threads : request.threads) {
    for (const int64_t batch : batches) {
      absl::StatusOr<SweepPoint> point = Measure(request, threads, batch);
      if (!point.ok()) return At(point.status(), threads, batch);
      if (request.done) request.done(*point);
      points.push_back(*std::move(point));
    }
  }
  return points;
}

std::string SweepHeading() {
  return absl::StrFormat("\t%9s\t%7s\t%6s\t%10s\t%10s\t%10s\t%10s\t%10s\t%9s\t%10s\n", "[threads]", "[batch]",
                         "[runs]", "[p50 ms]", "[p90 ms]", "[p99 ms]", "[avg ms]", "[rows/s]", "[speedup]",
                         "[peak MB]");
}

std::string SweepLine(const SweepPoint& point, const SweepPoint& first) {
  const std::string batch = point.batch > 0 ? absl::StrCat(point.batch) : "-";
  const std::string rows = point.batch > 0 ? absl::StrFormat("%.1f", point.RowsPerSecond()) : "-";
  return absl::StrFormat("\t%9d\t%7s\t%6d\t%10.3f\t%10.3f\t%10.3f\t%10.3f\t%10s\t%8.2fx\t%10.3f\n",
                         point.threads, batch, point.times.size(), Percentile(point.times, 50),
                         Percentile(point.times, 90), Percentile(point.times, 99), Mean(point.times), rows,
                         Speedup(point, first), static_cast<double>(point.peak_bytes) / 1e6);
}

std::string SweepJson(const std::vector<SweepPoint>& points) {
  std::string text = "[";
  for (const SweepPoint& point : points) {
    absl::StrAppendFormat(&text, "%s\n    {\"threads\": %d, ", text.size() == 1 ? "" : ",", point.threads);
    if (point.batch > 0) {
      absl::StrAppendFormat(&text, "\"batch\": %d, \"rows_per_second\": %.6g, ", point.batch,
                            point.RowsPerSecond());
    }
    absl::StrAppendFormat(&text,
                          "\"runs\": %d, \"mean_ms\": %.6g, \"std_ms\": %.6g, \"min_ms\": %.6g, "
                          "\"p50_ms\": %.6g, \"p90_ms\": %.6g, \"p99_ms\": %.6g, \"max_ms\": %.6g, "
                          "\"speedup\": %.6g, \"peak_bytes\": %d}",
                          point.times.size(), Mean(point.times), Deviation(point.times),
                          Percentile(point.times, 0), Percentile(point.times, 50),
                          Percentile(point.times, 90), Percentile(point.times, 99),
                          Percentile(point.times, 100), Speedup(point, points.front()), point.peak_bytes);
  }
  return text + "]";
}

}  // namespace cryograph
