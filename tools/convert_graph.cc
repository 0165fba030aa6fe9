// convert_graph: any file that holds a graph becomes a GraphDef, binary or text.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/finding.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/verify.h"
#include "tools/cli.h"
#include "tools/model_output.h"
#include "tools/saved_model_files.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::PrintWarning;
using cli::UsageError;

struct Flags {
  std::string in_graph, out_graph, saved_model_tags, format = "auto";
  bool output_as_text = false, drop_unknown_fields = false, verify = true, brotli = false;
  std::vector<std::string> files, inputs, outputs;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=FILE --out_graph=FILE");
  command.Positionals(&flags.files, "[IN [OUT]]");
  command.Section("Input");
  command
      .Add(&flags.in_graph, "in_graph",
           "What to read: GraphDef or MetaGraphDef, binary or text, or a SavedModel's directory or file. The "
           "content "
           "decides what it is. May be given as the first word instead.")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, if it has several; separated by commas, in any order.")
      .Value("TAG,TAG…");
  command.Section("Output");
  command
      .Add(&flags.out_graph, "out_graph", "Where the GraphDef goes. May be given as the second word instead.")
      .Alias("output_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.format, "output_format",
           "auto writes text to a file named .pbtxt, .prototxt or .txt, a MetaGraphDef to one named .meta, "
           "and a "
           "binary GraphDef to any other. meta: a MetaGraphDef, with all that the model says beside its "
           "graph. saved_model: "
           "a directory whose large values are variables. saved_model_chunked: a directory whose large "
           "values are chunks "
           "of saved_model.cpb.")
      .Choices({"auto", "pb", "pbtxt", "meta", "saved_model", "saved_model_chunked"})
      .Value("FORMAT");
  command
      .Add(&flags.inputs, "inputs",
           "Tensors that the signature serving_default of a MetaGraph or SavedModel takes, if "
           "the model has no signature.")
      .Value("NAME,NAME…");
  command.Add(&flags.outputs, "outputs", "Tensors that it gives.").Value("NAME,NAME…");
  command.Add(&flags.output_as_text, "output_as_text", "The same as --output_format=pbtxt.");
  command.Add(&flags.brotli, "brotli", "Compress the chunks of a chunked SavedModel.");
  command.Add(&flags.drop_unknown_fields, "drop_unknown_fields",
              "Text cannot hold fields that nobody knows: leave them out instead of refusing.");
  command.Add(&flags.verify, "verify",
              "Warn of a graph that TensorFlow cannot load, as lint finds; --verify=off skips that.");
  command.Example("convert_graph frozen.pb frozen.pbtxt",
                  "To text, and back again with the names exchanged:");
  command.Example("convert_graph --in_graph=model.ckpt-7.meta --out_graph=- --output_as_text | less",
                  "Look at the graph of a .meta file:");
  command.Epilogue(
      "What is kept",
      "The graph is written as it is, defects included, in a canonical form: attributes sorted by key, the "
      "same bytes from every run. Converting twice gives the same file. What a MetaGraph or SavedModel says "
      "beside its graph (signatures, collections, saver) is not part of a GraphDef and is left out, unless a "
      "MetaGraphDef or a chunked SavedModel is written.");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made. 2: wrong usage. With 1 and 2 nothing is written.");
}

const char* NameOf(OutputForm form) {
  switch (form) {
    case OutputForm::kBinary:
      return "binary";
    case OutputForm::kText:
      return "text";
    case OutputForm::kMetaGraph:
      return "MetaGraph";
    case OutputForm::kMetaGraphText:
      return "MetaGraph text";
    case OutputForm::kSavedModel:
      return "SavedModel";
    case OutputForm::kChunkedSavedModel:
      return "chunked SavedModel";
  }
  return "";
}

ChunkOptions ChunksOf(const Flags& flags) {
  ChunkOptions chunks;
  chunks.compress = flags.brotli;
  return chunks;
}

