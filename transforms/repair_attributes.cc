// What attributes say that is not true (any more): of colocations, shapes, and a release.
#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "transforms/repair.h"

namespace cryograph {
namespace {

void RepairColocation(Graph& graph, Node node, RepairLog& log) {
  const AttrView attr = node.attr("_class");
  if (attr.kind() != AttrView::kList) return;
  std::vector<std::string> kept, gone;
  for (absl::string_view entry : attr.list_s()) {
    absl::string_view name = entry;
    const bool stale = absl::ConsumePrefix(&name, "loc:@") && !graph.Find(name);
    (stale ? gone : kept).emplace_back(stale ? name : entry);
  }
  if (gone.empty()) return;
  if (kept.empty()) {
    graph.RemoveAttr(node, "_class");
  } else {
    graph.SetAttr(node, "_class", AttrStringList(kept));
  }
  log.Add("colocation", node, absl::StrCat("is no longer colocated with '", absl::StrJoin(gone, "', '"), "'"),
          "no node of that name is there, and TensorFlow refuses to load the graph");
}

// Whether both may be said of one tensor.
bool Agree(const PartialShape& a, const PartialShape& b) {
  if (a.unknown_rank || b.unknown_rank) return true;
  if (a.dims.size() != b.dims.size()) return false;
  for (size_t i = 0; i < a.dims.size(); ++i) {
    if (a.dims[i] >= 0 && b.dims[i] >= 0 && a.dims[i] != b.dims[i]) return false;
  }
  return true;
}

// Empty if _output_shapes may be right.
std::string ShapeFault(Node node, const OpRegistry& registry, const std::vector<PartialShape>& shapes) {
  const absl::StatusOr<std::vector<DataType>> types = registry.OutputTypes(node);
  if (types.ok() && types->size() != shapes.size()) {
    return absl::StrCat("it lists ", shapes.size(), " shapes for ", types->size(), " outputs");
  }
  // While says its shapes a second time, and freezing writes only these anew.
  const std::vector<PartialShape> stated = node.attr("output_shapes").list_shape();
  for (size_t i = 0; i < stated.size() && stated.size() == shapes.size(); ++i) {
    if (!Agree(shapes[i], stated[i])) {
      return absl::StrCat("it says ", PartialShapeText(shapes[i]), " of output ", i,
                          ", and output_shapes says ", PartialShapeText(stated[i]));
    }
  }
  if (node.op() != "Const" || shapes.size() != 1 || shapes[0].unknown_rank) return "";
  const AttrView value = node.attr("value");
  if (value.kind() != AttrView::kTensor) return "";
  std::vector<int64_t> dims;
  if (value.tensor_source() != nullptr) {
    dims = value.tensor_source()->dims();
  } else {
    const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(value.tensor_bytes());
    if (!header.ok() || header->unknown_rank) return "";
    dims = header->dims;
  }
  bool agrees = dims.size() == shapes[0].dims.size();
  for (size_t i = 0; agrees && i < dims.size(); ++i) {
    agrees = shapes[0].dims[i] < 0 || shapes[0].dims[i] == dims[i];
  }
  return agrees
             ? ""
             : absl::StrCat("it says ", PartialShapeText(shapes[0]), ", and the value is ", ShapeText(dims));
}

void RepairOutputShapes(Graph& graph, Node node, const OpRegistry& registry, RepairLog& log) {
  const AttrView attr = node.attr("_output_shapes");
  if (attr.kind() == AttrView::kNone) return;
  const std::string fault = ShapeFault(node, registry, attr.list_shape());
  if (fault.empty()) return;
  graph.RemoveAttr(node, "_output_shapes");
  log.Add("output_shapes", node, "_output_shapes removed", fault);
}

void RepairForTarget(Graph& graph, Node node, Release target, RepairLog& log) {
  const OpSchema* const old = FindOp(node.op(), target);
  const OpSchema* const newest = FindOp(node.op());
  if (old == nullptr || newest == nullptr) return;
  std::vector<std::string> gone;
  for (absl::string_view key : node.attr_keys()) {
    if (absl::StartsWith(key, "_") || old->FindAttr(key) != nullptr) continue;
    const AttrSchema* const schema = newest->FindAttr(key);
    if (schema != nullptr && schema->has_default && schema->default_value == node.attr(key).bytes()) {
      gone.emplace_back(key);
    }
  }
  for (const std::string& key : gone) graph.RemoveAttr(node, key);
  if (!gone.empty()) {
    log.Add("attribute", node, absl::StrCat("attribute ", absl::StrJoin(gone, ", "), " removed"),
            "the target release does not know it, and it says what is the default");
  }
}

}  // namespace

void RepairAttributes(Graph& graph, const OpRegistry& registry, const RepairOptions& options,
                      RepairLog& log) {
  for (Node node : graph.nodes()) {
    RepairColocation(graph, node, log);
    RepairOutputShapes(graph, node, registry, log);
    if (options.target) RepairForTarget(graph, node, *options.target, log);
  }
}

}  // namespace cryograph
