#include "tools/reduce_model.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "graph/op_schema.h"
#include "graph/shape_inference.h"
#include "graph/topological_order.h"
#include "tools/constant_shrinking.h"
#include "tools/delta_debugging.h"
#include "tools/model_names.h"

namespace cryograph {
namespace {

using Names = std::vector<std::string>;
enum class Cut { kPlaceholder, kConst };

bool IsLeaf(Node node) { return node.op() == "Placeholder" || node.op() == "Const" || node.op() == "NoOp"; }

Names Without(const Names& all, const Names& some) {
  const std::set<std::string> out(some.begin(), some.end());
  Names rest;
  for (const std::string& each : all) {
    if (out.count(each) == 0) rest.push_back(each);
  }
  return rest;
}

// Erases what `outputs` do not need. False if one of them is not there.
bool Strip(Model& model, const Names& outputs) {
  Graph& graph = model.graph();
  std::vector<bool> needed(graph.id_limit(), false);
  std::vector<NodeId> pending;
  const auto need = [&](Node node) {
    const auto id = static_cast<uint32_t>(node.id());
    if (needed[id]) return;
    needed[id] = true;
    if (!node.is_missing()) pending.push_back(node.id());
  };
  for (const std::string& output : outputs) {
    const Node node = graph.Find(NodeNameOf(output));
    if (!node) return false;
    need(node);
  }
  while (!pending.empty()) {
    const Node node = graph.node(pending.back());
    pending.pop_back();
    for (int i = 0; i < node.num_inputs(); ++i) need(node.input_node(i));
    for (const ControlEdge& edge : node.control_inputs()) need(graph.node(edge.node));
  }
  std::vector<NodeId> dead;
  for (Node node : graph.nodes()) {
    if (!needed[static_cast<uint32_t>(node.id())]) dead.push_back(node.id());
  }
  if (!graph.Erase(dead).ok()) return false;
  graph.FixColocations();
  model.PruneFunctions();
  return true;
}

// Type and shape of the outputs of a model's nodes, as far as they can be told.
class Described {
 public:
  Described(Model& model, const SeenTensors& seen)
      : seen_(seen), registry_(model), shapes_(InferShapes(model)) {}

  DataType Type(Node node, int32_t index) const {
    const absl::StatusOr<DataType> type = registry_.OutputType(node.graph(), node.out(index));
    return type.ok() ? BaseType(*type) : DT_INVALID;
  }
  PartialShape Shape(Node node, int32_t index) const {
    if (const SeenTensor* seen = Seen(node, index); seen != nullptr) return {false, seen->dims};
    return shapes_.shape(node.out(index));
  }
  // Null if there is none.
  const Tensor* Value(Node node, int32_t index) const {
    const SeenTensor* seen = Seen(node, index);
    return seen != nullptr && seen->value.dtype != DT_INVALID ? &seen->value : nullptr;
  }

 private:
  const SeenTensor* Seen(Node node, int32_t index) const {
    const auto found = seen_.find(std::string(node.name()));
    if (found == seen_.end() || index < 0 || static_cast<size_t>(index) >= found->second.size()) {
      return nullptr;
    }
    return &found->second[static_cast<size_t>(index)];
  }

  const SeenTensors& seen_;
  const OpRegistry registry_;
  const GraphShapes shapes_;
};

// Each output of `node` that is read becomes a leaf. False if that cannot be: a type is not known.
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

class Reducer {
 public:
  Reducer(const Model& model, const Names& outputs, const ReduceOptions& options) : options_(options) {
    best_.model = model.Clone();
    best_.outputs = outputs;
  }

  ReducedModel Run() {
    Step("unneeded nodes", [&] {
      Model candidate = best_.model.Clone();
      return Try(std::move(candidate), best_.outputs);
    });
    Step("the container", [&] { return DropContainer(); });
    for (uint64_t before = ~uint64_t{0}; Size() < before && GoOn();) {
      before = Size();
      if (options_.by_outputs) Step("outputs", [&] { return FewerOutputs() | NearerOutputs(); });
      Step("nodes to placeholders", [&] { return CutNodes(Cut::kPlaceholder); });
      Step("nodes to constants", [&] { return CutNodes(Cut::kConst); });
      if (!options_.by_outputs) Step("nodes that nobody reads", [&] { return DropEnds(); });
      Step("bypasses", [&] { return BypassNodes(); });
      Step("attributes and control inputs", [&] { return DropAttributes() | DropControlInputs(); });
      Step("elements of constants", [&] { return ShrinkConstants(); });
    }
    best_.complete = GoOn();
    return std::move(best_);
  }

 private:
  bool GoOn() const { return absl::Now() < options_.end; }

