// benchmark_model: how long a model takes, and where the time goes.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "base/process_memory.h"
#include "base/status_macros.h"
#include "graph/dtype.h"
#include "graph/model.h"
#include "graph/open.h"
#include "runtime/executor.h"
#include "runtime/value.h"
#include "tools/benchmark_flops.h"
#include "tools/benchmark_profile.h"
#include "tools/benchmark_results.h"
#include "tools/benchmark_runs.h"
#include "tools/benchmark_sweep.h"
#include "tools/cli.h"
#include "tools/feed_values.h"
#include "tools/session_setup.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;

using Feed = BenchmarkFeed;

constexpr int64_t kMostThreads = 1024;

struct Flags {
  std::string graph, tags, checkpoint, trace;
  std::vector<std::string> input_layers = {"input:0"}, input_types = {"float"}, feeds;
  std::string input_shapes = "1,224,224,3", input_values;
  std::vector<std::string> outputs = {"output:0"}, targets, init_ops;
  int64_t max_runs = 1000, warmup_runs = 1, threads = -1;
  std::vector<std::string> sweep_threads, sweep_batches;
  double max_time = 10, delay = -1, block_delay = -1;
  int64_t run_order_limit = 0, time_limit = 10, memory_limit = 10;
  bool show_run_order = true, show_time = true, show_memory = true, show_summary = true, show_type = true;
  bool show_flops = false, show_sizes = false, json = false;
  std::string benchmark_name, output_prefix, step_stats_name;
};

