#include "tools/reduce_model.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "graph/topological_order.h"
#include "tools/constant_shrinking.h"
#include "tools/delta_debugging.h"
#include "tools/model_names.h"
#include "transforms/function_inliner.h"

namespace cryograph {
namespace {

using Names = std::vector<std::string>;

bool IsLeaf(Node node) { return node.op() == "Placeholder" || node.op() == "Const" || node.op() == "NoOp"; }

Names Without(const Names& all, const Names& some) {
  const std::set<std::string> out(some.begin(), some.end());
  Names rest;
  for (const std::string& each : all) {
    if (out.count(each) == 0) rest.push_back(each);
  }
  return rest;
}

// A node of the main graph, or of a function's body, and something of it.
struct Place {
  std::string function, node, key;
  bool operator<(const Place& other) const {
    return std::tie(function, node, key) < std::tie(other.function, other.node, other.key);
  }
};

// The body of a function, or the main graph if `function` is empty; null if there is none that can be read.
Graph* GraphOf(Model& model, const std::string& function) {
  if (function.empty()) return &model.graph();
  for (Function& each : model.functions()) {
    if (each.name() != function) continue;
    const absl::StatusOr<Graph*> body = each.body();
    return body.ok() ? *body : nullptr;
  }
  return nullptr;
}

// Graph::Bypass() for a node of a function's body, whose readers say ":output:0" and not 0. False if it
// cannot be: its name is promised, a control edge leads on from it, or more than one of its outputs is read.
bool BypassInBody(Graph& body, Node node) {
  if (node.pinned()) return false;
  const std::vector<Use> uses(node.uses().begin(), node.uses().end());
  std::set<int32_t> read;
  for (const Use& use : uses) {
    if (use.slot == kControl) return false;
    read.insert(body.node(use.user).input(use.slot).index);
  }
  if (read.size() > 1) return false;
  const Output source = node.input(0);
  for (const Use& use : uses) body.SetInput(body.node(use.user), use.slot, source);
  return body.Erase(node).ok();
}

void ForEachGraph(Model& model, absl::FunctionRef<void(const std::string& function, Graph& graph)> visit) {
  visit("", model.graph());
  for (Function& function : model.functions()) {
    const absl::StatusOr<Graph*> body = function.body();
    if (body.ok()) visit(std::string(function.name()), **body);
  }
}

class Reducer {
 public:
  Reducer(const Model& model, const Names& outputs, const ReduceOptions& options)
      : options_(options), initializers_(options.initializers) {
    best_.model = model.Clone();
    best_.outputs = outputs;
  }