  // Nodes and edges, attributes, and the bytes of constants: what has become smaller is one of them.
  uint64_t Size() {
    uint64_t size = 0;
    for (Node node : best_.model.graph().nodes()) {
      size += 16 + static_cast<uint64_t>(node.num_inputs()) + node.control_inputs().size() +
              node.attr_keys().size() + node.attr("value").tensor_bytes().size();
    }
    return size;
  }

  void Step(const std::string& name, absl::FunctionRef<bool()> step) {
    const uint64_t before = Size();
    if (!GoOn() || !step() || Size() >= before) return;
    if (options_.progress) options_.progress(name, best_.model.graph().num_nodes(), best_.tries);
  }

  // Takes the candidate over if it still shows the failure.
  bool Try(Model candidate, const Names& outputs) {
    if (!GoOn()) return false;
    if (options_.by_outputs && !Strip(candidate, outputs)) return false;
    ++best_.tries;
    if (!options_.shows(candidate, outputs)) return false;
    best_.model = std::move(candidate);
    best_.outputs = outputs;
    return true;
  }

  // ddmin over `items`: `make` makes the candidate that has only those of them from `base`.
  template <typename T>
  bool Minimize(const std::vector<T>& items,
                absl::FunctionRef<bool(Model& candidate, const std::vector<T>& kept)> make) {
    const Model base = best_.model.Clone();
    const Names outputs = best_.outputs;
    const std::vector<T> kept = SmallestPart<T>(
        items,
        [&](const std::vector<T>& part) {
          Model candidate = base.Clone();
          return make(candidate, part) && Try(std::move(candidate), outputs);
        },
        [&] { return GoOn(); });
    return kept.size() < items.size();
  }

  bool FewerOutputs() {
    if (best_.outputs.size() < 2) return false;
    const Names all = best_.outputs;
    const Names kept = SmallestPart<std::string>(
        all, [&](const Names& part) { return !part.empty() && Try(best_.model.Clone(), part); },
        [&] { return GoOn(); });
    return kept.size() < all.size();
  }

  // The only output becomes one that stands before it.
  bool NearerOutputs() {
    bool moved = false;
    for (bool again = true; again && best_.outputs.size() == 1 && GoOn();) {
      again = false;
      Names before;
      Graph& graph = best_.model.graph();
      for (const NodeId id : StableOrder(graph).order) {
        const Node node = graph.node(id);
        if (!IsLeaf(node) && node.name() != NodeNameOf(best_.outputs[0])) before.emplace_back(node.name());
      }
      // Halves first, then the nearest: a failure shows in all that follows it.
      std::vector<size_t> places;
      for (size_t step = before.size() / 2, at = step; step > 0; step /= 2, at += step) {
        if (at < before.size()) places.push_back(at);
      }
      constexpr size_t kNearest = 16;
      for (size_t i = before.size(); i > 0 && i + kNearest > before.size(); --i) places.push_back(i - 1);
      for (const size_t place : places) {
        if (!Try(best_.model.Clone(), {before[place]})) continue;
        again = moved = true;
        break;
      }
    }
    return moved;
  }

  bool CutNodes(Cut cut) {
    Graph& graph = best_.model.graph();
    std::set<absl::string_view> fixed;
    for (const std::string& output : best_.outputs) fixed.insert(NodeNameOf(output));
    Names items;
    for (const NodeId id : StableOrder(graph).order) {
      const Node node = graph.node(id);
      const bool leaf = cut == Cut::kPlaceholder ? IsLeaf(node) : node.op() == "Const";
      if (!leaf && fixed.count(node.name()) == 0) items.emplace_back(node.name());
    }
    Model base = best_.model.Clone();
    const Described described(base, options_.seen);
    return Minimize<std::string>(items, [&](Model& candidate, const Names& kept) {
      for (const std::string& name : Without(items, kept)) {
        if (!CutNode(candidate.graph(), candidate.graph().Find(name), cut, described)) return false;
      }
      return options_.by_outputs || DropUnread(candidate, Without(items, kept));
    });
  }

  // Of `names` those that nothing reads. Where no outputs are named, everything else is there for a reason.
  static bool DropUnread(Model& model, const Names& names) {
    std::vector<NodeId> dead;
    for (const std::string& name : names) {
      const Node node = model.graph().Find(name);
      if (node && node.uses().empty()) dead.push_back(node.id());
    }
    const bool erased = model.graph().Erase(dead).ok();
    model.graph().FixColocations();
    model.PruneFunctions();
    return erased;
  }