void Declare(Flags& flags, Command& command) {
  command.Section("Model");
  command.Add(&flags.graph, "graph", "The model, in any container.").Alias("in_graph").Path().Value("FILE");
  command.Add(&flags.tags, "tags", "Tag-set of a SavedModel's graph.").Value("TAG,TAG").Extension();
  command
      .Add(&flags.checkpoint, "checkpoint",
           "Where its variables are, for a graph that is not frozen; a SavedModel's own are found.")
      .Path()
      .Value("PATH")
      .Extension();
  command.Add(&flags.init_ops, "init_ops", "Nodes that run once before all else.");
  command.Section("What runs");
  command.Add(&flags.input_layers, "input_layer", "Tensors that are fed.");
  command.Add(&flags.input_shapes, "input_layer_shape", "A shape for each of them, with \":\" between.")
      .Value("N,N…:N,N…");
  command.Add(&flags.input_types, "input_layer_type", "A type for each of them.").Value("TYPE,TYPE…");
  command
      .Add(&flags.input_values, "input_layer_values",
           "Their first elements, with \":\" between; the rest is zero.")
      .Value("X,X…:X,X…");
  command
      .Add(&flags.feeds, "feed",
           absl::StrCat("A tensor and its value, instead of the four flags above:\n", FeedHelp()))
      .Value("NAME=VALUE")
      .Repeated()
      .Extension();
  command.Add(&flags.outputs, "output_layer", "Tensors to compute.");
  command.Add(&flags.targets, "target_layer", "Nodes that run without being fetched.");
  command.Section("How it runs");
  command.Add(&flags.max_runs, "max_num_runs", "Runs that are timed, at most; 0: as many as fit --max_time.")
      .Alias("num_runs");
  command.Add(&flags.max_time, "max_time", "Seconds of runs that are timed, at most; 0: no limit.");
  command.Add(&flags.warmup_runs, "warmup_runs", "Runs before those.").AtLeast(0);
  command.Add(&flags.delay, "inference_delay", "Seconds between runs.").Alias("run_delay");
  command.Add(&flags.block_delay, "inter_benchmark_delay", "Seconds before the runs with statistics.");
  command.Add(&flags.threads, "num_threads", "Threads; 0 or less: one for each processor.").Alias("threads");
  command.Section("Sweeps: a table instead of the statistics");
  command
      .Add(&flags.sweep_threads, "sweep_threads",
           "Numbers of threads, with each of which the model is timed.")
      .Value("N,N…")
      .Extension();
  command
      .Add(
          &flags.sweep_batches, "sweep_batch_sizes",
          "Sizes of the batch, with each of which the model is timed: inputs whose first dimension the model "
          "leaves open have that many rows, the given ones again and again.")
      .Value("N,N…")
      .Extension();
  command.Section("Result");
  command.Add(&flags.json, "json", "Print JSON.").Extension();
  command.Add(&flags.trace, "trace", "Write the last run to this file, for chrome://tracing and Perfetto.")
      .Path()
      .Value("FILE")
      .Extension();
  command
      .Add(&flags.benchmark_name, "benchmark_name",
           "With --output_prefix: the figures go to the file PREFIX + NAME, as a BenchmarkEntries message, "
           "and "
           "those of each op to NAME_OP.")
      .Value("NAME");
  command.Add(&flags.output_prefix, "output_prefix", "Where those files are.").Path().Value("PREFIX");
  command
      .Add(&flags.step_stats_name, "step_stats_name",
           "Write the last run to this new file, as a StepStats message.")
      .Path()
      .Value("FILE");
  command.Add(&flags.show_sizes, "show_sizes", "Print type and shape of every node's outputs.");
  command.Add(&flags.show_run_order, "show_run_order", "Print the nodes in the order in which they run.");
  command.Add(&flags.run_order_limit, "run_order_limit", "Lines of that table; 0: all.").AtLeast(0);
  command.Add(&flags.show_time, "show_time", "Print the nodes that take longest.");
  command.Add(&flags.time_limit, "time_limit", "Lines of that table; 0: all.").AtLeast(0);
  command.Add(&flags.show_memory, "show_memory", "Print the nodes with the largest outputs.");
  command.Add(&flags.memory_limit, "memory_limit", "Lines of that table; 0: all.").AtLeast(0);
  command.Add(&flags.show_type, "show_type", "Print the time of each op.");
  command.Add(&flags.show_summary, "show_summary", "Print time and memory of the runs with statistics.");
  command.Add(&flags.show_flops, "show_flops", "Print an estimate of the floating-point operations.");
  command.Example(
      "benchmark_model --graph=model.pb --input_layer=x --input_layer_shape=1,224,224,3 "
      "--input_layer_type=float --output_layer=probs --num_threads=1",
      "");
  command.Example(
      "benchmark_model --graph=model.pb --feed='x=rand(1,224,224,3)' --output_layer=probs --trace=t.json",
      "");
  command.Example(
      "benchmark_model --graph=model.pb --feed='x=rand(1,224,224,3)' --output_layer=probs --max_time=2 "
      "--sweep_threads=1,2,4 --sweep_batch_sizes=1,8",
      "");
  command.Epilogue("Exit status",
                   "0: all ran. 1: the graph is at fault. 2: wrong usage, or a file that cannot be read.");
}

// --- Inputs.

absl::StatusOr<std::vector<int64_t>> ParseShape(absl::string_view text) {
  std::vector<int64_t> shape;
  if (text.empty()) return shape;
  for (const absl::string_view dim : absl::StrSplit(text, ',')) {
    int64_t size = 0;
    if (!absl::SimpleAtoi(dim, &size) || size < -1) {
      return cli::UsageError(absl::StrCat("--input_layer_shape: '", dim, "' is no dimension"));
    }
    if (size == -1) {
      return cli::UsageError(
          "Any unknown sizes in the shapes (-1's) must be replaced with the size you want to benchmark "
          "with.");
    }
    shape.push_back(size);
  }
  return shape;
}

