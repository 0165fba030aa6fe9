// doctor: repairs graphs that other tools froze badly, and says of each repair why; gives a frozen graph the
// weights of another checkpoint.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "checkpoint/checkpoint.h"
#include "graph/finding.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/verify.h"
#include "tools/cli.h"
#include "tools/doctor_report.h"
#include "tools/model_output.h"
#include "tools/variable_map_flag.h"
#include "transforms/repair.h"
#include "transforms/swap_weights.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::vector<std::string> files;
  std::string in_graph, out_graph, saved_model_tags, library, state = "drop", target = "any", report;
  std::string swap_weights, output_format = "auto";
  std::vector<std::string> variable_map;
  int64_t producer = -1;
  bool use_ema = false, json = false, in_place = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("FILE [--out_graph=FILE] [--swap_weights=PREFIX]");
  command.Positionals(&flags.files, "FILE");
  command.Section("Input");
  command
      .Add(&flags.in_graph, "in_graph",
           "The frozen graph, binary or text; may be given as a plain word instead.")
      .Alias("graph")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, if it is one and has several.")
      .Value("TAG,TAG…");
  command.Section("Repairs");
  command
      .Add(&flags.state, "state",
           "What an op gives that would change a constant: 'drop' that constant, 'pure' what its first run "
           "would "
           "(AssignSub becomes Sub).")
      .Choices({"drop", "pure"})
      .Value("WHAT");
  command
      .Add(&flags.producer, "producer",
           "The producer version to write where it is lost (0); -1: 134, or what the oldest op of the graph "
           "allows; 0 "
           "leaves it.")
      .AtLeast(-1);
  command
      .Add(&flags.target, "target",
           "Also remove attributes that this release does not know and that say what is the default.")
      .Choices({"any", "1.15", "2.21"})
      .Value("RELEASE");
  command
      .Add(&flags.library, "library",
           "Take functions that the graph calls and lacks from this model: the one that was frozen.")
      .Value("FILE")
      .Path();
  command.Section("Weights");
  command
      .Add(&flags.swap_weights, "swap_weights",
           "A checkpoint whose values replace those of the constants that are called as its variables.")
      .Value("PREFIX")
      .Path();
  command
      .Add(&flags.variable_map, "variable_map",
           "Pairs constant=key, 'scope/*=other/*', or @FILE with such a pair in each line.")
      .Value("CONSTANT=KEY,…");
  command.Add(&flags.use_ema, "use_ema",
              "Take the moving average of a variable where the checkpoint has one.");
  command.Section("Output");
  command
      .Add(&flags.out_graph, "out_graph",
           "Where the repaired graph goes. Without it nothing is written but the report.")
      .Alias("output_graph")
      .Value("FILE")
      .Path();
  command.Add(&flags.output_format, "output_format", "pb or pbtxt; auto: by the name of the file.")
      .Choices({"auto", "pb", "pbtxt"})
      .Value("FORMAT");
  command.Add(&flags.in_place, "in_place", "Allow --out_graph to be the input file.");
  command.Add(&flags.json, "json", "The report as JSON on stdout.");
  command
      .Add(&flags.report, "report", "Write the report to this file: JSON if it is called .json, else text.")
      .Value("FILE")
      .Path();
  command.Example("doctor frozen.pb", "What is wrong with a graph that TensorFlow refuses to load?");
  command.Example("doctor frozen.pb --out_graph=repaired.pb", "Repair it:");
  command.Example("doctor frozen.pb --swap_weights=model.ckpt-9000 --out_graph=frozen-9000.pb",
                  "Give a frozen graph the weights of a later checkpoint:");
  command.Epilogue("Repairs", [] {
    std::string text;
    for (const RepairKind& kind : RepairKinds()) absl::StrAppend(&text, kind.kind, ": ", kind.what, "\n");
    return text;
  });
  command.Epilogue(
      "Exit status",
      "0: the graph is sound, or --out_graph is written and sound. 1: something is wrong with it, or could "
      "not be repaired; --out_graph is then not written. 2: wrong usage, or a file that cannot be read.");
}

absl::Status CheckUsage(Flags& flags) {
  if (!flags.in_graph.empty()) flags.files.insert(flags.files.begin(), flags.in_graph);
  if (flags.files.empty()) return UsageError("no graph to look at\ntry: doctor FILE");
  if (flags.files.size() > 1) return UsageError("one graph at a time\ntry: doctor FILE");
  if (!flags.swap_weights.empty() && flags.out_graph.empty()) {
    return UsageError("--swap_weights makes a new graph, and --out_graph must say where it goes");
  }
  if (flags.out_graph.empty()) return absl::OkStatus();
  return CheckOutputPath(flags.out_graph, {flags.files[0]}, flags.in_place, "--out_graph");
}

