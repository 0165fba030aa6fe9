#include "graph/strip_unused.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/element_name.h"
#include "graph/op_schema.h"
#include "graph/shape_inference.h"

namespace cryograph {
namespace {

struct Cut {
  Node node;
  int port = 0;
  DataType dtype = DT_INVALID;
  PartialShape shape;
};

absl::StatusOr<Cut> Describe(Model& model, const OpRegistry& registry, const GraphShapes& shapes,
                             const StripInput& input) {
  ASSIGN_OR_RETURN(const ElementName name, ParseElementName(input.name));
  Cut cut;
  cut.node = model.graph().Find(name.node);
  cut.port = name.port;
  if (!cut.node) return NoSuchNode(model.graph(), name.node);
  const OpSchema* schema = registry.Find(cut.node.op());
  TypeRuns types;
  const bool known = schema != nullptr && ArgTypes(*schema, schema->outputs, cut.node, &types).ok();
  if (known && cut.port >= types.size()) {
    return absl::InvalidArgumentError(absl::StrCat("input '", input.name, "': node '", cut.node.name(), "' (",
                                                   cut.node.op(), ") has ", types.size(), " output(s)"));
  }
  cut.dtype = input.dtype ? *input.dtype : known ? BaseType(types.at(cut.port)) : DT_INVALID;
  if (cut.dtype == DT_INVALID) {
    return absl::InvalidArgumentError(absl::StrCat("the type of input '", input.name, "' (", cut.node.op(),
                                                   ") is not known, and must be given"));
  }
  cut.shape = shapes.shape(cut.node.out(cut.port));
  const std::vector<PartialShape> stated = cut.node.attr("_output_shapes").list_shape();
  if (cut.shape.unknown_rank && static_cast<size_t>(cut.port) < stated.size()) {
    cut.shape = stated[static_cast<size_t>(cut.port)];
  }
  return cut;
}

void MakePlaceholder(Graph& graph, Node node, const Cut& cut) {
  graph.SetAttr(node, "dtype", AttrType(cut.dtype));
  graph.SetAttr(node, "shape", AttrShape(cut.shape));
}

}  // namespace

absl::StatusOr<StripResult> StripUnused(Model& model, const std::vector<StripInput>& inputs,
                                        const std::vector<std::string>& outputs,
                                        const ExtractOptions& options) {
  Graph& graph = model.graph();
  const OpRegistry registry(model);
  const GraphShapes shapes = InferShapes(model);
  std::vector<Cut> cuts;
  for (const StripInput& input : inputs) {
    ASSIGN_OR_RETURN(Cut cut, Describe(model, registry, shapes, input));
    cuts.push_back(std::move(cut));
  }
  StripResult result;
  result.placeholders.resize(cuts.size());
  // Further outputs first: a node that is a Placeholder has but one.
  for (size_t i = 0; i < cuts.size(); ++i) {
    const Cut& cut = cuts[i];
    if (cut.port == 0) continue;
    ASSIGN_OR_RETURN(const Node placeholder,
                     graph.AddNode(graph.UniqueName(absl::StrCat(cut.node.name(), "_", cut.port)),
                                   "Placeholder", {}, cut.node));
    MakePlaceholder(graph, placeholder, cut);
    result.placeholders[i] = std::string(placeholder.name());
    const std::vector<Use> uses(cut.node.uses().begin(), cut.node.uses().end());
    for (const Use& use : uses) {
      if (use.slot == kControl || graph.node(use.user).input(use.slot).index != cut.port) continue;
      graph.SetInput(graph.node(use.user), use.slot, placeholder.out());
    }
  }
  std::vector<bool> replaced(graph.id_limit(), false);
  for (size_t i = 0; i < cuts.size(); ++i) {
    const Cut& cut = cuts[i];
    if (cut.port != 0 || replaced[static_cast<size_t>(cut.node.id())]) continue;
    replaced[static_cast<size_t>(cut.node.id())] = true;
    result.placeholders[i] = std::string(cut.node.name());
    const std::string shapes_attr(cut.node.attr("_output_shapes").bytes());
    graph.Clear(cut.node, "Placeholder");
    MakePlaceholder(graph, cut.node, cut);
    if (!shapes_attr.empty()) graph.SetAttr(cut.node, "_output_shapes", AttrShapeList({cut.shape}));
  }
  ASSIGN_OR_RETURN(result.extract, ExtractSubGraph(model, outputs, options));
  for (size_t i = 0; i < cuts.size(); ++i) {
    const Node node = graph.Find(result.placeholders[i]);
    if (!node) {
      result.warnings.push_back(absl::StrCat("the outputs do not need input '", inputs[i].name, "'"));
      continue;
    }
    for (const Use& use : node.uses()) {
      const int port = use.slot == kControl ? 0 : graph.node(use.user).input(use.slot).index;
      if (port == 0) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "node '", graph.node(use.user).name(), "' reads '", node.name(), ":", port,
          "', and an input has one output; list '", node.name(), ":", port, "' as an input, too"));
    }
  }
  return result;
}

}  // namespace cryograph
