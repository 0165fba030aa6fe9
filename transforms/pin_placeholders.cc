#include "transforms/pin_placeholders.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/frames.h"
#include "transforms/scalar_values.h"

namespace cryograph {
namespace {

bool IsPlaceholder(Node node) {
  return node.op() == "Placeholder" || node.op() == "PlaceholderV2" || node.op() == "PlaceholderWithDefault";
}

absl::Status NoSuchPlaceholder(Graph& graph, absl::string_view name) {
  std::vector<absl::string_view> names;
  std::vector<std::string> switches;
  for (Node node : graph.nodes()) {
    if (!IsPlaceholder(node)) continue;
    names.push_back(node.name());
    if (node.attr("dtype", DT_INVALID) == DT_BOOL && switches.size() < 8) switches.emplace_back(node.name());
  }
  std::string message = absl::StrCat("the graph has no placeholder '", name, "'",
                                     DidYouMean(NearestNames(name, names)), " (CG133)");
  if (!switches.empty()) {
    absl::StrAppend(&message, "\nwhy: its placeholders of type bool are ", absl::StrJoin(switches, ", "));
  } else if (names.empty()) {
    absl::StrAppend(&message, "\nwhy: it has no placeholder at all");
  } else {
    names.resize(std::min<size_t>(names.size(), 8));
    absl::StrAppend(&message, "\nwhy: it has no placeholder of type bool; of others it has ",
                    absl::StrJoin(names, ", "));
  }
  return absl::NotFoundError(message);
}

// A scalar if nothing is said of the shape.
absl::StatusOr<std::vector<int64_t>> ShapeOfPlaceholder(Node node) {
  const AttrView attr = node.attr("shape");
  if (attr.kind() != AttrView::kShape) return std::vector<int64_t>();
  const PartialShape shape = attr.shape();
  if (shape.unknown_rank) return std::vector<int64_t>();
  if (std::any_of(shape.dims.begin(), shape.dims.end(), [](int64_t dim) { return dim < 0; })) {
    return absl::InvalidArgumentError(
        absl::StrCat("placeholder '", node.name(), "' cannot become a constant: its shape ",
                     PartialShapeText(shape), " is not known\ntry: set the shape of the input first"));
  }
  return shape.dims;
}

absl::StatusOr<Tensor> ValueFor(Node node, absl::string_view text) {
  ASSIGN_OR_RETURN(std::vector<int64_t> dims, ShapeOfPlaceholder(node));
  absl::StatusOr<Tensor> value = TensorFromText(text, node.attr("dtype", DT_INVALID), std::move(dims));
  if (value.ok()) return value;
  return absl::Status(value.status().code(),
                      absl::StrCat("placeholder '", node.name(), "': ", value.status().message()));
}

}  // namespace

absl::StatusOr<std::pair<std::string, std::string>> ParsePinnedValue(absl::string_view text) {
  const size_t equals = text.find('=');
  const absl::string_view name = absl::StripAsciiWhitespace(text.substr(0, equals));
  if (equals == absl::string_view::npos || name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not of the form NAME=VALUE, such as is_training=false"));
  }
  return std::make_pair(std::string(name), std::string(text.substr(equals + 1)));
}

absl::Status PinPlaceholders(Graph& graph, const PinnedValues& values) {
  if (values.empty()) return absl::OkStatus();
  std::vector<std::pair<Node, std::string>> constants;  // With the encoded value.
  for (const auto& [text, value] : values) {
    absl::string_view name = text;
    absl::ConsumeSuffix(&name, ":0");
    const Node node = graph.Find(name);
    if (!node) return NoSuchPlaceholder(graph, name);
    if (!IsPlaceholder(node)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' is no placeholder but a node of op ", node.op(), " (CG133)"));
    }
    for (const auto& [other, encoded] : constants) {
      if (other == node) {
        return absl::InvalidArgumentError(absl::StrCat("placeholder '", name, "' is given two values"));
      }
    }
    ASSIGN_OR_RETURN(const Tensor tensor, ValueFor(node, value));
    ASSIGN_OR_RETURN(std::string proto, EncodeTensorProto(tensor));
    constants.emplace_back(node, AttrTensor(proto));
  }
  const FrameInfo frames = FrameInfo::Analyze(graph);
  for (auto& [node, value] : constants) {
    // A default that comes from a loop or a branch held the placeholder there.
    const Node anchor = frames.Anchor(node);
    const DataType dtype = node.attr("dtype", DT_INVALID);
    while (node.num_inputs() > 0) graph.RemoveInput(node, node.num_inputs() - 1);
    if (anchor) graph.AddControlInput(node, anchor);
    std::vector<std::string> gone;
    for (absl::string_view key : node.attr_keys()) gone.emplace_back(key);
    for (const std::string& key : gone) graph.RemoveAttr(node, key);
    graph.SetOp(node, "Const");
    graph.SetAttr(node, "dtype", AttrType(dtype));
    graph.SetAttr(node, "value", std::move(value));
  }
  return absl::OkStatus();
}

}  // namespace cryograph
