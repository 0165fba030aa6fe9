// thaw_graph: a frozen graph becomes one that TensorFlow can train: constants become variables again.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "base/staged_directory.h"
#include "base/status_macros.h"
#include "checkpoint/thaw.h"
#include "graph/export.h"
#include "graph/meta_graph.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/saved_model_export.h"
#include "re2/re2.h"
#include "tools/cli.h"
#include "tools/document.h"
#include "tools/model_names.h"
#include "tools/model_output.h"
#include "tools/saved_model_files.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::string in_graph, saved_model_tags, out_checkpoint, out_saved_model, variables = "ref", select, skip;
  std::vector<std::string> inputs, outputs;
  int64_t min_bytes = 1024;
  bool all_types = false, json = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=FILE (--out_checkpoint=PREFIX | --out_saved_model=DIR)");
  command.Section("Model");
  command
      .Add(&flags.in_graph, "in_graph", "The frozen graph: GraphDef, MetaGraphDef or SavedModel in any form.")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, separated by commas, in any order.")
      .Value("TAG,TAG…");
  command.Section("Result: one of two");
  command
      .Add(&flags.out_checkpoint, "out_checkpoint",
           "Write PREFIX.meta, PREFIX.index and PREFIX.data-00000-of-00001: what tf.train.import_meta_graph "
           "and "
           "Saver.restore read.")
      .Value("PREFIX")
      .Path();
  command.Add(&flags.out_saved_model, "out_saved_model", "Write a SavedModel to this new directory.")
      .Value("DIR")
      .Path();
  command.Section("Which constants");
  command.Add(&flags.min_bytes, "min_bytes", "Constants of fewer bytes stay constants.").AtLeast(0);
  command.Add(&flags.select, "select", "Only constants whose whole name matches this regular expression.")
      .Value("RE2");
  command.Add(&flags.skip, "skip", "No constants whose whole name matches this regular expression.")
      .Value("RE2");
  command.Add(&flags.all_types, "all_types",
              "Also constants of types that are not trained, such as tables of integers; they become "
              "variables that are "
              "not trainable.");
  command
      .Add(&flags.variables, "variables",
           "ref: the variables of TensorFlow 1 (VariableV2); resource: those that TensorFlow 2 makes "
           "(VarHandleOp).")
      .Choices({"ref", "resource"})
      .Value("KIND");
  command.Section("Signature");
  command
      .Add(&flags.inputs, "inputs",
           "Tensors that the signature serving_default takes, if the model has none.")
      .Value("NAME,NAME…");
  command.Add(&flags.outputs, "outputs", "Tensors that it gives.").Value("NAME,NAME…");
  command.Section("Report");
  command.Add(&flags.json, "json", "Print the variables as JSON on stdout.");
  command.Example("thaw_graph --in_graph=frozen.pb --out_checkpoint=thawed/model.ckpt",
                  "Then, in Python: saver = tf.train.import_meta_graph('thawed/model.ckpt.meta'); "
                  "saver.restore(session, 'thawed/model.ckpt')");
  command.Epilogue("Exit status", "0: the result is written. 1: it could not be made. 2: wrong usage.");
}

absl::StatusOr<std::unique_ptr<RE2>> Pattern(const std::string& text, const char* flag) {
  auto pattern = std::make_unique<RE2>(text, RE2::Quiet);
  if (!pattern->ok())
    return UsageError(absl::StrCat(flag, "=", text, " is no regular expression: ", pattern->error()));
  return pattern;
}

absl::Status CheckUsage(const Flags& flags) {
  if (flags.in_graph.empty())
    return UsageError("--in_graph must name the frozen graph\ntry: --in_graph=frozen.pb");
  if (flags.out_checkpoint.empty() == flags.out_saved_model.empty()) {
    return UsageError(
        "say where the result goes (CG145)\ntry: --out_checkpoint=PREFIX or --out_saved_model=DIR, one of "
        "them");
  }
  if (flags.outputs.empty() && !flags.inputs.empty())
    return UsageError("--inputs without --outputs makes no signature\ntry: --outputs=NAME");
  return absl::OkStatus();
}

// Writes the MetaGraph beside the checkpoint.
absl::Status WriteMetaGraph(Model& model, const std::string& path, const Flags& flags) {
  OutputOptions output;
  output.form = OutputForm::kMetaGraph;
  output.inputs = flags.inputs;
  output.outputs = flags.outputs;
  return WriteModel(model, path, output).status();
}