absl::StatusOr<Model> Open(const std::string& path, const std::string& tags) {
  OpenOptions options;
  options.tags = tags;
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(path, options, &notes);
  for (const std::string& note : notes) PrintNote(note);
  return model;
}

// A status that ends the tool with kUsage: there is nothing to judge.
absl::Status Unreadable(const absl::Status& status) {
  return status.ok() ? status : UsageError(status.message());
}

// Functions that `model` calls and lacks, and all that those call, as far as the other model has them.
absl::Status TakeFunctions(Model& model, const std::string& path, DoctorReport& report) {
  absl::StatusOr<Model> other = Open(path, "");
  RETURN_IF_ERROR(Unreadable(other.status()));
  bool any = true;
  // Each round may call further ones.
  while (any) {
    any = false;
    for (const std::string& name : MissingFunctions(model)) {
      const Function* const function = other->FindFunction(name);
      if (function == nullptr) continue;
      model.functions().push_back(function->Clone());
      report.repairs.push_back(
          {"library", name, "", "function taken from " + path, "the graph calls it and does not have it"});
      any = true;
    }
  }
  return absl::OkStatus();
}

absl::Status Examine(Flags& flags) {
  RETURN_IF_ERROR(CheckUsage(flags));
  ASSIGN_OR_RETURN(const OutputForm form, ChooseForm(flags.output_format, false, flags.out_graph));
  KeyOptions keys;
  ASSIGN_OR_RETURN(keys.variable_map, ParseVariableMap(flags.variable_map));
  keys.use_ema = flags.use_ema;
  DoctorReport report;
  report.path = flags.files[0];
  absl::StatusOr<Model> model = Open(report.path, flags.saved_model_tags);
  RETURN_IF_ERROR(Unreadable(model.status()));
  VerifyOptions verify;
  verify.container = false;
  RepairOptions options;
  if (Release release; ParseRelease(flags.target, &release)) {
    verify.target = release;
    options.target = release;
  }
  for (const Finding& finding : Verify(*model, verify)) {
    if (finding.severity == Severity::kError) ++report.errors_before;
  }

  if (!flags.library.empty()) RETURN_IF_ERROR(TakeFunctions(*model, flags.library, report));
  options.pure = flags.state == "pure";
  options.producer = flags.producer < 0    ? RepairOptions::kBestProducer
                     : flags.producer == 0 ? RepairOptions::kKeepProducer
                                           : static_cast<int>(flags.producer);
  ASSIGN_OR_RETURN(std::vector<Repair> repairs, RepairModel(*model, options));
  report.repairs.insert(report.repairs.end(), repairs.begin(), repairs.end());
  if (!flags.swap_weights.empty()) {
    std::vector<std::string> notes;
    ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint,
                     Checkpoint::Open(flags.swap_weights, &notes));
    for (const std::string& note : notes) PrintNote(note);
    ASSIGN_OR_RETURN(report.swap, SwapWeights(*model, *checkpoint, keys));
    for (const std::string& note : report.swap->notes) PrintNote(note);
  }
  report.left = Verify(*model, verify);

  const bool sound = !HasErrors(report.left);
  if (!flags.out_graph.empty() && sound) {
    OutputOptions output;
    output.form = form;
    RETURN_IF_ERROR(WriteModel(*model, flags.out_graph, output).status());
    report.written = flags.out_graph;
  }
  const std::string text = flags.json ? DoctorReportJson(report) : DoctorReportText(report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!flags.report.empty()) {
    RETURN_IF_ERROR(WriteFile(flags.report, absl::EndsWith(flags.report, ".json")
                                                ? DoctorReportJson(report)
                                                : DoctorReportText(report)));
  }
  if (!sound) {
    return absl::FailedPreconditionError(absl::StrCat(
        report.path, ": not all could be repaired",
        flags.out_graph.empty() ? "" : ", and nothing was written", "\nwhy: ", FirstErrorText(report.left)));
  }
  if (flags.out_graph.empty() && !report.repairs.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(report.path, ": ", cli::Counted(report.repairs.size(), "repair"),
                     " needed\ntry: --out_graph=FILE writes the repaired graph"));
  }
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("doctor", Family::kCpp,
                  "repairs graphs that other tools froze badly, and swaps the weights of frozen graphs.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Examine(flags));
}

CRYOGRAPH_REGISTER_TOOL(doctor, "Repairs badly frozen graphs; swaps the weights of a frozen graph.", Run);

}  // namespace
}  // namespace cryograph
