// run_graph: runs a graph on given inputs and writes or shows what comes out.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "cryograph/inference.h"
#include "runtime/executor.h"
#include "runtime/memory.h"
#include "runtime/value.h"
#include "tools/cli.h"
#include "tools/feed_values.h"
#include "tools/image_feed.h"
#include "tools/inference_values.h"
#include "tools/run_cases.h"
#include "tools/value_files.h"
#include "tools/value_report.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;

constexpr int kUnimplemented = 3;  // An op, a type or an attribute that this build lacks.

struct Flags {
  std::string in_graph, tags, checkpoint, out_dir, cases, labels;
  std::vector<std::string> feeds, fetches, targets, init_nodes;
  int64_t skip = 0, threads = 1, top_k = 0, max_elements = 10;
  double time_limit = 0, memory_limit = 0;
  ImageOptions image;
  bool json = false, allow_file_writes = false;
};

void Declare(Flags& flags, Command& command) {
  command.Section("Model");
  command.Add(&flags.in_graph, "in_graph", "The model, in any container.")
      .Alias("graph")
      .Path()
      .Value("FILE")
      .Extension();
  command.Add(&flags.tags, "tags", "Tag-set of a SavedModel's graph.").Value("TAG,TAG").Extension();
  command
      .Add(&flags.checkpoint, "checkpoint",
           "Where its variables are, for a graph that is not frozen; a SavedModel's own are found.")
      .Path()
      .Value("PATH")
      .Extension();
  command.Add(&flags.init_nodes, "init_nodes", "Nodes that run before all else: those that fill tables, say.")
      .Value("NAME,NAME…")
      .Repeated(true)
      .Extension();
  command.Section("What runs");
  command.Add(&flags.feeds, "feed", absl::StrCat("A tensor and its value:\n", FeedHelp()))
      .Value("NAME=VALUE")
      .Repeated()
      .Extension();
  command.Add(&flags.fetches, "fetch", "Tensors to compute.").Value("NAME,NAME…").Repeated(true).Extension();
  command.Add(&flags.targets, "target", "Nodes that run without being fetched.")
      .Value("NAME,NAME…")
      .Repeated(true)
      .Extension();
  command.Section("Images");
  DeclareImageOptions(flags.image, command);
  command.Section("Result");
  command
      .Add(&flags.out_dir, "out_dir",
           "Where each fetch is written as NAME.pb (a TensorProto) and, if numpy knows its type, NAME.npy; "
           "\"/\" and "
           "\":\" of a name become \"_\".")
      .Path()
      .Value("DIR")
      .Extension();
  command.Add(&flags.json, "json", "Print JSON.").Extension();
  command.Add(&flags.max_elements, "max_elements", "Elements that are printed of each fetch.")
      .AtLeast(0)
      .Extension();
  command.Add(&flags.top_k, "top_k", "Print the K largest elements of each row.")
      .AtLeast(0)
      .Value("K")
      .Extension();
  command.Add(&flags.labels, "labels", "Names for --top_k (then 5 by default), one for each line.")
      .Path()
      .Value("FILE")
      .Extension();
  command.Section("How it runs");
  command.Add(&flags.threads, "threads", "Threads; results do not depend on it.").AtLeast(1).Extension();
  command.Add(&flags.time_limit, "time_limit", "Seconds after which a run fails; 0: none.").Extension();
  command.Add(&flags.memory_limit, "memory_limit", "Megabytes that values may take at a time; 0: no limit.")
      .Extension();
  command
      .Add(&flags.allow_file_writes, "allow_file_writes",
           "Let the graph write files (SaveV2, MergeV2Checkpoints, WriteFile …): anywhere, so know where it "
           "is "
           "from.")
      .Extension();
  command.Section("Conformance cases");
  command
      .Add(&flags.cases, "cases", "Runs the op cases of this file, a line of JSON for each; needs --out_dir.")
      .Path()
      .Value("FILE")
      .Extension();
  command.Add(&flags.skip, "skip", "Leaves out the first N of them.").AtLeast(0).Value("N").Extension();
  command.Example("run_graph --in_graph=model.pb --feed='x=rand(1,224,224,3)' --fetch=probs --top_k=5", "");
  command.Example(
      "run_graph --in_graph=model.pb --feed=input=photo.jpg --input_mean=127.5 --input_std=127.5 "
      "--fetch=probs "
      "--top_k=5 --labels=labels.txt",
      "What is in a photo:");
  command.Example("run_graph --in_graph=model.pb --feed=x:0='in.npz[x]' --fetch=y --out_dir=out", "");
  command.Epilogue(
      "Exit status",
      "0: all ran. 1: the graph is at fault. 2: wrong usage, or a file that cannot be read. 3: an op, "
      "type or attribute that is not implemented.");
}