// A SavedModel that has variables stays what it is: all its MetaGraphs and files, only the main file in
// another form. False for other models.
absl::StatusOr<bool> ConvertWhole(const Flags& flags, OutputForm form) {
  std::vector<std::string> notes;
  ASSIGN_OR_RETURN(OpenedFile file, OpenAll(flags.in_graph, {}, &notes));
  if (file.directory.empty() || (file.models.size() == 1 && file.models[0].variables_prefix.empty()))
    return false;
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(WriteWholeSavedModel(
      file, form == OutputForm::kChunkedSavedModel ? MainFile::kChunked : MainFile::kBinary, flags.out_graph,
      ChunksOf(flags)));
  std::fprintf(stderr, "converted a SavedModel of %s\n",
               cli::Counted(file.models.size(), "MetaGraph").c_str());
  return true;
}

absl::Status Convert(Flags& flags) {
  if (flags.files.size() > 2) return UsageError("convert_graph takes two files: IN and OUT");
  for (size_t i = 0; i < flags.files.size(); ++i) {
    std::string& target = i == 0 ? flags.in_graph : flags.out_graph;
    if (!target.empty()) {
      return UsageError(absl::StrCat("'", flags.files[i], "' and --", i == 0 ? "in_graph" : "out_graph", "=",
                                     target, " name two files"));
    }
    target = flags.files[i];
  }
  if (flags.in_graph.empty())
    return UsageError("--in_graph must name the model to read\ntry: convert_graph IN OUT");
  RETURN_IF_ERROR(CheckOutputPath(flags.out_graph, {}, true, "--out_graph"));
  ASSIGN_OR_RETURN(const OutputForm form, ChooseForm(flags.format, flags.output_as_text, flags.out_graph));
  if (flags.brotli && form != OutputForm::kChunkedSavedModel)
    return UsageError("--brotli is for --output_format=saved_model_chunked");
  if (flags.outputs.empty() && !flags.inputs.empty())
    return UsageError("--inputs without --outputs makes no signature\ntry: --outputs=NAME");

  if (form == OutputForm::kSavedModel || form == OutputForm::kChunkedSavedModel) {
    ASSIGN_OR_RETURN(const bool done, ConvertWhole(flags, form));
    if (done) return absl::OkStatus();
  }
  std::vector<std::string> notes;
  OpenOptions open;
  open.tags = flags.saved_model_tags;
  absl::StatusOr<Model> model = OpenModel(flags.in_graph, open, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(model.status());
  if (!model->meta_fields.empty() && (form == OutputForm::kBinary || form == OutputForm::kText)) {
    PrintNote(absl::StrCat(flags.in_graph,
                           " says more than its graph (signatures, collections, saver); only the graph "
                           "is written"));
  }
  if (flags.verify) {
    VerifyOptions verify;
    verify.container = form != OutputForm::kBinary && form != OutputForm::kText;
    const absl::Status status = FindingsStatus(Verify(*model, verify));
    if (!status.ok()) {
      PrintWarning(absl::StrCat(flags.in_graph, ": TensorFlow cannot load this graph: ", status.message()));
    }
  }
  OutputOptions output;
  output.form = form;
  output.inputs = flags.inputs;
  output.outputs = flags.outputs;
  output.chunks = ChunksOf(flags);
  output.drop_unknown_fields = flags.drop_unknown_fields;
  output.allow_defects = true;
  const absl::StatusOr<uint64_t> size = WriteModel(*model, flags.out_graph, output);
  if (absl::IsInvalidArgument(size.status()) &&
      (form == OutputForm::kText || form == OutputForm::kMetaGraphText) && !flags.drop_unknown_fields) {
    return absl::InvalidArgumentError(absl::StrCat(size.status().message(), "\ntry: --drop_unknown_fields"));
  }
  RETURN_IF_ERROR(size.status());
  std::fprintf(stderr, "converted %s (%s of %s)\n", cli::Counted(model->graph().num_nodes(), "node").c_str(),
               cli::BytesText(*size).c_str(), NameOf(form));
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("convert_graph", Family::kCpp,
                  "writes the graph of any model file as a GraphDef, binary or text.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Convert(flags));
}

CRYOGRAPH_REGISTER_TOOL(convert_graph, "Any file with a graph becomes a .pb or .pbtxt.", Run);

}  // namespace
}  // namespace cryograph
