// The command line of every tool: flags declared once, from which both the parser and `--help` come.
#ifndef CRYOGRAPH_TOOLS_CLI_H_
#define CRYOGRAPH_TOOLS_CLI_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cryograph::cli {

// TensorFlow's tools have two kinds of command line. Ours accept the union of both everywhere: --name=value,
// --name value, -name, bare booleans, --noname. What is left of the difference:
//   kPython  unambiguous prefixes of a flag are accepted; a stray word is ignored with a note;
//            booleans that TensorFlow would have read as false (=1, =yes) are true, with a note (CG146);
//   kCpp     prefixes are unknown flags; a stray word is an error.
enum class Family { kPython, kCpp };

// Exit status of every tool.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;  // The work failed, or lint and its like found something.
inline constexpr int kUsage = 2;    // Wrong usage; for lint and its like also a file that cannot be read.

// One flag. Command::Add() makes it; the chained calls describe it further.
class Flag {
 public:
  // What stands for the value in the help: "FILE", "NAME,NAME…". Default: by type.
  Flag& Value(std::string placeholder);
  // Another spelling; both together with different values are a usage error (CG148).
  Flag& Alias(std::string name);
  // Only these values are accepted; strings only.
  Flag& Choices(std::vector<std::string> choices);
  // A leading ~ or ~user is expanded; strings only.
  Flag& Path();
  // Smaller numbers are a usage error; integers only.
  Flag& AtLeast(int64_t minimum);
  // A flag that TensorFlow's tool does not have: its name never makes a prefix of one of theirs ambiguous.
  Flag& Extension();
  // Each use of the flag adds to the list: whole values (which may hold commas) or, if `split`, the names of
  // a comma-separated one. Lists only.
  Flag& Repeated(bool split = false);
  // What the flag means when it stands without "=": "--verify" is "--verify=each". It then takes no next
  // word.
  Flag& Bare(std::string value);
  // Accepted, but not in the help.
  Flag& Hidden();

 private:
  friend class Command;
  using Target = std::variant<std::string*, bool*, int64_t*, double*, std::vector<std::string>*>;

  bool is_bool() const { return std::holds_alternative<bool*>(target_); }
  std::string TypeText() const;
  std::string DefaultText() const;

  std::string name_, help_, section_, placeholder_;
  Target target_;
  std::vector<std::string> aliases_;
  std::vector<std::string> choices_;
  // Spelling and value, once for each spelling that was used.
  std::vector<std::pair<std::string, std::string>> uses_;
  std::optional<int64_t> minimum_;
  std::optional<std::string> bare_;
  bool path_ = false, extension_ = false, hidden_ = false, repeated_ = false, whole_ = false;
};

// The command line of one tool. The default of a flag is what its target holds when it is added.
//   std::string graph;
//   Command command("lint", Family::kCpp, "Finds what is wrong with a model.");
//   command.Add(&graph, "graph", "The model.").Path();
//   if (std::optional<int> status = command.Parse(args)) return *status;
class Command {
 public:
  Command(std::string name, Family family, std::string summary);

  // Starts a part of the help; the flags added next belong to it.
  void Section(std::string title);
  // `help` is prose; it may hold line breaks, which stay. The target must outlive the command.
  // A list is split at commas, blanks around each name are dropped, and so are empty names, with a note
  // (CG103).
  Flag& Add(std::string* target, std::string name, std::string help);
  Flag& Add(bool* target, std::string name, std::string help);
  Flag& Add(int64_t* target, std::string name, std::string help);
  Flag& Add(double* target, std::string name, std::string help);
  Flag& Add(std::vector<std::string>* target, std::string name, std::string help);
  // Words that are no flags, where the tool takes some; without this call they are stray. ~ is expanded.
  void Positionals(std::vector<std::string>* target, std::string placeholder);

  // "--in_graph=FILE --out_graph=FILE": the line behind the tool's name in the usage.
  void Usage(std::string line) { usage_ = std::move(line); }
  void Example(std::string command, std::string meaning);
  // Prose at the end of the help; made only when the help is printed.
  void Epilogue(std::string title, std::string text);
  void Epilogue(std::string title, std::function<std::string()> text);

