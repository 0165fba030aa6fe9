// lint: says of models, without running them, what TensorFlow would refuse; a stable code for each kind of
// finding.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/finding.h"
#include "graph/model.h"
#include "graph/op_schema.h"
#include "graph/open.h"
#include "graph/verify.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::JsonString;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::vector<std::string> files;
  std::string graph, saved_model_tags, target = "any", fail_on = "error";
  std::vector<std::string> ignore;
  bool json = false, list = false, hints = true;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("[--json] [--fail_on=warning]");
  command.Positionals(&flags.files, "FILE…");
  command.Section("Input");
  command
      .Add(&flags.graph, "graph",
           "The model: GraphDef or MetaGraphDef, binary or text, or a SavedModel's directory. May be given "
           "as a plain "
           "word instead, and then there may be several.")
      .Alias("in_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, if it has several; separated by commas, in any order.")
      .Value("TAG,TAG…");
  command.Section("What counts");
  command
      .Add(&flags.target, "target",
           "The release that shall load the model. 'any': what neither 1.15 nor 2.21 takes is a finding.")
      .Choices({"any", "1.15", "2.21"})
      .Value("RELEASE");
  command.Add(&flags.ignore, "ignore", "Codes that are not reported: L201,L501.").Value("CODE,CODE…");
  command.Add(&flags.fail_on, "fail_on", "The least severity that gives exit status 1.")
      .Choices({"error", "warning", "never"})
      .Value("SEVERITY");
  command.Section("Output");
  command.Add(&flags.json, "json", "Findings as JSON on stdout.");
  command.Add(&flags.hints, "hints", "Say below each kind of finding what to do about it.");
  command.Add(&flags.list, "list", "Print every code with its meaning, and end.");
  command.Example("lint frozen.pb", "Is this graph fit to be loaded?");
  command.Example("lint --target=1.15 --fail_on=warning --json export/1", "In a script, for an old server:");
  command.Epilogue("Exit status",
                   "0: nothing found that --fail_on asks for. 1: something was found. 2: wrong usage, or a "
                   "file that cannot "
                   "be read.");
}

struct FileFindings {
  std::string path;
  std::vector<Finding> findings;
  int errors = 0, warnings = 0;
};

