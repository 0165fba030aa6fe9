// verify_graph: do two models give the same outputs for the same inputs?
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/model.h"
#include "graph/open.h"
#include "tools/cli.h"
#include "tools/model_names.h"
#include "tools/output_check.h"

namespace cryograph {
namespace {

struct Flags {
  std::vector<std::string> models, inputs, outputs;
  std::string tags, after_tags, after_checkpoint;
  OutputCheckFlags check;
  bool json = false;
};

absl::StatusOr<Model> Open(const std::string& path, const std::string& tags) {
  OpenOptions options;
  options.tags = tags;
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(path, options, &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  return model;
}

// Whether the two agree; an error if that cannot be found out.
absl::StatusOr<bool> Verify(const Flags& flags) {
  if (flags.models.size() != 2) return cli::UsageError("two models must be named");
  for (const std::string& input : flags.inputs) {
    if (input.find('=') == std::string::npos) continue;
    return cli::UsageError(
        absl::StrCat("--inputs takes names, not '", input, "'\ntry: --feed, which gives an input a value"));
  }
  ASSIGN_OR_RETURN(Model before, Open(flags.models[0], flags.tags));
  ASSIGN_OR_RETURN(Model after,
                   Open(flags.models[1], flags.after_tags.empty() ? flags.tags : flags.after_tags));
  const std::vector<std::string> outputs =
      flags.outputs.empty() ? SignatureOutputTensors(before) : flags.outputs;
  if (outputs.empty()) return NoOutputsGiven(before, "--outputs");
  RETURN_IF_ERROR(CheckNodesExist(before, outputs, "--outputs"));
  std::vector<std::string> notes;
  absl::StatusOr<std::unique_ptr<ReferenceOutputs>> reference =
      ComputeReference(before, flags.inputs, outputs, flags.check, &notes);
  OutputCheckFlags of_after = flags.check;
  if (!flags.after_checkpoint.empty()) {
    of_after.checkpoint = flags.after_checkpoint;
  } else if (!after.variables_prefix.empty()) {
    of_after.checkpoint.clear();  // Its own.
  }
  absl::StatusOr<Prepare> prepare = PrepareFor(after, of_after, &notes);
  for (auto note = notes.begin(); note != notes.end(); ++note) {  // Of two models, they may be the same.
    if (std::find(notes.begin(), note, *note) == note) cli::PrintNote(*note);
  }
  RETURN_IF_ERROR(reference.status());
  RETURN_IF_ERROR(prepare.status());
  const Tolerance tolerance = ToleranceFor(DefaultErrorBound(Semantics::kWithinRounding), flags.check);
  ASSIGN_OR_RETURN(const EquivalenceReport report, (*reference)->Check(after, *prepare, tolerance));
  const std::string text = flags.json ? ReportJson(report, tolerance) : report.Text();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return report.ok();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  cli::Command command("verify_graph", cli::Family::kCpp,
                       "tells whether two models give the same outputs for the same inputs.");
  command.Usage("--outputs=NAME,…");
  command.Positionals(&flags.models, "BEFORE AFTER");
  command.Section("Models");
  command
      .Add(&flags.inputs, "inputs", "Tensors that are fed; default: every Placeholder that the outputs need.")
      .Value("NAME,NAME…")
      .Extension();
  command
      .Add(&flags.outputs, "outputs",
           "Tensors that are compared; default: the outputs of BEFORE's signatures.")
      .Value("NAME,NAME…")
      .Extension();
  command.Add(&flags.tags, "tags", "Tags of a SavedModel's graph, if it has several.")
      .Value("TAG,TAG…")
      .Extension();
  command.Add(&flags.after_tags, "after_tags", "The same for AFTER, if it has others than BEFORE.")
      .Value("TAG,TAG…")
      .Extension();
  command
      .Add(&flags.after_checkpoint, "after_checkpoint",
           "Where AFTER's variables are; default: its own if it is a SavedModel, else --checkpoint.")
      .Path()
      .Value("PATH")
      .Extension();
  command.Section("Inputs and tolerance");
  DeclareOutputCheck(flags.check, "", command);
  command.Section("Result");
  command.Add(&flags.json, "json", "Print JSON.").Extension();
  command.Example("verify_graph frozen.pb lean.pb --outputs=softmax", "On random inputs:");
  command.Example("verify_graph graph.pb frozen.pb --checkpoint=model.ckpt-7 --outputs=softmax",
                  "Did freezing change something?");
  command.Example("verify_graph saved_model/ frozen.pb --outputs=softmax --feed=image=photo.npy --rtol=1e-3",
                  "On one's own:");
  command.Epilogue("Exit status",
                   "0: the outputs agree. 1: they differ, or AFTER cannot be run. 2: wrong usage, a file "
                   "that cannot be read, or BEFORE cannot be run.");
  if (std::optional<int> status = command.Parse(args)) return *status;
  const absl::StatusOr<bool> same = Verify(flags);
  if (!same.ok()) {
    cli::PrintError(same.status());
    return cli::kUsage;
  }
  const int finished = cli::Finish(absl::OkStatus());
  return finished != cli::kSuccess ? finished : *same ? cli::kSuccess : cli::kFailure;
}

CRYOGRAPH_REGISTER_TOOL(verify_graph, "Do two models give the same outputs?", Run);

}  // namespace
}  // namespace cryograph