// Zeros, and `values` in front.
absl::StatusOr<Value> InputValue(const std::string& name, const std::string& type_name,
                                 absl::string_view shape_text, absl::string_view values, MemoryPool& pool) {
  DataType dtype;
  if (!ParseDataType(type_name, &dtype) || (DataTypeBytes(dtype) == 0 && dtype != DT_STRING)) {
    return cli::UsageError(absl::StrCat("--input_layer_type: no input can be of type '", type_name, "'"));
  }
  ASSIGN_OR_RETURN(const std::vector<int64_t> shape, ParseShape(shape_text));
  ASSIGN_OR_RETURN(Value input, Value::Allocate(dtype, shape, pool));
  if (dtype != DT_STRING && input.num_bytes() > 0) std::memset(input.mutable_raw(), 0, input.num_bytes());
  if (values.empty()) return input;
  if (dtype == DT_STRING) return cli::UsageError("--input_layer_values: strings cannot be given; use --feed");
  FeedTarget target;
  target.name = name;
  target.dtype = dtype;
  absl::StatusOr<Value> given = FeedValue(absl::StrCat("[", values, "]"), target, pool);
  if (!given.ok()) {
    return cli::UsageError(absl::StrCat("--input_layer_values: ", name, ": ", given.status().message()));
  }
  if (given->dtype() != dtype || given->rank() != 1 || given->num_elements() > input.num_elements()) {
    return cli::UsageError(absl::StrCat("--input_layer_values: ", name, " takes at most ",
                                        input.num_elements(), " numbers, and is given ",
                                        given->num_elements()));
  }
  std::memcpy(input.mutable_raw(), given->raw(), given->num_bytes());
  return input;
}

