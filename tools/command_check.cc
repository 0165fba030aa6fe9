// A user's command as the judge of a graph.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/byte_sink.h"
#include "graph/export.h"
#include "graph/text.h"
#include "tools/reduction_check.h"

namespace cryograph {
namespace {

// The command's exit status, 128 + the signal that ended it as a shell says it, or -1 if it was killed for
// its time or could not be started. What it prints goes nowhere.
int RunCommand(const std::string& command, double seconds) {
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    setpgid(0, 0);
    std::FILE* const nowhere = std::fopen("/dev/null", "r+");
    if (nowhere == nullptr) _exit(127);
    for (int stream = 0; stream < 3; ++stream) dup2(fileno(nowhere), stream);
    execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  setpgid(child, child);
  const absl::Time end = seconds > 0 ? absl::Now() + absl::Seconds(seconds) : absl::InfiniteFuture();
  int status = 0;
  absl::Duration pause = absl::Microseconds(200);
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (absl::Now() > end) {
      kill(-child, SIGKILL);
      waitpid(child, &status, 0);
      return -1;
    }
    absl::SleepFor(pause);
    pause = std::min(pause * 2, absl::Milliseconds(20));
  }
  kill(-child, SIGKILL);  // What it left running.
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class CommandCheckImpl final : public ReductionCheck {
 public:
  CommandCheckImpl(CommandCheckOptions options, std::string folder)
      : options_(std::move(options)), folder_(std::move(folder)) {}
  ~CommandCheckImpl() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string Failure(const Model& model, const std::vector<std::string>&) override {
    Model written = model.Clone();
    const std::string path = absl::StrCat(folder_, options_.text ? "/graph.pbtxt" : "/graph.pb");
    ExportOptions allow;
    allow.allow_defects = true;
    StringSink bytes;
    if (!ExportGraphDef(written, bytes, allow).ok()) return "";
    std::string file = bytes.bytes();
    if (options_.text) {
      absl::StatusOr<std::string> text = MessageToText(MessageKind::kGraphDef, file, true);
      if (!text.ok()) return "";
      file = *std::move(text);
    }
    if (!WriteFile(path, file).ok()) return "";
    const std::string command = absl::StrReplaceAll(options_.command, {{"{}", ShellWord(path)}});
    const int exit_code = RunCommand(command, options_.time_limit);
    const bool shows = options_.exit_code >= 0 ? exit_code == options_.exit_code : exit_code > 0;
    return shows ? absl::StrCat("the command exits with ", exit_code) : "";
  }
  bool needs_outputs() const override { return false; }
  bool allows_defects() const override { return true; }

 private:
  const CommandCheckOptions options_;
  const std::string folder_;
};

}  // namespace

std::string ShellWord(absl::string_view word) {
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

absl::StatusOr<std::unique_ptr<ReductionCheck>> CommandCheck(CommandCheckOptions options) {
  if (!absl::StrContains(options.command, "{}")) {
    return absl::InvalidArgumentError("the command has no {} for the name of the graph's file");
  }
  std::error_code error;
  std::string folder = (std::filesystem::temp_directory_path(error) / "reduce_graph-XXXXXX").native();
  if (error || mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError("cannot make a folder for temporary files\ntry: TMPDIR=DIR");
  }
  std::unique_ptr<ReductionCheck> check =
      std::make_unique<CommandCheckImpl>(std::move(options), std::move(folder));
  return check;
}

}  // namespace cryograph
