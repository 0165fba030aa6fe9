// saved_model_cli freeze: the graph of one signature with its variables as constants, by way of freeze_graph.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "graph/meta_graph.h"
#include "tools/cli.h"
#include "tools/saved_model_cli.h"
#include "tools/saved_model_files.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;

struct Flags {
  std::string dir, tag_set, signature_def = "serving_default", output_graph;
};

// What freeze_graph shall be called with.
absl::StatusOr<std::vector<std::string>> FreezeArguments(const Flags& flags) {
  if (flags.dir.empty()) return cli::UsageError("--dir must name the SavedModel's directory");
  if (flags.output_graph.empty())
    return cli::UsageError("--output_graph must say where the frozen graph goes (CG145)");
  ASSIGN_OR_RETURN(OpenedFile file, OpenSavedModel(flags.dir));
  ASSIGN_OR_RETURN(Model* const model, FindTagSet(file, flags.tag_set));
  ASSIGN_OR_RETURN(const tensorflow::MetaGraphDef meta_graph, MetaGraphOf(*model));
  const auto found = meta_graph.signature_def().find(flags.signature_def);
  if (found == meta_graph.signature_def().end()) {
    std::vector<std::string> keys;
    for (const auto& signature : meta_graph.signature_def()) keys.push_back(signature.first);
    std::sort(keys.begin(), keys.end());
    return absl::NotFoundError(absl::StrCat("Could not find signature \"", flags.signature_def,
                                            "\". Please choose from: ", absl::StrJoin(keys, ", ")));
  }
  std::set<std::string> nodes;
  for (const auto& output : found->second.outputs()) {
    const tensorflow::TensorInfo& info = output.second;
    if (info.name().empty()) {
      return absl::UnimplementedError(
          absl::StrCat("output '", output.first, "' of signature '", flags.signature_def,
                       "' is made of several tensors\ntry: freeze_graph with their nodes "
                       "as --output_node_names"));
    }
    nodes.emplace(NodeOfTensor(info.name()));
  }
  return std::vector<std::string>{
      absl::StrCat("--input_saved_model_dir=", flags.dir),
      absl::StrCat("--saved_model_tags=", absl::StrJoin(TagsOf(*model), ",")),
      absl::StrCat("--output_node_names=", absl::StrJoin(nodes, ",")),
      absl::StrCat("--output_graph=", flags.output_graph),
  };
}

}  // namespace

int RunSavedModelFreeze(absl::Span<const std::string> args) {
  Flags flags;
  Command command("saved_model_cli freeze", Family::kPython,
                  "freezes the graph of one signature of a SavedModel.");
  command.Usage("freeze --dir=DIR --output_graph=FILE [--tag_set=TAGS] [--signature_def=KEY]");
  command.Add(&flags.dir, "dir", "The SavedModel's directory.").Value("DIR").Path();
  command.Add(&flags.tag_set, "tag_set", "Tags of the MetaGraph, separated by commas.").Value("TAG,TAG…");
  command.Add(&flags.signature_def, "signature_def", "The signature whose outputs the graph shall give.")
      .Value("KEY");
  command.Add(&flags.output_graph, "output_graph", "Where the frozen graph goes.").Value("FILE").Path();
  if (std::optional<int> status = command.Parse(args)) return *status;
  const absl::StatusOr<std::vector<std::string>> arguments = FreezeArguments(flags);
  if (!arguments.ok()) return cli::Finish(arguments.status());
  for (const cli::Tool& tool : cli::Tools()) {
    if (absl::string_view(tool.name) == "freeze_graph") return tool.run(*arguments);
  }
  return cli::Finish(absl::InternalError("freeze_graph is not part of this program"));
}

}  // namespace cryograph