absl::Status AddLayers(const Flags& flags, MemoryPool& pool, std::vector<Feed>* feeds) {
  if (flags.input_layers.empty()) return absl::OkStatus();
  const std::vector<std::string> shapes = absl::StrSplit(flags.input_shapes, ':');
  if (shapes.size() != flags.input_layers.size() || flags.input_types.size() != flags.input_layers.size()) {
    return cli::UsageError(absl::StrCat(
        "There must be the same number of items in --input_layer, --input_layer_shape, and "
        "--input_layer_type, for example --input_layer=input1,input2 --input_layer_type=float,float "
        "--input_layer_shape=1,224,224,4:1,20\n--input_layer: ",
        flags.input_layers.size(), "\n--input_layer_type: ", flags.input_types.size(),
        "\n--input_layer_shape: ", shapes.size()));
  }
  std::vector<std::string> values(shapes.size());
  if (!flags.input_values.empty()) values = absl::StrSplit(flags.input_values, ':');
  if (values.size() != shapes.size()) {
    return cli::UsageError(absl::StrCat("--input_layer_values holds values for ", values.size(), " of ",
                                        shapes.size(), " inputs"));
  }
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::string& name = flags.input_layers[i];
    ASSIGN_OR_RETURN(Value value, InputValue(name, flags.input_types[i], shapes[i], values[i], pool));
    feeds->emplace_back(name, std::move(value));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Feed>> Feeds(const Flags& flags, Session& session) {
  Executor& executor = *session.executor;
  std::vector<Feed> feeds;
  RETURN_IF_ERROR(AddLayers(flags, executor.pool(), &feeds));
  for (const std::string& feed : flags.feeds) {
    ASSIGN_OR_RETURN(const auto split, SplitFeed(feed));
    FeedTarget target;
    target.name = split.first;
    ASSIGN_OR_RETURN(target.dtype, executor.TensorType(split.first));
    const auto shape = session.input_shapes.find(std::string(absl::StripSuffix(split.first, ":0")));
    if (shape != session.input_shapes.end()) target.shape = shape->second;
    absl::StatusOr<Value> value = FeedValue(split.second, target, executor.pool());
    if (!value.ok()) {
      return absl::Status(value.status().code(),
                          absl::StrCat("--feed=", split.first, ": ", value.status().message()));
    }
    feeds.emplace_back(split.first, *std::move(value));
  }
  return feeds;
}

// --- Runs.

// What is benchmarked: a plan with its inputs.
struct Subject {
  Executor& executor;
  std::shared_ptr<const Plan> plan;
  std::vector<Value> inputs;
};

// `max_runs` or `max_seconds` of 0 or less: no such limit.
absl::StatusOr<Times> TimedRuns(Subject& subject, int64_t max_runs, double max_seconds, const Flags& flags,
                                BenchmarkProfile* profile) {
  if (!flags.json) {
    absl::PrintF(
        "Running benchmark for max %d iterations, max %g seconds %s detailed stat logging, with %gs "
        "sleep between inferences\n",
        max_runs, max_seconds, profile == nullptr ? "without" : "with", flags.delay);
    std::fflush(stdout);
  }
  const RunLimits limits{max_runs, max_seconds, flags.delay};
  ASSIGN_OR_RETURN(const Times times,
                   RunTimed(subject.executor, *subject.plan, subject.inputs, limits, profile));
  if (!flags.json) absl::PrintF("%s\n\n", MicrosecondsText(times));
  return times;
}

struct Measured {
  double load_ms = 0, plan_ms = 0;
  Times warmup, plain, profiled;
  BenchmarkProfile profile;
  uint64_t peak_bytes = 0;  // While the timed runs ran, constants and inputs included.
  PlanMemory plan;
  uint64_t process_peak_bytes = 0;  // Since it was started; 0 where the system does not say.
  std::optional<double> flops;
};

// "1.23k", "5.30B".
std::string HumanText(double number) {
  for (const auto& [unit, suffix] :
       {std::pair<double, const char*>{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "k"}}) {
    if (number >= unit) return absl::StrFormat("%.2f%s", number / unit, suffix);
  }
  return absl::StrFormat("%.0f", number);
}

void PrintText(const Flags& flags, const Measured& measured) {
  const BenchmarkProfile& profile = measured.profile;
  std::string text = absl::StrFormat(
      "Average inference timings in us: Warmup: %g, no stats: %g, with stats: %g\n",
      Mean(measured.warmup) * 1000, Mean(measured.plain) * 1000, Mean(measured.profiled) * 1000);
  absl::StrAppendFormat(&text, "Percentiles in ms: p50 %.3f, p90 %.3f, p99 %.3f\n",
                        Percentile(measured.plain, 50), Percentile(measured.plain, 90),
                        Percentile(measured.plain, 99));
  absl::StrAppend(&text, "Peak memory: ", cli::BytesText(measured.peak_bytes), " in values, ",
                  cli::BytesText(measured.process_peak_bytes), " in the process; weights ",
                  cli::BytesText(measured.plan.weight_bytes), ", largest live set ",
                  cli::BytesText(measured.plan.largest_live_bytes), ", arena ",
                  cli::BytesText(measured.plan.arena_bytes), "\n\n");
  if (flags.show_sizes) text += SizesTable(profile);
  if (flags.show_run_order) text += NodeTable(profile, "Run Order", NodeOrder::kRun, flags.run_order_limit);
  if (flags.show_time)
    text += NodeTable(profile, "Top by Computation Time", NodeOrder::kTime, flags.time_limit);
  if (flags.show_memory)
    text += NodeTable(profile, "Top by Memory Use", NodeOrder::kMemory, flags.memory_limit);
  if (flags.show_type) text += OpTable(profile);
  if (flags.show_summary) {
    const std::vector<double> bytes(profile.run_bytes().begin(), profile.run_bytes().end());
    absl::StrAppend(&text, "Timings (microseconds): ", MicrosecondsText(measured.profiled),
                    "\nMemory (bytes): ", StatText(bytes), "\n", profile.nodes().size(), " nodes observed\n");
  }
  if (flags.show_flops && measured.flops) {
    absl::StrAppend(&text, "FLOPs estimate: ", HumanText(*measured.flops), "\n");
    const double seconds = Mean(measured.plain) / 1000;
    if (seconds > 0) absl::StrAppend(&text, "FLOPs/second: ", HumanText(*measured.flops / seconds), "\n");
  }
  std::fputs(text.c_str(), stdout);
}

void PrintJson(const Flags& flags, int threads, const Measured& measured) {
  const Times& times = measured.plain;
  std::string text =
      absl::StrFormat("{\n  \"graph\": %s,\n  \"threads\": %d,\n  \"load_ms\": %.6g,\n  \"plan_ms\": %.6g,\n",
                      cli::JsonString(flags.graph), threads, measured.load_ms, measured.plan_ms);
  if (!measured.warmup.empty()) absl::StrAppendFormat(&text, "  \"first_ms\": %.6g,\n", measured.warmup[0]);
  absl::StrAppendFormat(
      &text,
      "  \"runs\": %d,\n  \"mean_ms\": %.6g,\n  \"std_ms\": %.6g,\n  \"min_ms\": %.6g,\n"
      "  \"p50_ms\": %.6g,\n  \"p90_ms\": %.6g,\n  \"p99_ms\": %.6g,\n  \"max_ms\": %.6g,\n",
      times.size(), Mean(times), Deviation(times), Percentile(times, 0), Percentile(times, 50),
      Percentile(times, 90), Percentile(times, 99), Percentile(times, 100));
  absl::StrAppendFormat(&text, "  \"profiled_mean_ms\": %.6g,\n  \"peak_bytes\": %d,\n",
                        Mean(measured.profiled), measured.peak_bytes);
  absl::StrAppendFormat(&text,
                        "  \"process_peak_bytes\": %d,\n  \"weight_bytes\": %d,\n  \"live_bytes\": %d,\n"
                        "  \"arena_bytes\": %d,\n",
                        measured.process_peak_bytes, measured.plan.weight_bytes,
                        measured.plan.largest_live_bytes, measured.plan.arena_bytes);
  if (measured.flops) absl::StrAppendFormat(&text, "  \"flops\": %.15g,\n", *measured.flops);
  absl::StrAppend(&text, "  \"ops\": ", OpsJson(measured.profile),
                  ",\n  \"nodes\": ", NodesJson(measured.profile), "\n}\n");
  std::fputs(text.c_str(), stdout);
}

absl::StatusOr<double> Flops(const Flags& flags, const Measured& measured, const std::vector<Feed>& feeds,
                             Executor& executor) {
  OpenOptions open;
  open.tags = flags.tags;
  std::vector<std::string> notes;  // The session has said them.
  ASSIGN_OR_RETURN(Model model, OpenModel(flags.graph, open, &notes));
  return EstimateFlops(model.graph(), measured.profile, executor, feeds);
}

absl::Status Measure(const Flags& flags, Subject& subject, Measured* measured) {
  if (flags.warmup_runs > 0) {
    ASSIGN_OR_RETURN(measured->warmup, TimedRuns(subject, flags.warmup_runs, -1, flags, nullptr));
  }
  subject.executor.pool().ResetPeak();
  ASSIGN_OR_RETURN(measured->plain, TimedRuns(subject, flags.max_runs, flags.max_time, flags, nullptr));
  measured->peak_bytes = subject.executor.pool().peak_bytes();
  measured->plan = subject.executor.Memory(*subject.plan);
  measured->process_peak_bytes = PeakResidentBytes();
  if (flags.block_delay > 0) absl::SleepFor(absl::Seconds(flags.block_delay));
  ASSIGN_OR_RETURN(measured->profiled,
                   TimedRuns(subject, flags.max_runs, flags.max_time, flags, &measured->profile));
  return absl::OkStatus();
}

// The files that were asked for.
absl::Status WriteResults(const Flags& flags, const std::vector<Feed>& feeds, const Measured& measured) {
  if (!flags.trace.empty()) RETURN_IF_ERROR(WriteFile(flags.trace, measured.profile.ChromeTrace()));
  if (!flags.step_stats_name.empty()) {
    RETURN_IF_ERROR(WriteFile(flags.step_stats_name, StepStatsBytes(measured.profile)));
  }
  if (flags.benchmark_name.empty()) return absl::OkStatus();
  BenchmarkEntry entry = {flags.benchmark_name, static_cast<int64_t>(measured.plain.size()), 0, 0};
  for (const double ms : measured.plain) entry.seconds += ms / 1000;
  if (!feeds.empty() && entry.seconds > 0) {
    const double runs = static_cast<double>(measured.plain.size());
    entry.megabytes_per_second =
        static_cast<double>(feeds[0].second.num_bytes()) * runs / entry.seconds / 1e6;
  }
  return WriteBenchmarkEntries(flags.output_prefix, entry, measured.profile);
}

absl::Status CheckResultFlags(const Flags& flags) {
  if (flags.benchmark_name.empty() != flags.output_prefix.empty()) {
    return cli::UsageError("--benchmark_name and --output_prefix go together");
  }
  if (!flags.benchmark_name.empty()) {
    RETURN_IF_ERROR(CheckNoSuchFile(BenchmarkEntryPath(flags.output_prefix, flags.benchmark_name)));
  }
  return flags.step_stats_name.empty() ? absl::OkStatus() : CheckNoSuchFile(flags.step_stats_name);
}

// --- Sweeps.

absl::StatusOr<std::vector<int64_t>> PositiveNumbers(const std::vector<std::string>& texts, const char* flag,
                                                     int64_t most) {
  std::vector<int64_t> numbers;
  for (const std::string& text : texts) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < 1 || number > most) {
      return cli::UsageError(absl::StrCat(flag, ": '", text, "' is no number from 1 to ", most));
    }
    numbers.push_back(number);
  }
  return numbers;
}

