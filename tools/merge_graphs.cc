// merge_graphs: several models become one, side by side.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/import_into.h"
#include "tools/graph_edit_flags.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::vector<std::string> models, input_map;
  bool refuse_different_functions = false;
  GraphEditFlags edit;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("PREFIX=FILE PREFIX=FILE … --out_graph=FILE [--input_map=B/X=A/Y:0,…]");
  command.Positionals(&flags.models, "[PREFIX=]FILE…");
  command.Section("Joining");
  command
      .Add(&flags.input_map, "input_map",
           "Inputs of a later model that are outputs of an earlier one, both by their names in the result: "
           "b/image=a/crop:0.")
      .Value("X=Y,…");
  command.Add(&flags.refuse_different_functions, "refuse_different_functions",
              "Refuse models with functions of one name that differ, instead of renaming the later one's.");
  DeclareGraphEditFlags(flags.edit, command);
  command.Example(
      "merge_graphs detect=detector.pb read=reader.pb --out_graph=both.pb \\\n"
      "  --input_map=read/image=detect/crop:0",
      "Put a reader behind a detector:");
  command.Epilogue(
      "What is joined",
      "Each model's nodes get its prefix; a model without one keeps its names, and names that are taken get "
      "_1. Equal "
      "functions are one. Variables, tables and queues that two models call by the same shared_name stay "
      "apart, and so "
      "do loops of the same name. The result is of the oldest producer version among them and of the newest "
      "min_consumer. What MetaGraphs say beside their graphs is left out.");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made. 2: wrong usage. With 1 and 2 nothing is written.");
}

struct Part {
  std::string prefix, path;
};

absl::StatusOr<std::vector<Part>> Parts(const std::vector<std::string>& words) {
  if (words.size() < 2)
    return UsageError(
        "merge_graphs takes at least two models\ntry: merge_graphs a=A.pb b=B.pb --out_graph=OUT");
  std::vector<Part> parts;
  std::set<std::string> prefixes;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    Part part;
    part.prefix = equals == std::string::npos ? "" : word.substr(0, equals);
    part.path = cli::ExpandHome(equals == std::string::npos ? word : word.substr(equals + 1));
    if (part.path.empty()) return UsageError(absl::StrCat("'", word, "' names no file"));
    if (!part.prefix.empty() && !prefixes.insert(part.prefix).second) {
      return UsageError(absl::StrCat("two models have the prefix '", part.prefix, "'"));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

// The entries of --input_map that are about the model with `prefix`, without it.
absl::Status TakeInputMap(const std::string& prefix, std::vector<std::pair<std::string, std::string>>* left,
                          ImportIntoOptions* options) {
  std::vector<std::pair<std::string, std::string>> others;
  for (auto& [from, to] : *left) {
    const bool control = absl::StartsWith(from, "^");
    const std::string name = from.substr(control ? 1 : 0);
    if (!prefix.empty() && absl::StartsWith(name, prefix + "/")) {
      options->input_map.emplace_back((control ? "^" : "") + name.substr(prefix.size() + 1), to);
    } else {
      others.emplace_back(std::move(from), std::move(to));
    }
  }
  *left = std::move(others);
  return absl::OkStatus();
}

absl::Status Merge(Flags& flags) {
  ASSIGN_OR_RETURN(const std::vector<Part> parts, Parts(flags.models));
  std::vector<std::pair<std::string, std::string>> input_map;
  for (const std::string& pair : flags.input_map) {
    ASSIGN_OR_RETURN(auto entry, ParsePair(pair, "--input_map"));
    input_map.push_back(std::move(entry));
  }
  Model merged;
  std::vector<std::string> paths, lines;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    ASSIGN_OR_RETURN(Model model, OpenForEdit(part.path, flags.edit));
    if (!model.meta_fields.empty()) {
      PrintNote(absl::StrCat(part.path,
                             " says more than its graph (signatures, collections, saver); only the graph is "
                             "merged"));
    }
    if (i == 0) merged.set_versions(model.versions());
    ImportIntoOptions options;
    options.prefix = part.prefix.empty() ? "" : part.prefix + "/";
    options.rename_functions = !flags.refuse_different_functions;
    options.separate_resources = true;
    options.keep_output_shapes = true;
    RETURN_IF_ERROR(TakeInputMap(part.prefix, &input_map, &options));
    const absl::StatusOr<ImportIntoResult> result = ImportInto(merged, model, options);
    if (!result.ok()) {
      return absl::Status(result.status().code(), absl::StrCat(part.path, ": ", result.status().message()));
    }
    for (const auto& [from, to] : result->renamed_functions) {
      PrintNote(absl::StrCat(part.path, ": function '", from, "' differs from an earlier one and is '", to,
                             "' now"));
    }
    for (const std::string& each : result->renamed_resources) {
      PrintNote(
          absl::StrCat(part.path, ": shared_name is used by an earlier model, so it is renamed: ", each));
    }
    for (const std::string& each : result->renamed_frames) {
      PrintNote(absl::StrCat(part.path, ": a loop has the name of an earlier one, so it is renamed: ", each));
    }
    std::vector<std::string> renamed;
    for (const auto& [from, to] : result->renamed_nodes) renamed.push_back(absl::StrCat(from, " -> ", to));
    if (!renamed.empty()) {
      PrintNote(absl::StrCat(part.path, ": ", cli::Counted(renamed.size(), "node"),
                             " renamed, since the names were taken: ", renamed[0],
                             renamed.size() > 1 ? ", …" : ""));
    }
    paths.push_back(part.path);
    lines.push_back(absl::StrCat("{\"prefix\": ", cli::JsonString(result->prefix),
                                 ", \"path\": ", cli::JsonString(part.path), ", \"nodes\": ", result->nodes,
                                 ", \"renamed_nodes\": ", JsonList(renamed),
                                 ", \"shared_functions\": ", result->shared_functions, "}"));
  }
  if (!input_map.empty()) {
    return UsageError(absl::StrCat("--input_map: '", input_map[0].first, "' is below no model's prefix"));
  }
  ASSIGN_OR_RETURN(const uint64_t size, WriteEdited(merged, flags.edit, paths));
  PrintResult(flags.edit,
              absl::StrCat("merged ", parts.size(), " models into ",
                           cli::Counted(static_cast<uint64_t>(merged.graph().num_nodes()), "node"), " (",
                           cli::BytesText(size), ")"),
              absl::StrCat("{\"models\": [", absl::StrJoin(lines, ", "), "], \"nodes\": ",
                           merged.graph().num_nodes(), ", \"functions\": ", merged.functions().size(),
                           ", \"producer\": ", merged.versions().producer, ", \"bytes\": ", size, "}"));
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("merge_graphs", cli::Family::kCpp, "puts several models side by side into one graph.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Merge(flags));
}

CRYOGRAPH_REGISTER_TOOL(merge_graphs, "Several models become one, side by side.", Run);

}  // namespace
}  // namespace cryograph