absl::Status WriteDirectory(Model& model, const StagedDirectory& staged, const Flags& flags) {
  OutputOptions output;
  output.form = OutputForm::kSavedModel;
  output.inputs = flags.inputs;
  output.outputs = flags.outputs;
  RETURN_IF_ERROR(CompleteMetaGraph(model, output));
  RETURN_IF_ERROR(SetTagsIfNone(model));
  ExportOptions form;
  form.progress = cli::Progress();
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Create(staged.path() + "/saved_model.pb"));
  RETURN_IF_ERROR(ExportSavedModel({&model}, *sink, form));
  RETURN_IF_ERROR(sink->Commit());
  return absl::OkStatus();
}

void PrintReport(const ThawReport& report, bool json) {
  Document variables = Document::Array();
  for (const ThawedVariable& variable : report.variables) {
    Document each = Document::Object();
    each.Set("name", Document::String(variable.name));
    each.Set("dtype", Document::String(DataTypeName(variable.dtype)));
    each.Set("shape", Document::Ints(variable.dims));
    each.Set("trainable", Document::Bool(variable.trainable));
    variables.Add(std::move(each));
  }
  for (const std::string& kept : report.kept) PrintNote(absl::StrCat("stays a constant: ", kept));
  if (json) {
    Document document = Document::Object();
    document.Set("variables", std::move(variables));
    document.Set("bytes", Document::Int(static_cast<int64_t>(report.bytes)));
    document.Set("kept", Document::Strings(report.kept));
    std::fputs(document.Json().c_str(), stdout);
  }
  std::fprintf(stderr, "thawed %s of %s\n", cli::Counted(report.variables.size(), "variable").c_str(),
               cli::BytesText(report.bytes).c_str());
}

absl::Status ThawModel(const Flags& flags) {
  RETURN_IF_ERROR(CheckUsage(flags));
  ThawOptions options;
  options.min_bytes = static_cast<uint64_t>(flags.min_bytes);
  options.all_types = flags.all_types;
  options.resource = flags.variables == "resource";
  ASSIGN_OR_RETURN(const std::unique_ptr<RE2> select,
                   Pattern(flags.select.empty() ? ".*" : flags.select, "--select"));
  ASSIGN_OR_RETURN(const std::unique_ptr<RE2> skip, Pattern(flags.skip, "--skip"));
  options.select = [&](absl::string_view name) {
    return RE2::FullMatch(std::string(name), *select) &&
           (flags.skip.empty() || !RE2::FullMatch(std::string(name), *skip));
  };

  std::vector<std::string> notes;
  absl::StatusOr<OpenedFile> file = OpenAll(flags.in_graph, {}, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(file.status());
  ASSIGN_OR_RETURN(Model* const model, FindTagSet(*file, flags.saved_model_tags));
  RETURN_IF_ERROR(CheckNodesExist(*model, flags.inputs, "--inputs"));
  RETURN_IF_ERROR(CheckNodesExist(*model, flags.outputs, "--outputs"));
  absl::StatusOr<ThawReport> report;
  if (!flags.out_saved_model.empty()) {
    ASSIGN_OR_RETURN(const std::unique_ptr<StagedDirectory> staged,
                     StagedDirectory::Create(flags.out_saved_model));
    report = Thaw(*model, staged->path() + "/variables/variables", options);
    if (!report.ok())
      return absl::Status(report.status().code(), absl::StrCat(model->path, ": ", report.status().message()));
    RETURN_IF_ERROR(WriteDirectory(*model, *staged, flags));
    if (!file->directory.empty()) RETURN_IF_ERROR(CopyAssets(file->directory, staged->path()));
    RETURN_IF_ERROR(staged->Commit());
  } else {
    report = Thaw(*model, flags.out_checkpoint, options);
    if (!report.ok())
      return absl::Status(report.status().code(), absl::StrCat(model->path, ": ", report.status().message()));
    const absl::Status written = WriteMetaGraph(*model, flags.out_checkpoint + ".meta", flags);
    if (!written.ok()) {
      // Values without the graph that they belong to are of no use.
      for (const char* suffix : {".index", ".data-00000-of-00001"})
        std::remove((flags.out_checkpoint + suffix).c_str());
      return written;
    }
  }
  PrintReport(*report, flags.json);
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("thaw_graph", Family::kCpp,
                  "makes the large constants of a frozen graph variables that TensorFlow can train.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(ThawModel(flags));
}

CRYOGRAPH_REGISTER_TOOL(thaw_graph, "A frozen graph becomes one that TensorFlow can train.", Run);

}  // namespace
}  // namespace cryograph
