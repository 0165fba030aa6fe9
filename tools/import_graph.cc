// import_graph: puts a graph into another one, as tf.import_graph_def does.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/import_into.h"
#include "tools/graph_edit_flags.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::string in_graph, target_graph, prefix = "import", producer_op_list, consumer;
  std::vector<std::string> input_map, return_elements;
  bool rename_functions = false, keep_output_shapes = false;
  GraphEditFlags edit;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=FILE --target_graph=FILE --out_graph=FILE [--prefix=NAME] [--input_map=X=Y:0,…]");
  command.Section("Graphs");
  command.Add(&flags.in_graph, "in_graph", "The graph that is imported: in any container, binary or text.")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.target_graph, "target_graph",
           "The graph that it is imported into, which comes first in the result. Without one it is an empty "
           "graph, so "
           "that the imported nodes just get the prefix.")
      .Value("FILE")
      .Path();
  command.Section("Import");
  command
      .Add(&flags.prefix, "prefix",
           "Imported nodes are named prefix/name. Empty: they keep their names, and a name that is taken "
           "gets _1. If the "
           "target has a node of the prefix's name or below it, the prefix gets _1, unless it ends with a "
           "slash.")
      .Alias("name")
      .Value("NAME");
  command
      .Add(&flags.input_map, "input_map",
           "What imported nodes read instead: x=y:0 of the target for x:0 of the imported graph, ^a=^b for "
           "control "
           "inputs.")
      .Value("X=Y,…");
  command
      .Add(&flags.return_elements, "return_elements",
           "Nodes or tensors of the imported graph; their names in the result are printed on stdout, one a "
           "line.")
      .Value("NAME,NAME…");
  command
      .Add(&flags.producer_op_list, "producer_op_list",
           "A MetaGraph whose stripped_op_list says what the ops were like when the graph was made; \"self\" "
           "is that of "
           "--in_graph. Attributes that --consumer does not know go, if they hold the default.")
      .Value("FILE|self");
  command.Add(&flags.consumer, "consumer", "The release that the result is for.")
      .Choices({"", "1.15", "2.21"});
  command.Add(&flags.rename_functions, "rename_functions",
              "Functions that differ from the target's of the same name are renamed instead of refused.");
  command.Add(&flags.keep_output_shapes, "keep_output_shapes",
              "Keep the attribute _output_shapes of imported nodes. TensorFlow drops it.");
  DeclareGraphEditFlags(flags.edit, command);
  command.Example(
      "import_graph --target_graph=preprocess.pb --in_graph=model.pb --out_graph=both.pb \\\n"
      "  --prefix=model --input_map=image=resized:0 --return_elements=softmax:0",
      "Put preprocessing in front of a model:");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made. 2: wrong usage. With 1 and 2 nothing is written.");
}

// stripped_op_list of a MetaGraph: MetaInfoDef is field 1, the list field 2 in it.
std::string StrippedOpList(const Model& model) {
  std::string list;
  WireReader reader(model.MetaField(1));
  for (WireField field; reader.Next(&field);) {
    if (field.number == 2 && field.type == WireType::kBytes)
      list.append(field.bytes.data(), field.bytes.size());
  }
  return list;
}

absl::Status Import(Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the graph to import");
  ImportIntoOptions options;
  options.prefix = flags.prefix;
  options.return_elements = flags.return_elements;
  options.rename_functions = flags.rename_functions;
  options.keep_output_shapes = flags.keep_output_shapes;
  Release release = Release::k2_21;
  if (!flags.consumer.empty() && ParseRelease(flags.consumer, &release)) options.consumer = release;
  for (const std::string& pair : flags.input_map) {
    ASSIGN_OR_RETURN(auto entry, ParsePair(pair, "--input_map"));
    options.input_map.push_back(std::move(entry));
  }
  ASSIGN_OR_RETURN(Model source, OpenForEdit(flags.in_graph, flags.edit));
  if (!flags.producer_op_list.empty()) {
    if (flags.producer_op_list == "self") {
      options.producer_op_list = StrippedOpList(source);
    } else {
      ASSIGN_OR_RETURN(const Model producer, OpenForEdit(flags.producer_op_list, flags.edit));
      options.producer_op_list = StrippedOpList(producer);
    }
    if (options.producer_op_list.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(flags.producer_op_list == "self" ? flags.in_graph : flags.producer_op_list,
                       ": has no stripped_op_list"));
    }
  }
  Model target;
  if (flags.target_graph.empty()) {
    target.set_versions(source.versions());
  } else {
    ASSIGN_OR_RETURN(target, OpenForEdit(flags.target_graph, flags.edit));
  }
  absl::StatusOr<ImportIntoResult> result = ImportInto(target, source, options);
  if (!result.ok()) {
    return absl::Status(result.status().code(),
                        absl::StrCat(flags.in_graph, ": ", result.status().message()));
  }
  for (const std::string& frame : result->renamed_frames) {
    PrintNote(absl::StrCat(
        "both graphs have a loop of the name of its frame, so the imported one's is renamed: ", frame));
  }
  for (const auto& [from, to] : result->renamed_functions) {
    PrintNote(
        absl::StrCat("function '", from, "' differs from the target's, so it is imported as '", to, "'"));
  }
  ASSIGN_OR_RETURN(const uint64_t size,
                   WriteEdited(target, flags.edit, {flags.in_graph, flags.target_graph}));
  std::vector<std::string> renamed;
  for (const auto& [from, to] : result->renamed_nodes) renamed.push_back(absl::StrCat(from, " -> ", to));
  PrintResult(flags.edit,
              absl::StrCat("imported ", cli::Counted(static_cast<uint64_t>(result->nodes), "node"),
                           result->prefix.empty() ? "" : absl::StrCat(" under ", result->prefix, "/"), "; ",
                           cli::Counted(static_cast<uint64_t>(target.graph().num_nodes()), "node"),
                           " in all (", cli::BytesText(size), ")"),
              absl::StrCat("{\"prefix\": ", cli::JsonString(result->prefix),
                           ", \"imported\": ", result->nodes, ", \"nodes\": ", target.graph().num_nodes(),
                           ", \"return_elements\": ", JsonList(result->return_elements),
                           ", \"renamed_nodes\": ", JsonList(renamed),
                           ", \"renamed_frames\": ", JsonList(result->renamed_frames),
                           ", \"shared_functions\": ", result->shared_functions,
                           ", \"stripped_attrs\": ", result->stripped_attrs, ", \"bytes\": ", size, "}"));
  if (!flags.edit.json && flags.edit.out_graph != "-") {
    for (const std::string& name : result->return_elements) std::printf("%s\n", name.c_str());
  }
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("import_graph", cli::Family::kCpp,
                  "puts a graph into another one, as tf.import_graph_def does.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Import(flags));
}

CRYOGRAPH_REGISTER_TOOL(import_graph, "Puts a graph into another one, under a prefix.", Run);

}  // namespace
}  // namespace cryograph
