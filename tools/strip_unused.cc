// strip_unused: TensorFlow's tool of that name, with its flags.
#include "graph/strip_unused.h"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "tools/graph_edit_flags.h"
#include "tools/model_names.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::PrintWarning;
using cli::UsageError;

struct Flags {
  std::string input_graph;
  bool input_binary = false, output_binary = true, drop_colocation = false, prune_functions = false;
  std::vector<std::string> inputs, outputs, types;
  GraphEditFlags edit;
};

void Declare(Flags& flags, Command& command) {
  command.Usage(
      "--input_graph=FILE --output_graph=FILE --input_node_names=NAME,… --output_node_names=NAME,…");
  command.Section("Graph");
  command.Add(&flags.input_graph, "input_graph", "The graph: in any container, binary or text.")
      .Value("FILE")
      .Path();
  command.Add(&flags.input_binary, "input_binary",
              "What TensorFlow's tool needs to be told: that the input is binary. Here the content decides.");
  command
      .Add(&flags.edit.out_graph, "output_graph",
           "Where the result goes; - is stdout. The file appears when it is whole, and an old one stays on "
           "any error.")
      .Value("FILE")
      .Path();
  command.Add(&flags.output_binary, "output_binary", "Write binary; --nooutput_binary writes text.");
  command
      .Add(&flags.inputs, "input_node_names",
           "Nodes that become placeholders, and what is behind them goes. x:1 is output 1 of x, whose "
           "placeholder is x_1.")
      .Value("NAME,NAME…");
  command.Add(&flags.outputs, "output_node_names", "Nodes that are kept, with all that they need.")
      .Value("NAME,NAME…");
  command
      .Add(&flags.types, "placeholder_type_enum",
           "Types of the placeholders: one for all, one for each in the order of --input_node_names, or "
           "name=type; a name "
           "or a number of DataType. Without it each has the type of what it replaces. (TensorFlow's tool "
           "makes them all "
           "float.)")
      .Value("TYPE,…");
  command.Section("Extensions");
  command
      .Add(&flags.drop_colocation, "drop_colocation",
           "Do not keep a node because another is colocated with it.")
      .Extension();
  command.Add(&flags.prune_functions, "prune_functions", "Drop functions that nothing leads to any more.")
      .Extension();
  command.Add(&flags.edit.in_place, "in_place", "--output_graph may be the file that is read.").Extension();
  command
      .Add(&flags.edit.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, if it has several.")
      .Value("TAG,TAG…")
      .Extension();
  command
      .Add(&flags.edit.verify, "verify",
           "Check that TensorFlow can load the result, as lint does, before it is written; --verify=off "
           "skips that.")
      .Extension();
  command.Add(&flags.edit.json, "json", "Print what was done as JSON on stdout.").Extension();
  command.Example(
      "strip_unused --input_graph=frozen.pb --output_graph=lean.pb --input_node_names=DecodeJpeg \\\n"
      "  --output_node_names=softmax",
      "Start behind the decoder:");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made. 2: wrong usage. With 1 and 2 nothing is written. "
      "(TensorFlow's tool ends with 0 when the file or the outputs are missing.)");
}

bool ParseType(const std::string& text, DataType* dtype) {
  int number = 0;
  if (absl::SimpleAtoi(text, &number)) {
    *dtype = static_cast<DataType>(number);
    return IsKnownDataType(*dtype);
  }
  return ParseDataType(text, dtype) && !IsRefType(*dtype);
}

absl::StatusOr<std::vector<StripInput>> Inputs(const Flags& flags) {
  std::vector<StripInput> inputs;
  for (const std::string& name : flags.inputs) inputs.push_back({name, absl::nullopt});
  size_t next = 0;
  for (const std::string& text : flags.types) {
    const size_t equals = text.find('=');
    DataType dtype = DT_INVALID;
    if (!ParseType(equals == std::string::npos ? text : text.substr(equals + 1), &dtype)) {
      return UsageError(absl::StrCat("--placeholder_type_enum: '", text, "' is no type"));
    }
    if (equals == std::string::npos) {
      if (next >= inputs.size())
        return UsageError("--placeholder_type_enum has more types than there are inputs");
      inputs[next++].dtype = dtype;
      continue;
    }
    bool found = false;
    for (StripInput& input : inputs) {
      if (input.name != text.substr(0, equals)) continue;
      input.dtype = dtype;
      found = true;
    }
    if (!found) {
      return UsageError(absl::StrCat("--placeholder_type_enum: '", text.substr(0, equals), "' is no input"));
    }
  }
  if (next == 1 && flags.types.size() == 1) {
    for (StripInput& input : inputs) input.dtype = inputs[0].dtype;
  } else if (next > 0 && next < inputs.size()) {
    return UsageError(
        absl::StrCat("--placeholder_type_enum has ", next, " types for ", inputs.size(), " inputs"));
  }
  return inputs;
}

absl::Status Strip(Flags& flags) {
  if (flags.input_graph.empty()) return UsageError("--input_graph must name the graph");
  if (!flags.output_binary) flags.edit.output_as_text = true;
  flags.edit.format = flags.output_binary ? "pb" : "pbtxt";
  ASSIGN_OR_RETURN(Model model, OpenForEdit(flags.input_graph, flags.edit));
  if (flags.outputs.empty()) return NoOutputsGiven(model, "--output_node_names");
  if (flags.inputs.empty()) return UsageError("--input_node_names must name the inputs");
  ASSIGN_OR_RETURN(const std::vector<StripInput> inputs, Inputs(flags));
  RETURN_IF_ERROR(CheckNodesExist(model, flags.inputs, "--input_node_names"));
  RETURN_IF_ERROR(CheckNodesExist(model, flags.outputs, "--output_node_names"));
  ExtractOptions options;
  options.drop_colocation = flags.drop_colocation;
  options.prune_functions = flags.prune_functions;
  const absl::StatusOr<StripResult> result = StripUnused(model, inputs, flags.outputs, options);
  if (!result.ok()) {
    return absl::Status(result.status().code(),
                        absl::StrCat(flags.input_graph, ": ", result.status().message()));
  }
  for (const std::string& warning : result->warnings) PrintWarning(warning);
  ASSIGN_OR_RETURN(const uint64_t size, WriteEdited(model, flags.edit, {flags.input_graph}));
  if (flags.edit.json) {
    PrintResult(
        flags.edit, "",
        absl::StrCat("{\"kept\": ", result->extract.kept, ", \"removed\": ", result->extract.removed,
                     ", \"placeholders\": ", JsonList(result->placeholders), ", \"bytes\": ", size, "}"));
  } else if (flags.edit.out_graph != "-") {
    std::printf("%d ops in the final graph.\n", result->extract.kept);
  }
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("strip_unused", cli::Family::kPython,
                  "cuts a graph off at its inputs and keeps what its outputs need.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Strip(flags));
}

CRYOGRAPH_REGISTER_TOOL(strip_unused, "Keeps what lies between inputs and outputs.", Run);

}  // namespace
}  // namespace cryograph
