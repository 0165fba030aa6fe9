// extract_sub_graph: keeps what some nodes need.
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/extract.h"
#include "tools/graph_edit_flags.h"
#include "tools/model_names.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::UsageError;

struct Flags {
  std::string in_graph;
  std::vector<std::string> outputs;
  bool drop_colocation = false, prune_functions = false;
  GraphEditFlags edit;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=FILE --out_graph=FILE --outputs=NAME,…");
  command.Section("Graph");
  command.Add(&flags.in_graph, "in_graph", "The graph to cut from: in any container, binary or text.")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.outputs, "outputs",
           "The nodes (or tensors) to keep, with all that they read, data and control, and all that they are "
           "colocated "
           "with.")
      .Alias("dest_nodes")
      .Value("NAME,NAME…");
  command.Add(&flags.drop_colocation, "drop_colocation",
              "Do not keep a node because another is colocated with it: the wish goes instead.");
  command.Add(&flags.prune_functions, "prune_functions",
              "Drop functions that nothing leads to any more. TensorFlow keeps the whole library.");
  DeclareGraphEditFlags(flags.edit, command);
  command.Example(
      "extract_sub_graph --in_graph=model.pb --out_graph=features.pb --outputs=pool3 --drop_colocation",
      "Keep a model up to a layer:");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made. 2: wrong usage. With 1 and 2 nothing is written.");
}

absl::Status Extract(Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the graph to cut from");
  ASSIGN_OR_RETURN(Model model, OpenForEdit(flags.in_graph, flags.edit));
  if (flags.outputs.empty()) return NoOutputsGiven(model, "--outputs");
  RETURN_IF_ERROR(CheckNodesExist(model, flags.outputs, "--outputs"));
  ExtractOptions options;
  options.drop_colocation = flags.drop_colocation;
  options.prune_functions = flags.prune_functions;
  const absl::StatusOr<ExtractResult> result = ExtractSubGraph(model, flags.outputs, options);
  if (!result.ok()) {
    return absl::Status(result.status().code(),
                        absl::StrCat(flags.in_graph, ": ", result.status().message()));
  }
  ASSIGN_OR_RETURN(const uint64_t size, WriteEdited(model, flags.edit, {flags.in_graph}));
  PrintResult(flags.edit,
              absl::StrCat("kept ", result->kept, " of ",
                           cli::Counted(static_cast<uint64_t>(result->kept + result->removed), "node"), " (",
                           cli::BytesText(size), ")"),
              absl::StrCat("{\"kept\": ", result->kept, ", \"removed\": ", result->removed,
                           ", \"dropped_colocations\": ", result->dropped_colocations,
                           ", \"pruned_functions\": ", result->pruned_functions, ", \"bytes\": ", size, "}"));
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("extract_sub_graph", cli::Family::kCpp,
                  "keeps what some nodes need, as tf.graph_util.extract_sub_graph does.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Extract(flags));
}

CRYOGRAPH_REGISTER_TOOL(extract_sub_graph, "Keeps what some nodes need.", Run);

}  // namespace
}  // namespace cryograph