ExecutorOptions ExecutorOptionsOf(const Flags& flags) {
  ExecutorOptions options;
  options.threads = static_cast<int>(flags.threads);
  if (flags.memory_limit > 0) options.memory_limit = static_cast<uint64_t>(flags.memory_limit * 1e6);
  return options;
}

RunOptions RunOptionsOf(const Flags& flags) {
  RunOptions options;
  if (flags.time_limit > 0) options.time_limit = absl::Seconds(flags.time_limit);
  return options;
}

absl::StatusOr<Inference> Load(const Flags& flags) {
  Inference::Options options;
  options.tags = flags.tags;
  options.checkpoint = flags.checkpoint;
  options.init_nodes = flags.init_nodes;
  options.allow_file_writes = flags.allow_file_writes;
  options.threads = static_cast<int>(std::min<int64_t>(flags.threads, std::numeric_limits<int>::max()));
  const ExecutorOptions limits = ExecutorOptionsOf(flags);
  if (limits.memory_limit != MemoryPool::kNoLimit) options.memory_limit_bytes = limits.memory_limit;
  options.time_limit_seconds = std::max(flags.time_limit, 0.0);
  absl::StatusOr<Inference> inference = Inference::Load(flags.in_graph, options);
  if (inference.ok()) {
    for (const std::string& note : inference->notes()) cli::PrintNote(note);
  }
  return inference;
}

struct NamedValue {
  std::string name;
  Value value;
};

absl::StatusOr<std::vector<NamedValue>> ReadFeeds(const Flags& flags, const Inference& inference,
                                                  MemoryPool& pool) {
  std::vector<NamedValue> feeds;
  for (const std::string& feed : flags.feeds) {
    ASSIGN_OR_RETURN(const auto split, SplitFeed(feed));
    const bool again = std::any_of(feeds.begin(), feeds.end(),
                                   [&](const NamedValue& earlier) { return earlier.name == split.first; });
    if (again) return cli::UsageError(absl::StrCat("--feed=", split.first, " is given twice"));
    ASSIGN_OR_RETURN(FeedTarget target, TargetOfFeed(inference, split.first));
    target.image = flags.image;
    absl::StatusOr<Value> value = FeedValue(split.second, target, pool);
    if (cli::IsUsageError(value.status())) return value.status();
    if (!value.ok()) {
      return absl::Status(value.status().code(),
                          absl::StrCat("--feed=", split.first, ": ", value.status().message()));
    }
    feeds.push_back({split.first, *std::move(value)});
  }
  return feeds;
}

absl::StatusOr<std::vector<Value>> RunOnce(const Flags& flags, std::vector<NamedValue> feeds,
                                           Inference& inference, MemoryPool& pool) {
  for (const NamedValue& feed : feeds) RETURN_IF_ERROR(FeedValueTo(inference, feed.name, feed.value));
  feeds.clear();
  std::vector<Value> results;
  if (flags.fetches.empty() && flags.targets.empty()) return results;  // The initializers have run.
  RETURN_IF_ERROR(inference.Run(flags.fetches, flags.targets));
  for (const std::string& fetch : flags.fetches) {
    ASSIGN_OR_RETURN(results.emplace_back(), FetchValue(inference, fetch, pool));
  }
  return results;
}

