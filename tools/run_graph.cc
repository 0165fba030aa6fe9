// run_graph: runs a graph on given inputs and writes or shows what comes out.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/tensor.h"
#include "runtime/cases/case_file.h"
#include "runtime/cases/run_case.h"
#include "runtime/executor.h"
#include "runtime/value.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;

constexpr int kUnimplemented = 3;  // An op, a type or an attribute that this build lacks.

struct Flags {
  std::string in_graph, out_dir, cases;
  std::vector<std::string> feeds, fetches, targets;
  int64_t skip = 0, threads = 1;
  double time_limit = 0;
};

void Declare(Flags& flags, Command& command) {
  command.Section("Model");
  command.Add(&flags.in_graph, "in_graph", "The model, in any container.").Path().Value("FILE").Extension();
  command.Section("What runs");
  command.Add(&flags.feeds, "feed", "A tensor and the file with its value, a serialized TensorProto (.pb).")
      .Value("NAME=FILE")
      .Extension();
  command.Add(&flags.fetches, "fetch", "Tensors to compute.").Value("NAME,NAME…").Extension();
  command.Add(&flags.targets, "target", "Nodes that run without being fetched.")
      .Value("NAME,NAME…")
      .Extension();
  command.Add(&flags.out_dir, "out_dir", "Where each fetch is written, as NAME.pb.")
      .Path()
      .Value("DIR")
      .Extension();
  command.Section("How it runs");
  command.Add(&flags.threads, "threads", "Threads; results do not depend on it.").AtLeast(1).Extension();
  command.Add(&flags.time_limit, "time_limit", "Seconds after which a run ends as a failure; 0: none.")
      .Extension();
  command.Section("Conformance cases");
  command.Add(&flags.cases, "cases", "Runs the op cases of this file, one line of JSON for each.")
      .Path()
      .Value("FILE")
      .Extension();
  command.Add(&flags.skip, "skip", "Leaves out the first N of them.").AtLeast(0).Value("N").Extension();
  command.Epilogue(
      "Exit status",
      "0: all ran. 1: the graph is at fault. 2: wrong usage, or a file that cannot be read. 3: an op, "
      "type or attribute that is not implemented.");
}

std::string FileName(absl::string_view tensor) {
  return absl::StrReplaceAll(tensor, {{"/", "_"}, {":", "_"}});
}

absl::Status WriteTensor(const Value& value, const std::string& path) {
  ASSIGN_OR_RETURN(const Tensor tensor, value.ToTensor());
  ASSIGN_OR_RETURN(const std::string proto, EncodeTensorProto(tensor));
  return WriteFile(path, proto);
}

absl::Status WriteResults(const OpCase& op_case, const std::vector<Value>& results,
                          const std::string& out_dir) {
  for (size_t i = 0; i < results.size(); ++i) {
    RETURN_IF_ERROR(WriteTensor(results[i], absl::StrCat(out_dir, "/", op_case.op, "/", op_case.index, "/",
                                                         FileName(op_case.fetches[i].name), ".pb")));
  }
  return absl::OkStatus();
}

RunOptions LimitsOf(const Flags& flags) {
  RunOptions options;
  if (flags.time_limit > 0) options.time_limit = absl::Seconds(flags.time_limit);
  return options;
}

