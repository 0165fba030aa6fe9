// compare_graphs: whether two graphs are the same, and the first way in which they are not.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/model.h"
#include "graph/open.h"
#include "tools/cli.h"
#include "tools/graph_comparison.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;

struct Flags {
  std::vector<std::string> files, outputs, ignore;
  bool all = false, library = false;
  double absolute = 0, relative = 0;
};

void Declare(Flags& flags, Command& command) {
  command.Positionals(&flags.files, "ACTUAL EXPECTED");
  command.Section("What is compared");
  command
      .Add(
          &flags.outputs, "outputs",
          "Compare what these nodes compute, not node by node: names, copies and nodes that they do not need "
          "may differ.")
      .Value("NAME,NAME…")
      .Extension();
  command
      .Add(&flags.ignore, "ignore",
           "Differences that do not count: device, default_attrs (absent on one side).")
      .Value("KIND,KIND")
      .Extension();
  command.Add(&flags.library, "library", "Compare the function libraries, too.").Extension();
  command.Add(&flags.absolute, "tolerance", "Elements of float constants may differ by this much.")
      .Value("NUMBER")
      .Extension();
  command
      .Add(&flags.relative, "relative_tolerance",
           "The same, as a part of the expected element; the two are added.")
      .Value("NUMBER")
      .Extension();
  command.Section("Result");
  command.Add(&flags.all, "all", "Show every difference, not only the first.").Extension();
  command.Example("compare_graphs frozen.pb golden.pb", "The same nodes?");
  command.Example("compare_graphs --outputs=softmax lean.pb frozen.pb", "The same result?");
  command.Epilogue(
      "Exit status",
      "0: equal. 1: a difference, which is the first line of the output. 2: wrong usage, or a file "
      "that cannot be read.");
}

absl::StatusOr<ComparisonOptions> Options(const Flags& flags) {
  ComparisonOptions options;
  options.library = flags.library;
  options.absolute = flags.absolute;
  options.relative = flags.relative;
  for (const std::string& kind : flags.ignore) {
    if (kind == "device") {
      options.ignore_device = true;
    } else if (kind == "default_attrs") {
      options.ignore_default_attrs = true;
    } else {
      return cli::UsageError(absl::StrCat("--ignore: '", kind, "' is neither device nor default_attrs"));
    }
  }
  return options;
}

absl::StatusOr<Model> Open(const std::string& path) {
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(path, OpenOptions(), &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  return model;
}

absl::StatusOr<std::vector<std::string>> Compare(const Flags& flags) {
  if (flags.files.size() != 2) return cli::UsageError("compare_graphs expects two file names as arguments");
  ASSIGN_OR_RETURN(const ComparisonOptions options, Options(flags));
  ASSIGN_OR_RETURN(Model actual, Open(flags.files[0]));
  ASSIGN_OR_RETURN(Model expected, Open(flags.files[1]));
  if (flags.outputs.empty()) return CompareNodes(actual, expected, options);
  return CompareOutputs(actual, expected, flags.outputs, options);
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("compare_graphs", Family::kCpp, "tells whether two graphs are the same.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  const absl::StatusOr<std::vector<std::string>> differences = Compare(flags);
  if (!differences.ok()) {
    cli::PrintError(differences.status());
    return cli::kUsage;
  }
  if (differences->empty()) {
    std::puts("Graphs are equal.");
    return cli::Finish(absl::OkStatus());
  }
  for (const std::string& difference : *differences) {
    std::puts(difference.c_str());
    if (!flags.all) break;
  }
  std::fflush(stdout);
  return cli::kFailure;
}

CRYOGRAPH_REGISTER_TOOL(compare_graphs, "Whether two graphs are the same.", Run);

}  // namespace
}  // namespace cryograph
