// benchmark_model as a process: what it prints, writes and answers to mistakes.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const char kGraph[] = "--graph=tests/models/digits/frozen.pb";

ToolRun Benchmark(std::vector<std::string> args) {
  args.push_back("--max_num_runs=3");
  return RunTool("tools/benchmark_model", args);
}

std::vector<std::string> Digits(std::vector<std::string> more) {
  std::vector<std::string> args = {kGraph, "--input_layer=image", "--input_layer_shape=2,12,12,1",
                                   "--input_layer_type=float", "--output_layer=probabilities"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

Json Parsed(const std::string& text) {
  const std::string path = ScratchFolder() + "/parsed.json";
  WriteTestFile(path, text);
  const absl::StatusOr<Json> json = ReadJson(path);
  EXPECT_OK(json.status()) << text;
  return json.ok() ? *json : Json();
}

TEST(BenchmarkModelTest, PrintsTheOriginalsTables) {
  const ToolRun run = Benchmark(Digits({"--show_flops"}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("Running benchmark for max 3 iterations, max 10 seconds without detailed stat "
                              "logging, with -1s sleep between inferences\ncount=3 "),
                    HasSubstr("max 3 iterations, max 10 seconds with detailed stat logging"),
                    HasSubstr("Average inference timings in us: Warmup: "), HasSubstr("p50 "),
                    HasSubstr("= Run Order ="), HasSubstr("= Top by Computation Time ="),
                    HasSubstr("= Top by Memory Use ="), HasSubstr("= Summary by node type ="),
                    HasSubstr("Number of nodes executed: "), HasSubstr("nodes observed"),
                    HasSubstr("Memory (bytes): count=3 "), HasSubstr("FLOPs estimate: ")));
  const ToolRun brief = Benchmark(Digits(
      {"--noshow_run_order", "--show_time=false", "--noshow_memory", "--noshow_type", "--noshow_summary"}));
  EXPECT_EQ(brief.exit_code, 0) << brief.err;
  EXPECT_THAT(brief.out, AllOf(HasSubstr("p99 "), Not(HasSubstr("=====")), Not(HasSubstr("FLOPs"))));
}

// The little of the wire format that a message of one known shape takes to read.
uint64_t TakeVarint(absl::string_view* bytes) {
  uint64_t value = 0;
  for (int shift = 0; !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}
double TakeDouble(absl::string_view* bytes) {
  double value = -1;
  if (bytes->size() < sizeof(value)) return value;
  std::memcpy(&value, bytes->data(), sizeof(value));
  bytes->remove_prefix(sizeof(value));
  return value;
}

TEST(BenchmarkModelTest, TakesAnImageOfAnySize) {
  const ToolRun run = Benchmark({kGraph, "--feed=image=tests/models/images/scene.png",
                                 "--output_layer=probabilities", "--json", "--num_threads=1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Number(Parsed(run.out), "runs"), 3);
}

TEST(BenchmarkModelTest, SweepsOverThreadsAndBatches) {
  const std::vector<std::string> model = {kGraph, "--feed=image=rand(3,12,12,1)",
                                          "--output_layer=probabilities"};
  const auto with = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), model.begin(), model.end());
    return Benchmark(flags);
  };
  const ToolRun table = with({"--sweep_threads=1,2", "--sweep_batch_sizes=2,7"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("= Sweep ="), HasSubstr("[rows/s]"), HasSubstr("\t    1.00x\t")));
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 6);

  const ToolRun run = with({"--sweep_threads=1,2", "--sweep_batch_sizes=2,7", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const Json parsed = Parsed(run.out);
  const auto& points = Elements(Member(parsed, "sweep"));
  ASSERT_EQ(points.size(), 4);
  EXPECT_EQ(Number(points[1], "threads"), 1);
  EXPECT_EQ(Number(points[1], "batch"), 7);
  EXPECT_EQ(Number(points[2], "threads"), 2);
  EXPECT_EQ(Number(points[2], "runs"), 3);
  for (const Json& point : points) {
    EXPECT_GT(Number(point, "p50_ms"), 0);
    EXPECT_NEAR(Number(point, "rows_per_second"), Number(point, "batch") / Number(point, "p50_ms") * 1000, 1);
  }
  // More rows take more memory.
  EXPECT_GT(Number(points[1], "peak_bytes"), Number(points[0], "peak_bytes"));

  const Json threads_alone = Parsed(with({"--sweep_threads=1", "--json"}).out);
  EXPECT_FALSE(HasMember(Elements(Member(threads_alone, "sweep"))[0], "batch"));

  EXPECT_EQ(with({"--sweep_threads=0"}).exit_code, 2);
  EXPECT_EQ(with({"--sweep_batch_sizes=1,-3"}).exit_code, 2);
  EXPECT_EQ(with({"--sweep_threads=1", "--trace=" + ScratchFolder() + "/t.json"}).exit_code, 2);
  const ToolRun scalar = Benchmark(
      {kGraph, "--feed=probabilities=0.5", "--output_layer=probabilities", "--sweep_batch_sizes=2"});
  EXPECT_EQ(scalar.exit_code, 1);
  EXPECT_THAT(scalar.err, HasSubstr("its batch cannot be changed"));
}

TEST(BenchmarkModelTest, LeavesResultFiles) {
  const std::string folder = ScratchFolder();
  const std::vector<std::string> flags = {"--benchmark_name=nets/digits",
                                          "--output_prefix=" + folder + "/bm_",
                                          "--step_stats_name=" + folder + "/stats", "--show_sizes"};
  const ToolRun run = Benchmark(Digits(flags));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("= Node output tensor sizes in run order ="),
                             HasSubstr("probabilities : 1 output: float [2,10]\n")));
  EXPECT_THAT(ListFolder(folder),
              testing::IsSupersetOf({"bm_nets__digits", "bm_nets__digits_Softmax", "stats"}));

  // BenchmarkEntries.entry.{name, iters, wall_time, throughput}.
  const std::string bytes = ReadTestFile(folder + "/bm_nets__digits");
  absl::string_view rest = bytes;
  EXPECT_EQ(TakeVarint(&rest), 1u << 3 | 2);
  const uint64_t entry_size = TakeVarint(&rest);
  EXPECT_EQ(entry_size, rest.size());
  EXPECT_EQ(TakeVarint(&rest), 1u << 3 | 2);
  const size_t size = TakeVarint(&rest);
  EXPECT_EQ(rest.substr(0, size), "nets/digits");
  rest.remove_prefix(size);
  EXPECT_EQ(TakeVarint(&rest), 2u << 3);
  EXPECT_EQ(TakeVarint(&rest), 3u);
  EXPECT_EQ(TakeVarint(&rest), 4u << 3 | 1);
  const double wall_time = TakeDouble(&rest);
  EXPECT_GT(wall_time, 0);
  EXPECT_LT(wall_time, 10);
  EXPECT_EQ(TakeVarint(&rest), 5u << 3 | 1);
  EXPECT_NEAR(TakeDouble(&rest), 2 * 12 * 12 * 4 / wall_time / 1e6, 1e-6);
  EXPECT_EQ(rest, "");
  EXPECT_THAT(ReadTestFile(folder + "/stats"),
              AllOf(HasSubstr("probabilities = Softmax()"), HasSubstr("CPU:0")));

  const ToolRun again = Benchmark(Digits(flags));
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("bm_nets__digits: is there already"));
  EXPECT_EQ(again.out, "");
  EXPECT_THAT(Benchmark(Digits({"--benchmark_name=x"})).err, HasSubstr("go together"));
}