  // Reads `args` (without the program's name) into the targets. A value means that the tool shall end with
  // that exit status: help or version was asked for, or the command line was wrong and has been answered on
  // stderr.
  std::optional<int> Parse(absl::Span<const std::string> args);

  // The same without printing: true if the tool shall run, false if `help` is what to print to stdout.
  absl::StatusOr<bool> Parse(absl::Span<const std::string> args, std::vector<std::string>* notes,
                             std::string* help);

  // True if the command line has set the flag `name`.
  bool Given(absl::string_view name);

  std::string HelpText() const;
  const std::string& name() const { return name_; }

 private:
  struct Match {
    Flag* flag = nullptr;
    std::string spelling;
    bool negated = false;
  };

  Flag& AddFlag(Flag::Target target, std::string name, std::string help);
  absl::StatusOr<Match> Find(absl::string_view name);
  absl::StatusOr<Match> FindPrefix(absl::string_view name);
  Flag* FindExact(absl::string_view name);
  absl::Status UnknownFlag(absl::string_view name) const;
  absl::Status Set(const Match& match, absl::string_view value, std::vector<std::string>* notes);
  absl::Status Assign(Flag& flag, absl::string_view value, std::vector<std::string>* notes) const;

  std::string name_, summary_, usage_, section_, positional_placeholder_;
  Family family_;
  std::deque<Flag> flags_;
  std::vector<std::string>* positionals_ = nullptr;
  std::vector<std::pair<std::string, std::string>> examples_;
  std::vector<std::pair<std::string, std::function<std::string()>>> epilogues_;
};

// --- Talking to the user. Only results go to stdout.

// A Status that ends a tool with kUsage: something in the command line itself is wrong.
absl::Status UsageError(absl::string_view message);
bool IsUsageError(const absl::Status& status);

// "error: ", the first line of the message, then the further lines indented. An error of ours in the usual
// form has lines that start with "why: " and "try: ".
void PrintError(const absl::Status& status);
std::string ErrorText(const absl::Status& status);
// "note: …" and "warning: …" on stderr; further lines are indented.
void PrintNote(absl::string_view message);
void PrintWarning(absl::string_view message);

// What a tool's function returns: prints a failure and flushes stdout.
int Finish(const absl::Status& status);

// For ExportOptions::progress: shows per cent on stderr if that is a terminal; null otherwise.
void (*Progress())(uint64_t done, uint64_t total);

// "12 B", "3.4 MB", "1.2 GB" (decimal units).
std::string BytesText(uint64_t bytes);
// "1 node", "2 nodes".
std::string Counted(uint64_t count, absl::string_view noun);

// `text` as a JSON string, quotes and all; bytes that are no UTF-8 become U+FFFD.
std::string JsonString(absl::string_view text);

// `path` with a leading ~ or ~user replaced by the home directory. Other paths, and unknown users, stay as
// they are.
std::string ExpandHome(absl::string_view path);

// --- Tools.

// Runs with what follows the tool's name, and returns the exit status.
using ToolFunction = int (*)(absl::Span<const std::string> args);

struct Tool {
  const char* name;
  const char* summary;  // One line.
  ToolFunction run;
};

// Called by CRYOGRAPH_REGISTER_TOOL before main().
bool RegisterTool(const Tool& tool);
// Sorted by name.
std::vector<Tool> Tools();

// What main() does: `cryograph TOOL …`; a program that is named like a tool, or that holds only one, is that
// tool. Relative paths count from where the user stands, also under `bazel run`.
int Main(int argc, char** argv);

}  // namespace cryograph::cli

// Makes `run` the tool `name` in every program that links the file: CRYOGRAPH_REGISTER_TOOL(lint, "…",
// RunLint);
#define CRYOGRAPH_REGISTER_TOOL(name, summary, run)           \
  [[maybe_unused]] static const bool registered_tool_##name = \
      ::cryograph::cli::RegisterTool({#name, summary, run})

#endif  // CRYOGRAPH_TOOLS_CLI_H_