int RunCases(const Flags& flags) {
  const auto file = MappedFile::Open(flags.cases);
  absl::Status status = file.status();
  absl::StatusOr<std::vector<OpCase>> cases;
  if (status.ok()) {
    cases = ParseCases((*file)->bytes());
    status = cases.status();
  }
  if (status.ok() && flags.out_dir.empty()) status = cli::UsageError("--cases needs --out_dir");
  if (!status.ok()) {
    cli::PrintError(status);
    return cli::kUsage;
  }
  ExecutorOptions options;
  options.threads = static_cast<int>(flags.threads);
  for (size_t i = static_cast<size_t>(flags.skip); i < cases->size(); ++i) {
    const OpCase& each = (*cases)[i];
    const absl::StatusOr<std::vector<Value>> results = RunCase(each, options, LimitsOf(flags));
    absl::Status outcome = results.status();
    if (results.ok()) outcome = WriteResults(each, *results, flags.out_dir);
    const char* const word = outcome.ok() ? "ok" : absl::IsUnimplemented(outcome) ? "unimplemented" : "error";
    std::printf("{\"op\":%s,\"index\":%d,\"status\":\"%s\"", cli::JsonString(each.op).c_str(), each.index,
                word);
    if (!outcome.ok()) std::printf(",\"message\":%s", cli::JsonString(outcome.message()).c_str());
    std::puts("}");
    std::fflush(stdout);
  }
  return cli::Finish(absl::OkStatus());
}

// What stands before and behind the last "=" of NAME=FILE.
absl::StatusOr<std::pair<std::string, std::string>> SplitFeed(const std::string& feed) {
  const size_t equals = feed.find('=');
  if (equals == std::string::npos || equals == 0) {
    return cli::UsageError(absl::StrCat("--feed=", feed, ": expected NAME=FILE"));
  }
  return std::make_pair(feed.substr(0, equals), feed.substr(equals + 1));
}

absl::StatusOr<Value> ReadFeed(const std::string& path, MemoryPool& pool) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  const absl::StatusOr<Tensor> tensor = DecodeTensorProto(file->bytes(), file);
  if (!tensor.ok()) {
    return absl::Status(tensor.status().code(), absl::StrCat(path, ": ", tensor.status().message()));
  }
  return Value::FromTensor(*tensor, pool);
}

int RunModel(const Flags& flags) {
  const auto usage = [](const absl::Status& status) {
    cli::PrintError(status);
    return cli::kUsage;
  };
  if (flags.in_graph.empty()) return usage(cli::UsageError("--in_graph is missing"));
  if (flags.fetches.empty() && flags.targets.empty())
    return usage(cli::UsageError("nothing to run: no --fetch"));
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(flags.in_graph, OpenOptions(), &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  if (!model.ok()) return usage(model.status());
  ExecutorOptions options;
  options.threads = static_cast<int>(flags.threads);
  absl::StatusOr<std::unique_ptr<Executor>> executor = Executor::Create(*std::move(model), options);
  if (!executor.ok()) return usage(executor.status());
  std::vector<std::pair<std::string, Value>> feeds;
  for (const std::string& feed : flags.feeds) {
    const auto split = SplitFeed(feed);
    if (!split.ok()) return usage(split.status());
    absl::StatusOr<Value> value = ReadFeed(split->second, (*executor)->pool());
    if (!value.ok()) return usage(value.status());
    feeds.emplace_back(split->first, *std::move(value));
  }
  const absl::StatusOr<std::vector<Value>> results =
      (*executor)->RunOnce(feeds, flags.fetches, flags.targets, LimitsOf(flags));
  if (!results.ok()) {
    cli::PrintError(results.status());
    return absl::IsUnimplemented(results.status()) ? kUnimplemented : cli::kFailure;
  }
  for (size_t i = 0; i < results->size(); ++i) {
    if (flags.out_dir.empty()) {
      std::printf("%s: %s\n", flags.fetches[i].c_str(), ValueText((*results)[i]).c_str());
      continue;
    }
    const absl::Status status =
        WriteTensor((*results)[i], absl::StrCat(flags.out_dir, "/", FileName(flags.fetches[i]), ".pb"));
    if (!status.ok()) return cli::Finish(status);
  }
  return cli::Finish(absl::OkStatus());
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("run_graph", Family::kCpp, "runs a graph on given inputs.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return flags.cases.empty() ? RunModel(flags) : RunCases(flags);
}

CRYOGRAPH_REGISTER_TOOL(run_graph, "Runs a graph on given inputs.", Run);

}  // namespace
}  // namespace cryograph
