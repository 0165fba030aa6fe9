// export_meta_graph: writes a MetaGraphDef as tf.train.export_meta_graph does, whole or by scope.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/saver_of_model.h"
#include "graph/meta_graph_scope.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/output_shapes.h"
#include "tools/cli.h"
#include "tools/model_output.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::string in_graph, saved_model_tags, out_graph;
  bool as_text = false, in_place = false, add_saver = false, output_shapes = false;
  ExportMetaGraphOptions options;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=MODEL --out_graph=FILE");
  command.Section("Input");
  command.Add(&flags.in_graph, "in_graph", "GraphDef, MetaGraphDef or SavedModel in any form.")
      .Alias("input_graph")
      .Value("MODEL")
      .Path();
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, separated by commas, in any order.")
      .Value("TAG,TAG…");
  command.Section("Output");
  command.Add(&flags.out_graph, "out_graph", "Where the MetaGraphDef goes.")
      .Alias("filename")
      .Value("FILE")
      .Path();
  command.Add(&flags.as_text, "as_text",
              "Write text. A file named .pbtxt, .prototxt or .txt is text anyway.");
  command.Add(&flags.in_place, "in_place", "The output may be the input file.");
  command.Section("What is exported");
  command
      .Add(&flags.options.scope, "export_scope",
           "Only the nodes below this scope, which their names lose. What they read from outside becomes "
           "'$unbound_inputs_NAME' and is listed in the collection unbound_inputs.")
      .Value("SCOPE");
  command.Add(&flags.options.clear_devices, "clear_devices", "Forget on which device each node shall run.");
  command.Add(&flags.options.clear_extraneous_savers, "clear_extraneous_savers",
              "Drop the scopes of savers other than the MetaGraph's own.");
  command.Add(&flags.options.strip_default_attrs, "strip_default_attrs",
              "Drop attributes that equal the default of their op, so that older releases read the graph.");
  command.Section("What is added");
  command.Add(
      &flags.add_saver, "add_saver",
      "If the MetaGraph has no saver, the nodes and the SaverDef that tf.train.Saver() makes, over the "
      "collection 'variables', or over all variables where there is none.");
  command.Add(
      &flags.output_shapes, "output_shapes",
      "The attribute _output_shapes on each node, as TensorFlow's Saver writes it: the shapes that are "
      "inferred.");
  command.Example(
      "export_meta_graph --in_graph=model.ckpt-7.meta --out_graph=encoder.meta --export_scope=encoder",
      "A part of a model under its own names:");
  command.Epilogue("Exit status", "0: the result is written. 1: it could not be made. 2: wrong usage.");
}

absl::Status Export(const Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the model to read");
  RETURN_IF_ERROR(CheckOutputPath(flags.out_graph, {flags.in_graph}, flags.in_place, "--out_graph"));
  std::vector<std::string> notes;
  OpenOptions open;
  open.tags = flags.saved_model_tags;
  absl::StatusOr<Model> model = OpenModel(flags.in_graph, open, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(model.status());
  // Unknown ops are named when the result is written.
  ASSIGN_OR_RETURN(Model exported, ExportMetaGraph(*model, flags.options, nullptr));
  if (flags.add_saver) {
    if (HasSaver(exported)) {
      PrintNote("--add_saver: the MetaGraph has a saver, which stays");
    } else {
      ASSIGN_OR_RETURN(const int variables, AddSaverOfModel(exported));
      PrintNote(absl::StrCat("a saver of ", cli::Counted(static_cast<uint64_t>(variables), "variable"),
                             " is added"));
    }
  }
  if (flags.output_shapes) SetOutputShapes(exported);
  OutputOptions output;
  output.form =
      flags.as_text || HasTextSuffix(flags.out_graph) ? OutputForm::kMetaGraphText : OutputForm::kMetaGraph;
  // What is unbound has no node.
  output.allow_defects = true;
  ASSIGN_OR_RETURN(const uint64_t size, WriteModel(exported, flags.out_graph, output));
  std::fprintf(stderr, "exported %s (%s)\n",
               cli::Counted(static_cast<uint64_t>(exported.graph().num_nodes()), "node").c_str(),
               cli::BytesText(size).c_str());
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("export_meta_graph", Family::kCpp, "writes a model as a MetaGraphDef, whole or by scope.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Export(flags));
}

CRYOGRAPH_REGISTER_TOOL(export_meta_graph, "A model, or the part below a scope, as a MetaGraphDef.", Run);

}  // namespace
}  // namespace cryograph
