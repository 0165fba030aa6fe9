#include "tools/reduce_cuts.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tools/constant_shrinking.h"
#include "tools/model_names.h"

namespace cryograph {

bool StripTo(Model& model, const std::vector<std::string>& outputs) {
  Graph& graph = model.graph();
  for (const std::string& output : outputs) {
    if (!graph.Find(NodeNameOf(output))) return false;
  }
  const std::vector<bool> needed = NeededNodes(graph, outputs);
  std::vector<NodeId> dead;
  for (Node node : graph.nodes()) {
    if (!needed[static_cast<uint32_t>(node.id())]) dead.push_back(node.id());
  }
  if (!graph.Erase(dead).ok()) return false;
  graph.FixColocations();
  return true;
}

bool CutNode(Graph& graph, Node node, Cut cut, const Described& described) {
  std::map<int32_t, std::vector<Use>> readers;
  for (const Use& use : node.uses()) {
    if (use.slot == kControl) continue;
    readers[graph.node(use.user).input(use.slot).index].push_back(use);
  }
  struct Leaf {
    std::vector<std::pair<std::string, std::string>> attrs;
    const std::vector<Use>* uses;
  };
  std::map<int32_t, Leaf> leaves;
  for (const auto& [index, uses] : readers) {
    Leaf& leaf = leaves[index];
    leaf.uses = &uses;
    if (cut == Cut::kPlaceholder) {
      const DataType type = described.Type(node, index);
      if (type == DT_INVALID || type == DT_RESOURCE || type == DT_VARIANT) return false;
      leaf.attrs.emplace_back("dtype", AttrType(type));
      const PartialShape shape = described.Shape(node, index);
      if (!shape.unknown_rank) leaf.attrs.emplace_back("shape", AttrShape(shape));
      continue;
    }
    const Tensor* const value = described.Value(node, index);
    if (value == nullptr) return false;
    const absl::StatusOr<std::string> proto = CompactTensorProto(*value);
    if (!proto.ok()) return false;
    leaf.attrs.emplace_back("dtype", AttrType(value->dtype));
    leaf.attrs.emplace_back("value", AttrTensor(*proto));
  }
  const char* const op = cut == Cut::kConst ? "Const" : "Placeholder";
  const std::string name(node.name());
  graph.Clear(node, leaves.count(0) > 0 ? op : "NoOp");
  for (const auto& [index, leaf] : leaves) {
    Node to = node;
    if (index != 0) {
      absl::StatusOr<Node> added =
          graph.AddNode(graph.UniqueName(absl::StrCat(name, "_", index)), op, {}, node);
      if (!added.ok()) return false;
      to = *added;
      for (const Use& use : *leaf.uses) graph.SetInput(graph.node(use.user), use.slot, to.out());
    }
    for (const auto& [key, value] : leaf.attrs) graph.SetAttr(to, key, value);
  }
  return true;
}

}  // namespace cryograph