  ReducedModel Run() {
    Step("unneeded nodes", [&] {
      if (Try(best_.model.Clone(), best_.outputs)) return true;
      prune_functions_ = false;  // The failure is in one that nothing calls.
      return Try(best_.model.Clone(), best_.outputs);
    });
    Step("the container", [&] { return DropContainer(); });
    InlineCalls();
    if (options_.watch) seen_ = options_.watch(best_.model, best_.outputs);
    for (uint64_t before = ~uint64_t{0}; Size() < before && GoOn();) {
      before = Size();
      if (options_.by_outputs) Step("outputs", [&] { return FewerOutputs() | NearerOutputs(); });
      Step("initializers", [&] { return FewerInitializers(); });
      Step("nodes to placeholders", [&] { return CutNodes(Cut::kPlaceholder); });
      Step("nodes to constants", [&] { return CutNodes(Cut::kConst); });
      if (!options_.by_outputs) Step("nodes that nobody reads", [&] { return DropEnds(); });
      Step("nodes of functions", [&] { return DropFromBodies(); });
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
    uint64_t size = initializers_.size();
    ForEachGraph(best_.model, [&](const std::string&, Graph& graph) {
      for (Node node : graph.nodes()) {
        size += 16 + static_cast<uint64_t>(node.num_inputs()) + node.control_inputs().size() +
                node.attr_keys().size() + node.attr("value").tensor_bytes().size();
      }
    });
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
    if (options_.by_outputs) {
      Names needed = outputs;
      for (const std::string& name : initializers_) {
        if (candidate.graph().Find(name)) needed.push_back(name);
      }
      if (!StripTo(candidate, needed)) return false;
    }
    if (prune_functions_) candidate.PruneFunctions();
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

  // Functions are seen through if the failure is there without them.
  void InlineCalls() {
    if (best_.model.functions().empty()) return;
    for (const bool lower : {true, false}) {
      Model candidate = best_.model.Clone();
      for (const std::string& output : best_.outputs) {  // A call that is an output leaves its name behind.
        if (const Node node = candidate.graph().Find(NodeNameOf(output))) candidate.graph().Pin(node);
      }
      InlineOptions options;
      options.control_flow = lower;
      if (!InlineFunctions(candidate, options).ok()) continue;
      if (!Try(std::move(candidate), best_.outputs)) continue;
      if (options_.progress) options_.progress("calls inlined", best_.model.graph().num_nodes(), best_.tries);
      return;
    }
  }

  bool FewerInitializers() {
    const Names all = initializers_;
    if (all.empty()) return false;
    initializers_ = SmallestPart<std::string>(
        all,
        [&](const Names& part) {
          initializers_ = part;
          return Try(best_.model.Clone(), best_.outputs);
        },
        [&] { return GoOn(); });
    return initializers_.size() < all.size();
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
    const Described described(base, seen_);
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

  // Nodes of function bodies that no return needs. The function's signature stays.
  bool DropFromBodies() {
    bool changed = false;
    Names functions;
    for (const Function& function : best_.model.functions()) functions.emplace_back(function.name());
    for (const std::string& function : functions) {
      Names items;
      Model base = best_.model.Clone();
      Graph* const body = GraphOf(base, function);
      if (body == nullptr) continue;
      for (Node node : body->nodes()) {
        if (!node.pinned() && !node.is_argument()) items.emplace_back(node.name());
      }
      // What is read by nothing that is kept goes with it.
      changed = Minimize<std::string>(items,
                                      [&](Model& candidate, const Names& kept) {
                                        Graph& graph = *GraphOf(candidate, function);
                                        std::vector<NodeId> dead;
                                        for (const std::string& name : Without(items, kept))
                                          dead.push_back(graph.Find(name).id());
                                        if (!graph.Erase(dead).ok()) return false;
                                        graph.FixColocations();
                                        return true;
                                      }) ||
                changed;
    }
    return changed;
  }

  bool BypassNodes() {
    std::vector<Place> items;
    ForEachGraph(best_.model, [&](const std::string& function, Graph& graph) {
      for (Node node : graph.nodes()) {
        if (node.num_inputs() > 0) items.push_back({function, std::string(node.name()), ""});
      }
    });
    bool changed = false;
    for (const Place& place : items) {
      Model candidate = best_.model.Clone();
      Graph* const graph = GraphOf(candidate, place.function);
      const Node node = graph == nullptr ? Node() : graph->Find(place.node);
      const bool is_output = place.function.empty() &&
                             std::any_of(best_.outputs.begin(), best_.outputs.end(), [&](const auto& output) {
                               return NodeNameOf(output) == place.node;
                             });
      if (!node || is_output || node.num_inputs() == 0) continue;
      const bool bypassed =
          place.function.empty() ? graph->Bypass(node, node.input(0)).ok() : BypassInBody(*graph, node);
      changed = (bypassed && Try(std::move(candidate), best_.outputs)) || changed;
    }
    return changed;
  }

  bool DropAttributes() {
    static constexpr absl::string_view kDevice = "device of a node";  // No attribute has blanks.
    std::vector<Place> items;
    ForEachGraph(best_.model, [&](const std::string& function, Graph& graph) {
      for (Node node : graph.nodes()) {
        for (const absl::string_view key : node.attr_keys()) {
          const bool essential = (key == "dtype" && IsLeaf(node)) || (key == "value" && node.op() == "Const");
          if (!essential) items.push_back({function, std::string(node.name()), std::string(key)});
        }
        if (!node.device().empty())
          items.push_back({function, std::string(node.name()), std::string(kDevice)});
      }
    });
    return Minimize<Place>(items, [&](Model& candidate, const std::vector<Place>& kept) {
      const std::set<Place> left(kept.begin(), kept.end());
      for (const Place& item : items) {
        if (left.count(item) > 0) continue;
        Graph& graph = *GraphOf(candidate, item.function);
        const Node node = graph.Find(item.node);
        if (item.key == kDevice) {
          graph.SetDevice(node, "");
        } else {
          graph.RemoveAttr(node, item.key);
        }
      }
      return true;
    });
  }

  bool DropControlInputs() {
    std::vector<Place> items;
    ForEachGraph(best_.model, [&](const std::string& function, Graph& graph) {
      for (Node node : graph.nodes()) {
        for (const ControlEdge& edge : node.control_inputs()) {
          items.push_back({function, std::string(node.name()), std::string(graph.node(edge.node).name())});
        }
      }
    });
    return Minimize<Place>(items, [&](Model& candidate, const std::vector<Place>& kept) {
      const std::set<Place> left(kept.begin(), kept.end());
      ForEachGraph(candidate, [&](const std::string& function, Graph& graph) {
        for (Node node : graph.nodes()) {
          std::vector<NodeId> again;
          for (const ControlEdge& edge : node.control_inputs()) {
            const Place place{function, std::string(node.name()), std::string(graph.node(edge.node).name())};
            if (left.count(place) > 0) again.push_back(edge.node);
          }
          if (again.size() == node.control_inputs().size()) continue;
          graph.RemoveAllControlInputs(node);
          for (const NodeId id : again) graph.AddControlInput(node, graph.node(id));
        }
      });
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
    std::vector<Place> items;
    ForEachGraph(best_.model, [&](const std::string& function, Graph& graph) {
      for (Node node : graph.nodes()) {
        if (node.op() == "Const" && CanBeFilled(node))
          items.push_back({function, std::string(node.name()), ""});
      }
    });
    bool changed = Minimize<Place>(items, [&](Model& candidate, const std::vector<Place>& kept) {
      const std::set<Place> left(kept.begin(), kept.end());
      for (const Place& item : items) {
        if (left.count(item) == 0 && !FillConstant(GraphOf(candidate, item.function)->Find(item.node))) {
          return false;
        }
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
  bool prune_functions_ = true;
  Names initializers_;  // Those that are still needed.
  SeenTensors seen_;
  ReducedModel best_;
};

}  // namespace

ReducedModel ReduceModel(const Model& model, const std::vector<std::string>& outputs,
                         const ReduceOptions& options) {
  return Reducer(model, outputs, options).Run();
}

}  // namespace cryograph