absl::Status CheckSweepFlags(const Flags& flags) {
  for (const auto& [value, name] : {std::pair(&flags.trace, "--trace"),
                                    {&flags.step_stats_name, "--step_stats_name"},
                                    {&flags.benchmark_name, "--benchmark_name"}}) {
    if (!value->empty()) return cli::UsageError(absl::StrCat("a sweep leaves no statistics for ", name));
  }
  return absl::OkStatus();
}

absl::Status SweepModel(const Flags& flags, const SessionOptions& session) {
  RETURN_IF_ERROR(CheckSweepFlags(flags));
  SweepRequest request;
  request.session = session;
  request.outputs = flags.outputs;
  request.targets = flags.targets;
  ASSIGN_OR_RETURN(const std::vector<int64_t> threads,
                   PositiveNumbers(flags.sweep_threads, "--sweep_threads", kMostThreads));
  for (const int64_t number : threads) request.threads.push_back(static_cast<int>(number));
  if (threads.empty()) request.threads.push_back(session.executor.threads);
  ASSIGN_OR_RETURN(request.batches,
                   PositiveNumbers(flags.sweep_batches, "--sweep_batch_sizes", int64_t{1} << 31));
  request.warmup_runs = flags.warmup_runs;
  request.limits = {flags.max_runs, flags.max_time, flags.delay};
  request.feeds = [&flags](Session& opened) { return Feeds(flags, opened); };
  std::optional<SweepPoint> first;
  request.done = [&](const SweepPoint& point) {
    if (flags.json) return;
    if (!first) std::fputs(absl::StrCat(ProfileTitle("Sweep"), SweepHeading()).c_str(), stdout);
    if (!first) first = point;
    std::fputs(SweepLine(point, *first).c_str(), stdout);
    std::fflush(stdout);
  };
  ASSIGN_OR_RETURN(const std::vector<SweepPoint> points, Sweep(request));
  if (flags.json) {
    absl::PrintF("{\n  \"graph\": %s,\n  \"sweep\": %s\n}\n", cli::JsonString(flags.graph),
                 SweepJson(points));
  }
  return absl::OkStatus();
}

