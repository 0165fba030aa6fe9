// import_meta_graph: puts a MetaGraphDef under a scope and binds its inputs, as tf.train.import_meta_graph
// does.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/meta_graph_scope.h"
#include "graph/model.h"
#include "graph/open.h"
#include "tools/cli.h"
#include "tools/model_output.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::string in_graph, out_graph;
  std::vector<std::string> input_map;
  bool in_place = false;
  ImportMetaGraphOptions options;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=FILE --out_graph=FILE --import_scope=SCOPE");
  command.Add(&flags.in_graph, "in_graph", "The MetaGraphDef, binary or text.")
      .Alias("meta_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.out_graph, "out_graph", "Where the result goes: a MetaGraphDef, text if the name says so.")
      .Value("FILE")
      .Path();
  command.Add(&flags.in_place, "in_place", "The output may be the input file.");
  command
      .Add(&flags.options.scope, "import_scope",
           "Goes before every name: nodes, variables, saver, signatures, collections.")
      .Value("SCOPE");
  command
      .Add(&flags.input_map, "input_map",
           "What nodes read instead: NAME=TENSOR, where NAME is a tensor of the file or one of its unbound "
           "inputs, and TENSOR "
           "a name in the result.")
      .Value("NAME=TENSOR,…");
  command.Add(&flags.options.clear_devices, "clear_devices", "Forget on which device each node shall run.");
  command.Example("import_meta_graph --in_graph=encoder.meta --out_graph=scoped.meta --import_scope=left",
                  "A model under a scope, to stand beside another:");
  command.Epilogue("Exit status", "0: the result is written. 1: it could not be made. 2: wrong usage.");
}

absl::Status Import(Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the MetaGraphDef to read");
  RETURN_IF_ERROR(CheckOutputPath(flags.out_graph, {flags.in_graph}, flags.in_place, "--out_graph"));
  for (const std::string& pair : flags.input_map) {
    const std::vector<std::string> names = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (names.size() != 2 || names[0].empty() || names[1].empty())
      return UsageError(absl::StrCat("--input_map=", pair, " must have the form NAME=TENSOR"));
    flags.options.input_map.emplace_back(names[0], names[1]);
  }
  std::vector<std::string> notes;
  OpenOptions open;
  open.expect = OpenOptions::Expect::kMetaGraph;
  absl::StatusOr<Model> model = OpenModel(flags.in_graph, open, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(model.status());
  ASSIGN_OR_RETURN(Model imported, ImportMetaGraph(*model, flags.options));
  if (imported.MetaField(3).empty()) {
    PrintNote("the MetaGraph has no saver: TensorFlow makes one of all variables, if there are any");
  }
  OutputOptions output;
  output.form = HasTextSuffix(flags.out_graph) ? OutputForm::kMetaGraphText : OutputForm::kMetaGraph;
  ASSIGN_OR_RETURN(const uint64_t size, WriteModel(imported, flags.out_graph, output));
  std::fprintf(stderr, "imported %s (%s)\n",
               cli::Counted(static_cast<uint64_t>(imported.graph().num_nodes()), "node").c_str(),
               cli::BytesText(size).c_str());
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("import_meta_graph", Family::kCpp,
                  "puts a MetaGraphDef under a scope and binds its inputs.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Import(flags));
}

CRYOGRAPH_REGISTER_TOOL(import_meta_graph, "A MetaGraphDef under a scope, its inputs bound.", Run);

}  // namespace
}  // namespace cryograph