absl::StatusOr<FileFindings> Lint(const std::string& path, const Flags& flags) {
  std::vector<std::string> notes;
  OpenOptions open;
  open.tags = flags.saved_model_tags;
  absl::StatusOr<Model> model = OpenModel(path, open, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(model.status());
  VerifyOptions options;
  Release release;
  if (ParseRelease(flags.target, &release)) options.target = release;
  FileFindings result;
  result.path = path;
  for (Finding& finding : Verify(*model, options)) {
    bool ignored = false;
    for (const std::string& code : flags.ignore) ignored = ignored || code == CodeText(finding.code);
    if (ignored) continue;
    ++(finding.severity == Severity::kError ? result.errors : result.warnings);
    result.findings.push_back(std::move(finding));
  }
  return result;
}

void PrintText(const FileFindings& file, bool hints) {
  std::string text;
  std::vector<FindingCode> explained;
  for (const Finding& finding : file.findings) {
    absl::StrAppend(&text, file.path, ": ", FindingText(finding), "\n");
    bool first_of_kind = true;
    for (FindingCode code : explained) first_of_kind = first_of_kind && code != finding.code;
    if (first_of_kind && hints && !finding.hint.empty())
      absl::StrAppend(&text, "  try: ", finding.hint, "\n");
    if (first_of_kind) explained.push_back(finding.code);
  }
  absl::StrAppend(&text, file.path, ": ", cli::Counted(static_cast<uint64_t>(file.errors), "error"), ", ",
                  cli::Counted(static_cast<uint64_t>(file.warnings), "warning"), "\n");
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void PrintJson(const std::vector<FileFindings>& files) {
  std::string json = "{\"files\": [";
  const char* file_separator = "\n";
  for (const FileFindings& file : files) {
    absl::StrAppend(&json, file_separator, "  {\"path\": ", JsonString(file.path),
                    ", \"errors\": ", file.errors, ", \"warnings\": ", file.warnings, ", \"findings\": [");
    file_separator = ",\n";
    const char* separator = "\n";
    for (const Finding& finding : file.findings) {
      absl::StrAppend(&json, separator, "    {\"code\": ", JsonString(CodeText(finding.code)),
                      ", \"kind\": ", JsonString(KindOf(finding.code).name),
                      ", \"severity\": ", JsonString(SeverityName(finding.severity)),
                      ", \"function\": ", JsonString(finding.function),
                      ", \"node\": ", JsonString(finding.node), ", \"text\": ", JsonString(finding.text),
                      ", \"hint\": ", JsonString(finding.hint), "}");
      separator = ",\n";
    }
    absl::StrAppend(&json, file.findings.empty() ? "]}" : "\n  ]}");
  }
  absl::StrAppend(&json, "\n]}\n");
  std::fwrite(json.data(), 1, json.size(), stdout);
}

int ListCodes(bool json) {
  std::string text = json ? "{\"codes\": [" : "";
  const char* separator = "\n";
  for (const FindingKind& kind : FindingKinds()) {
    if (json) {
      absl::StrAppend(&text, separator, "  {\"code\": ", JsonString(CodeText(kind.code)),
                      ", \"kind\": ", JsonString(kind.name),
                      ", \"severity\": ", JsonString(SeverityName(kind.severity)),
                      ", \"what\": ", JsonString(kind.what), ", \"hint\": ", JsonString(kind.hint), "}");
      separator = ",\n";
    } else {
      absl::StrAppend(&text, CodeText(kind.code), " ", SeverityName(kind.severity), " ", kind.name, ": ",
                      kind.what, "\n");
    }
  }
  if (json) absl::StrAppend(&text, "\n]}\n");
  std::fwrite(text.data(), 1, text.size(), stdout);
  return cli::Finish(absl::OkStatus());
}

absl::Status CheckUsage(Flags& flags) {
  if (!flags.graph.empty()) flags.files.insert(flags.files.begin(), flags.graph);
  if (flags.files.empty()) return UsageError("no model to check\ntry: lint FILE");
  for (const std::string& code : flags.ignore) {
    bool known = false;
    for (const FindingKind& kind : FindingKinds()) known = known || CodeText(kind.code) == code;
    if (!known) return UsageError(absl::StrCat("--ignore: there is no code '", code, "'\ntry: lint --list"));
  }
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("lint", Family::kCpp,
                  "says of models, without running them, what TensorFlow would refuse.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  if (flags.list) return ListCodes(flags.json);
  if (const absl::Status status = CheckUsage(flags); !status.ok()) return cli::Finish(status);

  std::vector<FileFindings> files;
  int errors = 0, warnings = 0;
  bool unreadable = false;
  for (const std::string& path : flags.files) {
    absl::StatusOr<FileFindings> file = Lint(path, flags);
    if (!file.ok()) {
      cli::PrintError(file.status());
      unreadable = true;
      continue;
    }
    errors += file->errors;
    warnings += file->warnings;
    if (!flags.json) PrintText(*file, flags.hints);
    files.push_back(*std::move(file));
  }
  if (flags.json) PrintJson(files);
  const int printed = cli::Finish(absl::OkStatus());
  if (unreadable || printed != cli::kSuccess) return cli::kUsage;
  const bool found =
      flags.fail_on == "error" ? errors > 0 : flags.fail_on == "warning" && errors + warnings > 0;
  return found ? cli::kFailure : cli::kSuccess;
}

CRYOGRAPH_REGISTER_TOOL(lint, "What TensorFlow would refuse in a model.", Run);

}  // namespace
}  // namespace cryograph