int Benchmark(const Flags& flags) {
  const auto fail = [](const absl::Status& status, int exit_code) {
    cli::PrintError(status);
    return cli::IsUsageError(status) ? cli::kUsage : exit_code;
  };
  if (flags.graph.empty()) return fail(cli::UsageError("--graph is missing"), cli::kUsage);
  if (flags.outputs.empty() && flags.targets.empty()) {
    return fail(cli::UsageError("nothing to run: no --output_layer and no --target_layer"), cli::kUsage);
  }
  if (flags.max_runs <= 0 && flags.max_time <= 0) {
    return fail(cli::UsageError("--max_num_runs or --max_time must be above 0"), cli::kUsage);
  }
  if (absl::Status status = CheckResultFlags(flags); !status.ok()) return fail(status, cli::kUsage);
  SessionOptions options;
  options.graph = flags.graph;
  options.tags = flags.tags;
  options.checkpoint = flags.checkpoint;
  options.init_nodes = flags.init_ops;
  const int64_t threads =
      flags.threads > 0 ? flags.threads : std::max<int64_t>(1, std::thread::hardware_concurrency());
  options.executor.threads = static_cast<int>(std::min(threads, kMostThreads));
  if (!flags.sweep_threads.empty() || !flags.sweep_batches.empty()) {
    const absl::Status status = SweepModel(flags, options);
    if (status.ok()) return cli::Finish(status);
    return fail(status, absl::IsNotFound(status) ? cli::kUsage : cli::kFailure);
  }
  std::vector<std::string> notes;
  Measured measured;
  const absl::Time load_begin = absl::Now();
  const absl::StatusOr<std::unique_ptr<Session>> session = OpenSession(options, &notes);
  measured.load_ms = absl::ToDoubleMilliseconds(absl::Now() - load_begin);
  for (const std::string& note : notes) cli::PrintNote(note);
  if (!session.ok()) return fail(session.status(), cli::kUsage);
  Executor& executor = *(*session)->executor;

  absl::StatusOr<std::vector<Feed>> feeds = Feeds(flags, **session);
  if (!feeds.ok()) return fail(feeds.status(), cli::kUsage);
  PlanRequest request;
  request.fetches = flags.outputs;
  request.targets = flags.targets;
  for (const Feed& feed : *feeds) request.feeds.push_back(feed.first);
  const absl::Time plan_begin = absl::Now();
  absl::StatusOr<std::shared_ptr<const Plan>> plan = executor.MakePlan(request);
  measured.plan_ms = absl::ToDoubleMilliseconds(absl::Now() - plan_begin);
  if (!plan.ok()) {
    return fail(plan.status(), absl::IsNotFound(plan.status()) ? cli::kUsage : cli::kFailure);
  }
  Subject subject{executor, *std::move(plan), {}};
  for (const Feed& feed : *feeds) subject.inputs.push_back(feed.second);
  if (!flags.json) absl::PrintF("Initialized session in %gs\n", (measured.load_ms + measured.plan_ms) / 1000);

  if (absl::Status status = Measure(flags, subject, &measured); !status.ok())
    return fail(status, cli::kFailure);
  if (absl::Status status = WriteResults(flags, *feeds, measured); !status.ok())
    return fail(status, cli::kUsage);
  if (flags.show_flops || flags.json) {
    // An extra: if it cannot be made, the figures stand without it.
    const absl::StatusOr<double> flops = Flops(flags, measured, *feeds, executor);
    if (flops.ok()) {
      measured.flops = *flops;
    } else {
      cli::PrintNote(absl::StrCat("no estimate of FLOPs: ", flops.status().message()));
    }
  }
  if (flags.json) {
    PrintJson(flags, options.executor.threads, measured);
  } else {
    PrintText(flags, measured);
  }
  return cli::Finish(absl::OkStatus());
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("benchmark_model", Family::kCpp, "times a model, node by node.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  if (command.Given("feed") && !command.Given("input_layer")) flags.input_layers.clear();
  return Benchmark(flags);
}

CRYOGRAPH_REGISTER_TOOL(benchmark_model, "Times a model, node by node.", Run);

}  // namespace
}  // namespace cryograph