  // Nodes that nobody reads, where no outputs are named.
  bool DropEnds() {
    bool changed = false;
    for (bool again = true; again && GoOn();) {
      Names items;
      for (Node node : best_.model.graph().nodes()) {
        if (node.uses().empty()) items.emplace_back(node.name());
      }
      again = Minimize<std::string>(items, [&](Model& candidate, const Names& kept) {
        return DropUnread(candidate, Without(items, kept));
      });
      changed = changed || again;
    }
    return changed;
  }

  bool BypassNodes() {
    Names items;
    for (Node node : best_.model.graph().nodes()) {
      if (node.num_inputs() > 0) items.emplace_back(node.name());
    }
    bool changed = false;
    for (const std::string& name : items) {
      Model candidate = best_.model.Clone();
      Graph& graph = candidate.graph();
      const Node node = graph.Find(name);
      const bool is_output = std::any_of(best_.outputs.begin(), best_.outputs.end(),
                                         [&](const auto& output) { return NodeNameOf(output) == name; });
      if (!node || is_output || node.num_inputs() == 0) continue;
      changed =
          (graph.Bypass(node, node.input(0)).ok() && Try(std::move(candidate), best_.outputs)) || changed;
    }
    return changed;
  }

  using NodeKey = std::pair<std::string, std::string>;

  bool DropAttributes() {
    static constexpr absl::string_view kDevice = "device of a node";  // No attribute has blanks.
    std::vector<NodeKey> items;
    for (Node node : best_.model.graph().nodes()) {
      for (const absl::string_view key : node.attr_keys()) {
        const bool essential = (key == "dtype" && IsLeaf(node)) || (key == "value" && node.op() == "Const");
        if (!essential) items.emplace_back(node.name(), key);
      }
      if (!node.device().empty()) items.emplace_back(node.name(), kDevice);
    }
    return Minimize<NodeKey>(items, [&](Model& candidate, const std::vector<NodeKey>& kept) {
      const std::set<NodeKey> left(kept.begin(), kept.end());
      for (const NodeKey& item : items) {
        if (left.count(item) > 0) continue;
        const Node node = candidate.graph().Find(item.first);
        if (item.second == kDevice) {
          candidate.graph().SetDevice(node, "");
        } else {
          candidate.graph().RemoveAttr(node, item.second);
        }
      }
      return true;
    });
  }

  bool DropControlInputs() {
    std::vector<NodeKey> items;
    Graph& graph = best_.model.graph();
    for (Node node : graph.nodes()) {
      for (const ControlEdge& edge : node.control_inputs()) {
        items.emplace_back(node.name(), graph.node(edge.node).name());
      }
    }
    return Minimize<NodeKey>(items, [&](Model& candidate, const std::vector<NodeKey>& kept) {
      const std::set<NodeKey> left(kept.begin(), kept.end());
      for (Node node : candidate.graph().nodes()) {
        std::vector<NodeId> again;
        for (const ControlEdge& edge : node.control_inputs()) {
          if (left.count({std::string(node.name()), std::string(candidate.graph().node(edge.node).name())})) {
            again.push_back(edge.node);
          }
        }
        if (again.size() == node.control_inputs().size()) continue;
        candidate.graph().RemoveAllControlInputs(node);
        for (const NodeId id : again) candidate.graph().AddControlInput(node, candidate.graph().node(id));
      }
      return true;
    });
  }

  bool DropContainer() {
    if (best_.model.meta_fields.empty()) return false;
    Model candidate = best_.model.Clone();
    candidate.meta_fields.clear();
    return Try(std::move(candidate), best_.outputs);
  }

  bool ShrinkConstants() {
    Names items;
    for (Node node : best_.model.graph().nodes()) {
      if (node.op() == "Const" && CanBeFilled(node)) items.emplace_back(node.name());
    }
    bool changed = Minimize<std::string>(items, [&](Model& candidate, const Names& kept) {
      for (const std::string& name : Without(items, kept)) {
        if (!FillConstant(candidate.graph().Find(name))) return false;
      }
      return true;
    });
    for (const int64_t dim : DimensionsOf(best_.model.graph())) {
      std::vector<int64_t> smaller = {1, 2};
      if (dim > 4) smaller.push_back(dim / 2);
      bool done = false;
      for (const int64_t to : smaller) {
        for (const bool values_too : {false, true}) {
          if (done || to >= dim) continue;
          Model candidate = best_.model.Clone();
          done = ReplaceDimension(candidate.graph(), dim, to, values_too) &&
                 Try(std::move(candidate), best_.outputs);
        }
      }
      changed = changed || done;
    }
    return changed;
  }

  const ReduceOptions& options_;
  ReducedModel best_;
};

}  // namespace

ReducedModel ReduceModel(const Model& model, const std::vector<std::string>& outputs,
                         const ReduceOptions& options) {
  return Reducer(model, outputs, options).Run();
}

}  // namespace cryograph
