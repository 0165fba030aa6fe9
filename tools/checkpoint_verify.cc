// checkpoint verify: reads every tensor and checks what can be checked: checksums, sizes, slices.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/verify.h"
#include "tools/checkpoint_flags.h"
#include "tools/checkpoint_verbs.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::JsonString;

struct Flags {
  std::vector<std::string> paths;
  int64_t num_threads = 0;
  bool json = false;
};

struct Outcome {
  std::string path, kind;
  CheckpointVerdict verdict;
  std::string unreadable;  // Why it could not be opened.
  bool good() const { return unreadable.empty() && verdict.defects.empty(); }
};

// Shows per cent on stderr while a file is read, if that is a terminal.
class ReadingProgress {
 public:
  explicit ReadingProgress(const CheckpointReader& reader) : is_shown_(isatty(STDERR_FILENO) != 0) {
    if (!is_shown_) return;
    for (const CheckpointEntry& entry : reader.entries()) {
      total_ += StoredBytesOf(reader, entry);
    }
  }
  ~ReadingProgress() {
    if (percent_ >= 0) std::fputs("\r\033[K", stderr);
  }
  void Passed(uint64_t bytes) {
    passed_ += bytes;
    if (!is_shown_ || total_ == 0) return;
    const int percent = static_cast<int>(100 * static_cast<double>(passed_) / static_cast<double>(total_));
    if (percent == percent_) return;
    percent_ = percent;
    std::fprintf(stderr, "\rreading %d%%", percent);
    std::fflush(stderr);
  }

 private:
  const bool is_shown_;
  uint64_t total_ = 0, passed_ = 0;
  int percent_ = -1;
};

Outcome VerifyFile(const std::string& path, int num_threads) {
  Outcome outcome;
  outcome.path = path;
  const absl::StatusOr<TensorFile> file = OpenTensorFile(path);
  if (!file.ok()) {
    outcome.unreadable = std::string(file.status().message());
    return outcome;
  }
  outcome.path = file->name();
  outcome.kind = std::string(file->kind());
  ReadingProgress progress(file->reader());
  outcome.verdict =
      VerifyTensors(file->reader(), num_threads, [&](uint64_t bytes) { progress.Passed(bytes); });
  return outcome;
}

void PrintText(const Outcome& outcome) {
  if (!outcome.unreadable.empty()) {
    cli::PrintError(absl::DataLossError(outcome.unreadable));
    return;
  }
  const CheckpointVerdict& result = outcome.verdict;
  for (const CheckpointDefect& defect : result.defects) cli::PrintError(defect.status);
  PrintToStdout(absl::StrCat(
      outcome.path, ": ", outcome.kind, ", ", cli::Counted(result.tensors, "tensor"), ", ",
      cli::BytesText(result.bytes), ": ",
      result.defects.empty() ? "good" : absl::StrCat(cli::Counted(result.defects.size(), "defect")), "\n"));
}

void PrintJson(const std::vector<Outcome>& outcomes) {
  std::string json = "{\"files\": [";
  const char* separator = "\n";
  for (const Outcome& outcome : outcomes) {
    absl::StrAppend(
        &json, separator, "  {\"path\": ", JsonString(outcome.path), ", \"kind\": ", JsonString(outcome.kind),
        ", \"good\": ", outcome.good() ? "true" : "false", ", \"num_tensors\": ", outcome.verdict.tensors,
        ", \"num_bytes\": ", outcome.verdict.bytes, ", \"error\": ", JsonString(outcome.unreadable),
        ", \"defects\": [");
    const char* comma = "\n";
    for (const CheckpointDefect& defect : outcome.verdict.defects) {
      absl::StrAppend(&json, comma, "    {\"tensor\": ", JsonString(defect.tensor),
                      ", \"message\": ", JsonString(defect.status.message()), "}");
      comma = ",\n";
    }
    absl::StrAppend(&json, outcome.verdict.defects.empty() ? "]}" : "\n  ]}");
    separator = ",\n";
  }
  PrintToStdout(json + "\n]}\n");
}

}  // namespace

int RunCheckpointVerify(absl::Span<const std::string> args) {
  Flags flags;
  Command command("checkpoint verify", cli::Family::kCpp,
                  "reads every tensor of checkpoints and array files and checks every checksum.");
  command.Positionals(&flags.paths, "PATH…");
  command.Add(&flags.num_threads, "num_threads", "How many read at a time; 0: one for each processor.")
      .AtLeast(0);
  command.Add(&flags.json, "json", "Findings as JSON on stdout.");
  command.Example("checkpoint verify model.ckpt-1000", "Is the copy whole?");
  command.Epilogue(
      "What is checked",
      "The checksum of each block of an index or V1 table, of each tensor, of the lengths of its "
      "strings; the sizes of files; that slices make a whole tensor. Members of .npz files have "
      "checksums, too; .npy and safetensors have none, and only their sizes are checked.");
  command.Epilogue("Exit status", "0: all is good. 1: something is damaged or missing. 2: wrong usage.");
  if (std::optional<int> status = command.Parse(args)) return *status;
  if (const absl::Status usage = CheckPaths(flags.paths, 1, 1000000, "verify", "paths"); !usage.ok())
    return cli::Finish(usage);
  std::vector<Outcome> outcomes;
  bool good = true;
  for (const std::string& path : flags.paths) {
    outcomes.push_back(VerifyFile(path, static_cast<int>(flags.num_threads)));
    good = good && outcomes.back().good();
    if (!flags.json) PrintText(outcomes.back());
  }
  if (flags.json) PrintJson(outcomes);
  const int printed = cli::Finish(absl::OkStatus());
  return printed != cli::kSuccess ? printed : good ? cli::kSuccess : cli::kFailure;
}

}  // namespace cryograph
