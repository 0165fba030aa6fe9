// remove_training_nodes: TensorFlow's function of that name (tf.graph_util) as a tool.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "tools/graph_edit_flags.h"
#include "tools/model_names.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::UsageError;

struct Flags {
  std::string in_graph;
  std::vector<std::string> protected_nodes;
  GraphEditFlags edit;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=FILE --out_graph=FILE --protected_nodes=NAME,…");
  command.Section("Graph");
  command.Add(&flags.in_graph, "in_graph", "The graph: in any container, binary or text.")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command
      .Add(
          &flags.protected_nodes, "protected_nodes",
          "Nodes (or tensors) that stay, such as the graph's outputs. What the model's signatures name stays "
          "in any case.")
      .Alias("output_node_names")
      .Value("NAME,NAME…");
  DeclareGraphEditFlags(flags.edit, command);
  command.Example("remove_training_nodes --in_graph=frozen.pb --out_graph=lean.pb --protected_nodes=softmax",
                  "Before a graph is optimized:");
  command.Epilogue(
      "What goes",
      "CheckNumerics, wherever it is; Identity and StopGradient nodes that wait for nothing and that "
      "nothing waits for. Their readers read what they read. See the pass of the same name in "
      "docs/passes.md.");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made. 2: wrong usage. With 1 and 2 nothing is written.");
}

absl::Status Remove(Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the graph");
  ASSIGN_OR_RETURN(Model model, OpenForEdit(flags.in_graph, flags.edit));
  RETURN_IF_ERROR(CheckNodesExist(model, flags.protected_nodes, "--protected_nodes"));
  ASSIGN_OR_RETURN(PassManager manager, PassManager::Parse("remove_training_nodes"));
  PassOptions options;
  for (const std::string& name : flags.protected_nodes) options.keep.emplace_back(NodeNameOf(name));
  if (options.keep.empty()) options.keep = LikelyOutputs(model);
  PassContext context(&model, options);
  const int before = model.graph().num_nodes();
  const absl::Status status = manager.Run(model, context);
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat(flags.in_graph, ": ", status.message()));
  }
  for (const std::string& warning : context.run_report().AllWarnings()) cli::PrintWarning(warning);
  ASSIGN_OR_RETURN(const uint64_t size, WriteEdited(model, flags.edit, {flags.in_graph}));
  const int removed = before - model.graph().num_nodes();
  PrintResult(flags.edit,
              absl::StrCat("removed ", removed, " of ", cli::Counted(static_cast<uint64_t>(before), "node"),
                           " (", cli::BytesText(size), ")"),
              absl::StrCat("{\"removed\": ", removed, ", \"kept\": ", before - removed,
                           ", \"protected\": ", JsonList(options.keep), ", \"bytes\": ", size, "}"));
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("remove_training_nodes", cli::Family::kPython,
                  "takes out nodes that only training needs, as tf.graph_util.remove_training_nodes does.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Remove(flags));
}

CRYOGRAPH_REGISTER_TOOL(remove_training_nodes, "Takes out CheckNumerics and plain Identity nodes.", Run);

}  // namespace
}  // namespace cryograph
