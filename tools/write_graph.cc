// write_graph: writes a model's graph into a folder and says where, as tf.io.write_graph does.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
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
  std::string in_graph, logdir, name;
  bool as_text = true;
};

absl::Status Write(const Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the model to read");
  if (flags.logdir.empty() || flags.name.empty())
    return UsageError("--logdir and --name must say where the graph goes (CG145)");
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(flags.in_graph, {}, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(model.status());
  const std::string path =
      absl::StrCat(flags.logdir, absl::EndsWith(flags.logdir, "/") ? "" : "/", flags.name);
  if (flags.as_text && absl::EndsWith(flags.name, ".pb"))
    PrintNote(absl::StrCat(
        path, " is text under a binary's name, which many readers refuse (CG150)\ntry: --as_text=false"));
  OutputOptions output;
  output.form = flags.as_text ? OutputForm::kText : OutputForm::kBinary;
  output.allow_defects = true;
  RETURN_IF_ERROR(WriteModel(*model, path, output).status());
  std::printf("%s\n", path.c_str());
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("write_graph", Family::kPython,
                  "writes a model's graph into a folder and prints the path.");
  command.Usage("--in_graph=MODEL --logdir=DIR --name=NAME");
  command.Add(&flags.in_graph, "in_graph", "GraphDef, MetaGraphDef or SavedModel in any form.")
      .Alias("graph_or_graph_def")
      .Value("MODEL")
      .Path();
  command.Add(&flags.logdir, "logdir", "The folder; made if it is not there.").Value("DIR").Path();
  command.Add(&flags.name, "name", "The file's name in it.").Value("NAME");
  command.Add(&flags.as_text, "as_text", "Write text rather than binary.");
  command.Example("write_graph --in_graph=model.ckpt-7.meta --logdir=out --name=graph.pbtxt",
                  "The graph of a MetaGraph as text:");
  command.Epilogue("Exit status", "0: written. 1: it could not be. 2: wrong usage.");
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Write(flags));
}

CRYOGRAPH_REGISTER_TOOL(write_graph, "A model's graph, text or binary, into a folder.", Run);

}  // namespace
}  // namespace cryograph
