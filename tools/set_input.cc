// set_input: an input of a model gets another shape or type.
#include "graph/set_input.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "tools/graph_edit_flags.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::UsageError;

struct Flags {
  std::string in_graph, shapes, dtypes;
  bool cast = true;
  GraphEditFlags edit;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=FILE --out_graph=FILE [--shapes='NAME=1,224,224,3;…'] [--dtypes='NAME=uint8;…']");
  command.Section("Graph");
  command.Add(&flags.in_graph, "in_graph", "The model: in any container, binary or text.")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command.Section("Inputs");
  command
      .Add(&flags.shapes, "shapes",
           "New shapes of placeholders, separated by semicolons: ? or -1 is a dimension that is not known, * "
           "a shape that "
           "is not known at all, and nothing behind the = a scalar.")
      .Alias("shape")
      .Value("NAME=1,?,3;…");
  command.Add(&flags.dtypes, "dtypes", "New types of placeholders, separated by semicolons.")
      .Alias("dtype")
      .Value("NAME=TYPE;…");
  command.Add(&flags.cast, "cast",
              "Put a Cast behind an input whose type changes, so that the rest of the graph keeps its types; "
              "--nocast sets "
              "the type alone.");
  DeclareGraphEditFlags(flags.edit, command);
  command.Example("set_input --in_graph=model.pb --out_graph=one.pb --shapes='image=1,224,224,3'",
                  "Fix the batch:");
  command.Example("set_input --in_graph=model.pb --out_graph=bytes.pb --dtypes=image=uint8", "Feed bytes:");
  command.Epilogue("What follows",
                   "Shapes are inferred anew; where they contradict each other nothing is written, and the "
                   "first such node is named. "
                   "_output_shapes of what depends on the inputs, and their signatures (with "
                   "--output_format=meta), follow.");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made. 2: wrong usage. With 1 and 2 nothing is written.");
}

absl::StatusOr<std::vector<InputChange>> Changes(const Flags& flags) {
  std::vector<InputChange> changes;
  for (const absl::string_view text : absl::StrSplit(flags.shapes, ';', absl::SkipWhitespace())) {
    ASSIGN_OR_RETURN(const auto pair, ParsePair(std::string(absl::StripAsciiWhitespace(text)), "--shapes"));
    InputChange change;
    change.name = pair.first;
    absl::StatusOr<PartialShape> shape = ParsePartialShape(pair.second);
    if (!shape.ok()) return UsageError(absl::StrCat("--shapes: ", shape.status().message()));
    change.shape = *std::move(shape);
    changes.push_back(std::move(change));
  }
  for (const absl::string_view text : absl::StrSplit(flags.dtypes, ';', absl::SkipWhitespace())) {
    ASSIGN_OR_RETURN(const auto pair, ParsePair(std::string(absl::StripAsciiWhitespace(text)), "--dtypes"));
    InputChange change;
    change.name = pair.first;
    change.cast = flags.cast;
    DataType dtype = DT_INVALID;
    if (!ParseDataType(pair.second, &dtype) || IsRefType(dtype)) {
      return UsageError(absl::StrCat("--dtypes: '", pair.second, "' is no type"));
    }
    change.dtype = dtype;
    changes.push_back(std::move(change));
  }
  if (changes.empty()) return UsageError("--shapes or --dtypes must say what to set");
  return changes;
}

absl::Status Set(Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the model");
  ASSIGN_OR_RETURN(const std::vector<InputChange> changes, Changes(flags));
  ASSIGN_OR_RETURN(Model model, OpenForEdit(flags.in_graph, flags.edit));
  const absl::StatusOr<SetInputResult> result = SetInputs(model, changes);
  if (!result.ok()) {
    return absl::Status(result.status().code(),
                        absl::StrCat(flags.in_graph, ": ", result.status().message()));
  }
  ASSIGN_OR_RETURN(const uint64_t size, WriteEdited(model, flags.edit, {flags.in_graph}));
  PrintResult(flags.edit,
              absl::StrCat("set ", cli::Counted(changes.size(), "input"),
                           result->casts.empty()
                               ? ""
                               : absl::StrCat(", ", cli::Counted(result->casts.size(), "cast"), " added"),
                           "; ", result->shapes, " _output_shapes and ", result->signatures,
                           " entries of signatures followed (", cli::BytesText(size), ")"),
              absl::StrCat("{\"inputs\": ", changes.size(), ", \"casts\": ", JsonList(result->casts),
                           ", \"output_shapes\": ", result->shapes, ", \"signatures\": ", result->signatures,
                           ", \"bytes\": ", size, "}"));
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("set_input", cli::Family::kCpp, "gives inputs of a model another shape or type.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Set(flags));
}

CRYOGRAPH_REGISTER_TOOL(set_input, "Gives inputs another shape or type.", Run);

}  // namespace
}  // namespace cryograph
