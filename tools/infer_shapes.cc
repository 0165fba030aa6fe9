// infer_shapes: prints what shape every tensor of a model has.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/element_name.h"
#include "graph/op_schema.h"
#include "graph/set_input.h"
#include "graph/shape_inference.h"
#include "tools/graph_edit_flags.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::UsageError;

struct Flags {
  std::string in_graph, feeds;
  std::vector<std::string> files;
  GraphEditFlags edit;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("FILE [--feeds='NAME=1,224,224,3;…'] [--json]");
  command.Positionals(&flags.files, "FILE");
  command.Add(&flags.in_graph, "in_graph", "The model: in any container, binary or text.")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.feeds, "feeds",
           "Shapes of what will be fed, instead of what the graph says, separated by semicolons; ? is a "
           "dimension that is "
           "not known.")
      .Value("NAME=1,?,3;…");
  command
      .Add(&flags.edit.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, if it has several; separated by commas, in any order.")
      .Value("TAG,TAG…");
  command.Add(&flags.edit.json, "json", "Print JSON instead of lines.");
  command.Example("infer_shapes model.pb --feeds='image=1,224,224,3'",
                  "The shapes of one image's way through a model:");
  command.Epilogue(
      "What is printed",
      "A line for each output of each node: its name, its type, its shape, with ? for what is not known. "
      "Contradictions are errors, on stderr.");
  command.Epilogue("Exit status",
                   "0: no contradiction. 1: there are some. 2: wrong usage, or the file cannot be read.");
}

// Outputs beyond this of one node are not listed.
constexpr size_t kMostOutputs = 1024;

absl::StatusOr<bool> Infer(Flags& flags) {
  if (flags.in_graph.empty() && flags.files.size() == 1) flags.in_graph = flags.files[0];
  if (flags.in_graph.empty() || flags.files.size() > 1) return UsageError("infer_shapes takes one model");
  absl::StatusOr<Model> opened = OpenForEdit(flags.in_graph, flags.edit);
  if (!opened.ok()) return UsageError(opened.status().message());
  Model model = *std::move(opened);
  ShapeOptions options;
  for (const absl::string_view text : absl::StrSplit(flags.feeds, ';', absl::SkipWhitespace())) {
    ASSIGN_OR_RETURN(const auto pair, ParsePair(std::string(absl::StripAsciiWhitespace(text)), "--feeds"));
    absl::StatusOr<PartialShape> shape = ParsePartialShape(pair.second);
    if (!shape.ok()) return UsageError(absl::StrCat("--feeds: ", shape.status().message()));
    const absl::StatusOr<ElementName> name = ParseElementName(pair.first);
    if (!name.ok()) return UsageError(absl::StrCat("--feeds: ", name.status().message()));
    const Node node = model.graph().Find(name->node);
    if (!node) return UsageError(absl::StrCat("--feeds: ", NoSuchNode(model.graph(), name->node).message()));
    options.feeds[node.out(name->port)] = *std::move(shape);
  }
  const GraphShapes shapes = InferShapes(model, options);
  const OpRegistry registry(model);
  std::string out = flags.edit.json ? "{\"tensors\": [" : "";
  bool first = true;
  for (Node node : model.graph().nodes()) {
    const absl::StatusOr<std::vector<DataType>> types = registry.OutputTypes(node);
    if (!types.ok()) continue;
    for (size_t i = 0; i < std::min(types->size(), kMostOutputs); ++i) {
      const std::string tensor = absl::StrCat(node.name(), ":", i);
      const PartialShape& shape = shapes.shape(node.out(static_cast<int>(i)));
      if (!flags.edit.json) {
        absl::StrAppend(&out, tensor, " ", DataTypeName((*types)[i]), " ",
                        shape.unknown_rank ? "?" : PartialShapeText(shape), "\n");
      } else {
        std::string dims = "null";
        if (!shape.unknown_rank) {
          dims = "[";
          for (size_t k = 0; k < shape.dims.size(); ++k)
            absl::StrAppend(&dims, k == 0 ? "" : ", ", shape.dims[k]);
          dims += "]";
        }
        absl::StrAppend(&out, first ? "" : ", ", "{\"name\": ", cli::JsonString(tensor),
                        ", \"dtype\": ", cli::JsonString(DataTypeName((*types)[i])), ", \"shape\": ", dims,
                        "}");
      }
      first = false;
    }
    std::fwrite(out.data(), 1, out.size(), stdout);
    out.clear();
  }
  if (flags.edit.json) {
    out += "], \"conflicts\": [";
    for (size_t i = 0; i < shapes.conflicts().size(); ++i) {
      const ShapeConflict& conflict = shapes.conflicts()[i];
      absl::StrAppend(&out, i == 0 ? "" : ", ",
                      "{\"node\": ", cli::JsonString(model.graph().node(conflict.node).name()),
                      ", \"text\": ", cli::JsonString(conflict.text), "}");
    }
    out += "]}\n";
    std::fwrite(out.data(), 1, out.size(), stdout);
  } else {
    for (const ShapeConflict& conflict : shapes.conflicts()) {
      const Node node = model.graph().node(conflict.node);
      cli::PrintError(absl::InvalidArgumentError(
          absl::StrCat(flags.in_graph, ": node '", node.name(), "' (", node.op(), ") ", conflict.text)));
    }
  }
  return shapes.conflicts().empty();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("infer_shapes", cli::Family::kCpp, "prints the shape of every tensor of a model.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  const absl::StatusOr<bool> good = Infer(flags);
  const int status = cli::Finish(good.status());
  return good.ok() && !*good ? cli::kFailure : status;
}

CRYOGRAPH_REGISTER_TOOL(infer_shapes, "Prints the shape of every tensor.", Run);

}  // namespace
}  // namespace cryograph