TEST(BenchmarkModelTest, JsonHoldsPercentilesNodesAndOps) {
  const ToolRun run = Benchmark(Digits({"--json", "--num_threads=1"}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const Json json = Parsed(run.out);
  EXPECT_EQ(Number(json, "runs"), 3);
  EXPECT_EQ(Number(json, "threads"), 1);
  EXPECT_GT(Number(json, "p50_ms"), 0);
  EXPECT_LE(Number(json, "min_ms"), Number(json, "p50_ms"));
  EXPECT_LE(Number(json, "p50_ms"), Number(json, "p90_ms"));
  EXPECT_LE(Number(json, "p90_ms"), Number(json, "p99_ms"));
  EXPECT_LE(Number(json, "p99_ms"), Number(json, "max_ms"));
  EXPECT_GT(Number(json, "peak_bytes"), 2 * 12 * 12 * 4);
  EXPECT_GT(Number(json, "process_peak_bytes"), Number(json, "peak_bytes"));
  EXPECT_GT(Number(json, "weight_bytes"), 0);
  EXPECT_GE(Number(json, "live_bytes"), Number(json, "arena_bytes"));
  double percent = 0;
  for (const Json& node : Elements(Member(json, "nodes"))) {
    EXPECT_NE(Text(node, "name"), "");
    EXPECT_EQ(Number(node, "calls"), 1);
    percent += Number(node, "percent");
  }
  EXPECT_NEAR(percent, 100, 0.01);
  EXPECT_GT(Elements(Member(json, "ops")).size(), 1);
}

// Two convolutions of 3 x 3, from 1 to 6 and from 6 to 12 channels, and a matrix product of 108 x 10.
TEST(BenchmarkModelTest, FlopsAreThoseOfTheShapes) {
  const auto flops = [](const std::string& feed) {
    return Number(Parsed(Benchmark({kGraph, "--feed", feed, "--output_layer=probabilities", "--json"}).out),
                  "flops");
  };
  const double one = flops("image=rand(1,12,12,1)");
  EXPECT_EQ(one, 2 * (12 * 12 * 6 * 9 + 6 * 6 * 12 * 9 * 6 + 108 * 10));
  EXPECT_EQ(flops("image=rand(5,12,12,1)"), 5 * one);
}

TEST(BenchmarkModelTest, TheTraceHoldsEveryNodeOfARun) {
  const std::string file = ScratchFolder() + "/trace.json";
  const ToolRun run = Benchmark(Digits({"--json", absl::StrCat("--trace=", file)}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const Json trace = Parsed(ReadTestFile(file));
  EXPECT_EQ(Elements(Member(trace, "traceEvents")).size(), Elements(Member(Parsed(run.out), "nodes")).size());
  for (const Json& event : Elements(Member(trace, "traceEvents"))) {
    EXPECT_EQ(Text(event, "ph"), "X");
    EXPECT_GE(Number(event, "ts"), 0);
  }
}

TEST(BenchmarkModelTest, RunsAGraphWithItsCheckpoint) {
  const ToolRun run = Benchmark({"--graph=tests/models/digits/saved_model", "--feed=image=zeros(1,12,12,1)",
                                 "--output_layer=probabilities", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_GT(Number(Parsed(run.out), "p50_ms"), 0);
}

struct Mistake {
  std::vector<std::string> args;
  int exit_code;
  std::string text;
};

TEST(BenchmarkModelTest, SaysWhatIsWrong) {
  const std::vector<Mistake> mistakes = {
      {{}, 2, "--graph is missing"},
      {{"--graph=nothing.pb"}, 2, "nothing.pb"},
      {{kGraph, "--show_flopz"}, 2, "show_flopz"},
      {Digits({"--output_layer=probabilites"}), 2, "did you mean 'probabilities'"},
      {Digits({"--input_layer=imag"}), 2, "did you mean 'image'"},
      {Digits({"--input_layer=image,other"}), 2, "There must be the same number of items"},
      {Digits({"--input_layer_shape=-1,12,12,1"}), 2, "must be replaced with the size"},
      {Digits({"--input_layer_shape=2,x"}), 2, "'x' is no dimension"},
      {Digits({"--input_layer_shape=2,12"}), 1, "its shape must be"},
      {Digits({"--input_layer_type=flot"}), 2, "no input can be of type 'flot'"},
      {Digits({"--input_layer_type=resource"}), 2, "no input can be of type 'resource'"},
      {Digits({"--input_layer_values=1,2:3"}), 2, "holds values for 2 of 1 inputs"},
      {Digits({"--input_layer_values=1,two"}), 2, "--input_layer_values: image: "},
      {Digits({"--input_layer_shape=1", "--input_layer_values=1,2"}), 2, "takes at most 1 numbers"},
      {{kGraph, "--feed=image", "--output_layer=probabilities"}, 2, "expected NAME=VALUE"},
      {{kGraph, "--input_layer=", "--output_layer=probabilities"}, 1, "must be fed"},
      {Digits({"--output_layer="}), 2, "nothing to run"},
  };
  for (const Mistake& mistake : mistakes) {
    std::vector<std::string> args = mistake.args;
    args.push_back("--json");
    const ToolRun run = Benchmark(args);
    EXPECT_EQ(run.exit_code, mistake.exit_code) << mistake.text << "\n" << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr(mistake.text)));
    EXPECT_EQ(run.out, "");
  }
}

}  // namespace
}  // namespace cryograph
