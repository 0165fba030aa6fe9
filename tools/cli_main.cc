// The registry of tools, and the choice of the one that a command line means.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/nearest.h"
#include "tools/cli.h"
#include "tools/version.h"

namespace cryograph::cli {
namespace {

std::vector<Tool>& Registry() {
  static auto* const tools = new std::vector<Tool>;
  return *tools;
}

const Tool* FindTool(const std::vector<Tool>& tools, absl::string_view name) {
  for (const Tool& tool : tools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

std::string ListOfTools(const std::vector<Tool>& tools) {
  std::string text =
      "cryograph: freezes and rewrites TensorFlow models, without TensorFlow.\n\nusage: cryograph TOOL "
      "[--FLAG=VALUE…]\n"
      "       cryograph help TOOL\n\nTools\n";
  for (const Tool& tool : tools) absl::StrAppendFormat(&text, "  %-18s %s\n", tool.name, tool.summary);
  absl::StrAppend(
      &text,
      "\nA link to this program that bears the name of a tool is that tool. Exit status: 0 done, 1 the work\n"
      "failed (nothing was written), 2 wrong usage.\n");
  return text;
}

// A mapped file that another process cuts takes its pages along. Only what is safe in a signal handler is
// done here; the output, which has no name yet, goes with the process.
void OnBusError(int) {
  constexpr char kText[] =
      "error: a file was cut or its disk failed while it was read; nothing was written\n";
  if (write(STDERR_FILENO, kText, sizeof(kText) - 1) < 0) _exit(kFailure);
  _exit(kFailure);
}

int Say(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Finish(absl::OkStatus());
}

int RunMultiCall(const std::vector<Tool>& tools, const std::vector<std::string>& args) {
  if (args.empty()) {
    const std::string text = ListOfTools(tools);
    std::fwrite(text.data(), 1, text.size(), stderr);
    return kUsage;
  }
  const std::string& word = args[0];
  if (word == "--version" || word == "-version" || word == "version") {
    return Say(absl::StrCat("cryograph ", kVersion, "\n"));
  }
  const bool help = word == "--help" || word == "-help" || word == "-h" || word == "help";
  if (help && args.size() == 1) return Say(ListOfTools(tools));
  const std::string& name = help ? args[1] : word;
  const Tool* const tool = FindTool(tools, name);
  if (tool == nullptr) {
    std::vector<absl::string_view> names;
    for (const Tool& other : tools) names.emplace_back(other.name);
    return Finish(UsageError(absl::StrCat("no tool is named '", name, "'",
                                          DidYouMean(NearestNames(name, names)), "\ntry: cryograph --help")));
  }
  if (help) return tool->run({"--help"});
  return tool->run(absl::MakeConstSpan(args).subspan(1));
}

}  // namespace

bool RegisterTool(const Tool& tool) {
  Registry().push_back(tool);
  return true;
}

std::vector<Tool> Tools() {
  std::vector<Tool> tools = Registry();
  std::sort(tools.begin(), tools.end(), [](const Tool& a, const Tool& b) {
    return absl::string_view(a.name) < absl::string_view(b.name);
  });
  return tools;
}

int Main(int argc, char** argv) {
  // A reader that goes away is a failed write, which cleans up, and not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // A file-size limit, too, comes as a failed write.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGBUS, OnBusError);
  if (const char* directory = std::getenv("BUILD_WORKING_DIRECTORY"); directory != nullptr) {
    if (chdir(directory) != 0) PrintNote(absl::StrCat("cannot go to BUILD_WORKING_DIRECTORY, ", directory));
  }
  const std::vector<Tool> tools = Tools();
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  absl::string_view program = argc > 0 ? argv[0] : "";
  program.remove_prefix(program.rfind('/') == absl::string_view::npos ? 0 : program.rfind('/') + 1);
  if (const Tool* tool = FindTool(tools, program); tool != nullptr) return tool->run(args);
  if (tools.size() == 1) return tools[0].run(args);
  return RunMultiCall(tools, args);
}

}  // namespace cryograph::cli