std::string TopText(const std::vector<RankedClass>& ranked, const std::vector<std::string>& labels,
                    bool json) {
  std::string text;
  for (const RankedClass& each : ranked) {
    const bool labeled = each.index < static_cast<int64_t>(labels.size());
    if (json) {
      absl::StrAppendFormat(&text, "%s{\"row\": %d, \"index\": %d, \"score\": %.9g", text.empty() ? "" : ", ",
                            each.row, each.index, each.score);
      if (labeled) absl::StrAppend(&text, ", \"label\": ", cli::JsonString(labels[each.index]));
      text += "}";
    } else {
      absl::StrAppendFormat(&text, "  %-10.6g %5d%s%s\n", each.score, each.index, labeled ? "  " : "",
                            labeled ? labels[each.index] : "");
    }
  }
  return text;
}

absl::Status Show(const Flags& flags, const std::vector<std::string>& labels,
                  const std::vector<Value>& results) {
  std::string text;
  for (size_t i = 0; i < results.size(); ++i) {
    std::string top;
    if (flags.top_k > 0) {
      ASSIGN_OR_RETURN(const std::vector<RankedClass> ranked, TopClasses(results[i], flags.top_k));
      top = TopText(ranked, labels, flags.json);
    }
    if (!flags.json) {
      absl::StrAppend(
          &text, ValueSummary(flags.fetches[i], results[i], flags.top_k > 0 ? 0 : flags.max_elements), top);
      continue;
    }
    std::string object = ValueJson(flags.fetches[i], results[i], flags.max_elements);
    if (flags.top_k > 0)
      object = absl::StrCat(object.substr(0, object.size() - 1), ", \"top\": [", top, "]}");
    absl::StrAppend(&text, i == 0 ? "  " : ",\n  ", object);
  }
  if (flags.json) text = absl::StrCat("{\"fetches\": [\n", text, "\n]}\n");
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

int RunModel(const Flags& flags) {
  const auto usage = [](const absl::Status& status) {
    cli::PrintError(status);
    return cli::kUsage;
  };
  if (flags.in_graph.empty()) return usage(cli::UsageError("--in_graph is missing"));
  if (flags.fetches.empty() && flags.targets.empty() && flags.init_nodes.empty()) {
    return usage(cli::UsageError("nothing to run: no --fetch and no --target"));
  }
  std::vector<std::string> labels;
  if (!flags.labels.empty()) {
    absl::StatusOr<std::vector<std::string>> read = ReadLabels(flags.labels);
    if (!read.ok()) return usage(read.status());
    labels = *std::move(read);
  }
  absl::StatusOr<Inference> inference = Load(flags);
  if (!inference.ok()) return usage(inference.status());
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create(ExecutorOptionsOf(flags).memory_limit);
  absl::StatusOr<std::vector<NamedValue>> feeds = ReadFeeds(flags, *inference, *pool);
  if (!feeds.ok()) return usage(feeds.status());
  const absl::StatusOr<std::vector<Value>> results = RunOnce(flags, *std::move(feeds), *inference, *pool);
  if (!results.ok()) {
    cli::PrintError(results.status());
    if (absl::IsNotFound(results.status())) return cli::kUsage;
    return absl::IsUnimplemented(results.status()) ? kUnimplemented : cli::kFailure;
  }
  for (size_t i = 0; i < results->size() && !flags.out_dir.empty(); ++i) {
    const absl::Status status =
        WriteValue((*results)[i], absl::StrCat(flags.out_dir, "/", ValueFileName(flags.fetches[i])));
    if (!status.ok()) return usage(status);
  }
  if (!flags.out_dir.empty() && !flags.json && flags.top_k == 0) return cli::Finish(absl::OkStatus());
  if (const absl::Status status = Show(flags, labels, *results); !status.ok()) return usage(status);
  return cli::Finish(absl::OkStatus());
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("run_graph", Family::kCpp, "runs a graph on given inputs.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  constexpr int64_t kLabeledClasses = 5;  // As label_image prints.
  if (!flags.labels.empty() && !command.Given("top_k")) flags.top_k = kLabeledClasses;
  if (flags.cases.empty()) return RunModel(flags);
  return RunCases(flags.cases, flags.skip, flags.out_dir, ExecutorOptionsOf(flags), RunOptionsOf(flags));
}

CRYOGRAPH_REGISTER_TOOL(run_graph, "Runs a graph on given inputs.", Run);

}  // namespace
}  // namespace cryograph
