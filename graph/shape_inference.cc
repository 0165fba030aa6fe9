#include "graph/shape_inference.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/control_flow.h"
#include "graph/shape_rules.h"
#include "graph/topological_order.h"

namespace cryograph {
namespace {

// Values that can say something of a shape are short.
constexpr size_t kMostElements = 256;
// In all, beside what nodes and edges allow: outputs without readers, elements of values.
constexpr size_t kSpareOutputs = size_t{1} << 20;
constexpr size_t kMostValueElements = size_t{1} << 22;
// Walks of a graph with loops in which assumptions are widened one by one; then all are dropped.
constexpr int kMostRounds = 5;

ShapeRule FindRule(absl::string_view op) {
  static const auto* const rules = [] {
    auto* table = new absl::flat_hash_map<absl::string_view, ShapeRule>;
    for (const absl::Span<const ShapeRuleEntry> family :
         {ElementwiseShapeRules(), SourceShapeRules(), ArrayShapeRules(), SliceShapeRules(),
          LayerShapeRules()}) {
      for (const ShapeRuleEntry& entry : family) table->emplace(entry.op, entry.rule);
    }
    return table;
  }();
  const auto found = rules->find(op);
  return found == rules->end() ? nullptr : found->second;
}

const PartialShape& Unknown() {
  static const auto* const unknown = new PartialShape(UnknownShape());
  return *unknown;
}

}  // namespace

const PartialShape& ShapeContext::input(int slot) const {
  return slot < 0 || slot >= num_inputs() ? Unknown() : *inputs_[static_cast<size_t>(slot)].shape;
}

const ShapeValue* ShapeContext::value(int slot) const {
  return slot < 0 || slot >= num_inputs() ? nullptr : inputs_[static_cast<size_t>(slot)].value;
}

void ShapeContext::Set(int output, PartialShape shape) {
  if (output < 0 || output >= num_outputs()) return;
  shapes_[static_cast<size_t>(output)] = std::move(shape);
}

void ShapeContext::SetValue(int output, ShapeValue value) {
  if (output < 0 || output >= num_outputs() || value.size() > kMostElements) return;
  values_[static_cast<size_t>(output)] = std::move(value);
  has_value_[static_cast<size_t>(output)] = true;
}

void ShapeContext::Conflict(std::string text) {
  if (conflict_.empty()) conflict_ = std::move(text);
}

uint32_t GraphShapes::Place(Output output) const {
  const size_t id = static_cast<size_t>(output.node);
  if (id + 1 >= first_.size() || output.index < 0) return kNone;
  int32_t index = output.index;
  if (is_function_ && index != 0) {
    const auto found = flat_.find(output);
    if (found == flat_.end()) return kNone;
    index = found->second;
  }
  const uint32_t place = first_[id] + static_cast<uint32_t>(index);
  return place < first_[id + 1] ? place : kNone;
}

const PartialShape& GraphShapes::shape(Output output) const {
  const uint32_t place = Place(output);
  return place == kNone ? Unknown() : pool_[shapes_[place]];
}

const ShapeValue* GraphShapes::value(Output output) const {
  const uint32_t place = Place(output);
  if (place == kNone) return nullptr;
  const auto found = values_.find(place);
  return found == values_.end() ? nullptr : &found->second;
}

class ShapeSolver {
 public:
  ShapeSolver(Graph* graph, const OpRegistry* registry, const ShapeOptions* options)
      : graph_(*graph), registry_(*registry), options_(*options) {}

  GraphShapes Solve() {
    rules_.resize(static_cast<size_t>(graph_.num_ops()));
    for (int op = 0; op < graph_.num_ops(); ++op) {
      Rule& rule = rules_[static_cast<size_t>(op)];
      rule.run = FindRule(graph_.OpName(op));
      rule.schema = registry_.Find(graph_.OpName(op));
      // A function of the name of an op is the function.
      if (rule.schema != nullptr && rule.schema->is_function) rule.run = nullptr;
    }
    shapes_.pool_.push_back(UnknownShape());
    shapes_.is_function_ = graph_.is_function();
    if (graph_.is_function()) NumberPorts();
    Allocate();
    const TopologicalOrder order = StableOrder(graph_);
    FindLoops();
    Feed();
    for (int round = 0;; ++round) {
      shapes_.conflicts_.clear();
      for (const NodeId id : order.order) Visit(graph_.node(id));
      if (loops_.empty() || !Widen(round >= kMostRounds)) break;
    }
    SortConflicts();
    return std::move(shapes_);
  }

 private:
  struct Rule {
    ShapeRule run = nullptr;
    const OpSchema* schema = nullptr;
  };
  // A Merge at the head of a loop. The shape assumed for its output holds for every input, in the end.
  struct Loop {
    Node merge;
    PartialShape assumed;
    bool begun = false;
  };

  void NumberPorts() {
    for (Node node : graph_.nodes()) {
      for (const InputEdge& edge : node.inputs()) {
        const Node from = graph_.node(edge.node);
        if (edge.index == 0 || from.is_missing() || from.is_argument()) continue;
        const auto [entry, is_new] = shapes_.flat_.emplace(edge, 0);
        if (!is_new) continue;
        const OpSchema* schema = rules_[static_cast<size_t>(from.op_id())].schema;
        int64_t flat = -1;
        if (schema != nullptr) {
          flat = FlatOutputIndex(*schema, from, graph_.PortText(edge.index)).value_or(-1);
        }
        entry->second = flat > std::numeric_limits<int32_t>::max() ? -1 : static_cast<int32_t>(flat);
        if (flat < 0) shapes_.flat_.erase(entry);
      }
    }
  }

  // A node gets as many places as it has outputs, but not for the asking: many only if they are read.
  void Allocate() {
    std::vector<int64_t> read(graph_.id_limit(), -1);
    size_t edges = 0;
    for (Node node : graph_.nodes()) {
      for (const InputEdge& edge : node.inputs()) {
        int64_t index = edge.index;
        if (shapes_.is_function_ && index != 0) {
          const auto found = shapes_.flat_.find(edge);
          index = found == shapes_.flat_.end() ? -1 : found->second;
        }
        int64_t& most = read[static_cast<size_t>(edge.node)];
        most = std::max(most, index);
        ++edges;
      }
    }
    size_t spare = edges * 2 + kSpareOutputs;
    constexpr int64_t kFree = 8;
    shapes_.first_.reserve(graph_.id_limit() + 1);
    TypeRuns types;
    size_t next = 0;
    for (uint32_t i = 0; i < graph_.id_limit(); ++i) {
      shapes_.first_.push_back(static_cast<uint32_t>(next));
      const Node node = graph_.node(NodeId{i});
      int64_t count = 0;
      if (node.is_argument()) {
        count = 1;
      } else if (graph_.alive(node.id())) {
        const OpSchema* schema = rules_[static_cast<size_t>(node.op_id())].schema;
        if (schema != nullptr && ArgTypes(*schema, schema->outputs, node, &types).ok()) count = types.size();
        if (count > kFree) {
          count = std::max(kFree, std::min(count, read[i] + 1));
          if (static_cast<size_t>(count) > spare) count = kFree;
          spare -= static_cast<size_t>(count > kFree ? count : 0);
        }
      }
      next += static_cast<size_t>(count);
      if (next >= GraphShapes::kNone) next = shapes_.first_.back();
    }
    shapes_.first_.push_back(static_cast<uint32_t>(next));
    shapes_.shapes_.assign(next, 0);
  }

  uint32_t Intern(PartialShape shape) {
    if (shape.unknown_rank) return 0;
    // An attribute may say anything.
    for (int64_t& dim : shape.dims) dim = std::max<int64_t>(dim, -1);
    const auto [entry, is_new] = known_.emplace(shape.dims, static_cast<uint32_t>(shapes_.pool_.size()));
    if (is_new) shapes_.pool_.push_back(std::move(shape));
    return entry->second;
  }

  static bool IsBackEdge(Node merge, const InputEdge& edge) {
    return IsMerge(merge.op()) && IsNextIteration(merge.graph().node(edge.node).op());
  }

  void FindLoops() {
    for (Node node : graph_.nodes()) {
      if (!IsMerge(node.op())) continue;
      const absl::Span<const InputEdge> inputs = node.inputs();
      if (std::any_of(inputs.begin(), inputs.end(),
                      [&](const InputEdge& edge) { return IsBackEdge(node, edge); })) {
        loop_of_.emplace(node.id(), loops_.size());
        loops_.push_back({node, UnknownShape()});
      }
    }
  }

  void Feed() {
    for (const auto& [output, shape] : options_.feeds) {
      if (const uint32_t place = shapes_.Place(output); place != GraphShapes::kNone)
        fed_.emplace(place, &shape);
    }
    for (const auto& [place, shape] : fed_) shapes_.shapes_[place] = Intern(*shape);
  }

  void Visit(Node node) {
    const size_t id = static_cast<size_t>(node.id());
    const uint32_t begin = shapes_.first_[id], count = shapes_.first_[id + 1] - begin;
    const Rule& rule = rules_[static_cast<size_t>(node.op_id())];
    if (rule.run == nullptr || rule.schema == nullptr) return;
    context_.node_ = node;
    context_.schema_ = rule.schema;
    context_.producer_ = options_.producer;
    context_.conflict_.clear();
    context_.inputs_.clear();
    for (const InputEdge& edge : node.inputs()) {
      context_.inputs_.push_back({&shapes_.shape(edge), shapes_.value(edge)});
    }
    context_.shapes_.assign(count, Unknown());
    context_.values_.assign(count, {});
    context_.has_value_.assign(count, false);
    if (const auto loop = loop_of_.find(node.id()); loop != loop_of_.end()) {
      VisitLoop(loops_[loop->second]);
    } else {
      rule.run(context_);
    }
    if (!context_.conflict_.empty()) {
      shapes_.conflicts_.push_back({node.id(), std::move(context_.conflict_)});
    }
    for (uint32_t i = 0; i < count; ++i) {
      if (fed_.count(begin + i) > 0) continue;
      shapes_.shapes_[begin + i] = Intern(context_.shapes_[i]);
      StoreValue(begin + i, i);
    }
  }

  void StoreValue(uint32_t place, uint32_t output) {
    const auto old = shapes_.values_.find(place);
    if (old != shapes_.values_.end()) {
      elements_ -= old->second.size();
      shapes_.values_.erase(old);
    }
    if (!context_.has_value_[output]) return;
    ShapeValue& value = context_.values_[output];
    if (elements_ + value.size() > kMostValueElements) return;
    if (ElementsOf(context_.shapes_[output]) != static_cast<int64_t>(value.size())) return;
    elements_ += value.size();
    shapes_.values_.emplace(place, std::move(value));
  }

  void VisitLoop(Loop& loop) {
    if (!loop.begun) {
      loop.begun = true;
      bool first = true;
      const absl::Span<const InputEdge> inputs = loop.merge.inputs();
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (IsBackEdge(loop.merge, inputs[i])) continue;
        const PartialShape& shape = context_.input(static_cast<int>(i));
        loop.assumed = first ? shape : JoinShapes(loop.assumed, shape);
        first = false;
      }
    }
    context_.Set(0, loop.assumed);
    context_.Set(1, PartialShape());
  }

  // Takes what comes around the loops into the assumptions; false if they hold already.
  bool Widen(bool drop_all) {
    bool changed = false;
    for (Loop& loop : loops_) {
      PartialShape wider = loop.assumed;
      for (const InputEdge& edge : loop.merge.inputs()) wider = JoinShapes(wider, shapes_.shape(edge));
      if (wider == loop.assumed) continue;
      loop.assumed = std::move(wider);
      changed = true;
    }
    if (changed && drop_all) {
      for (Loop& loop : loops_) loop.assumed = UnknownShape();
    }
    return changed;
  }

  void SortConflicts() {
    if (shapes_.conflicts_.size() < 2) return;
    std::vector<uint32_t> position(graph_.id_limit(), 0);
    uint32_t next = 0;
    for (Node node : graph_.nodes()) position[static_cast<size_t>(node.id())] = next++;
    std::stable_sort(shapes_.conflicts_.begin(), shapes_.conflicts_.end(),
                     [&](const ShapeConflict& a, const ShapeConflict& b) {
                       return position[static_cast<size_t>(a.node)] < position[static_cast<size_t>(b.node)];
                     });
  }

  Graph& graph_;
  const OpRegistry& registry_;
  const ShapeOptions& options_;
  GraphShapes shapes_;
  std::vector<Rule> rules_;  // By op number.
  absl::flat_hash_map<std::vector<int64_t>, uint32_t> known_;
  std::vector<Loop> loops_;
  absl::flat_hash_map<NodeId, size_t> loop_of_;
  absl::flat_hash_map<uint32_t, const PartialShape*> fed_;
  size_t elements_ = 0;
  ShapeContext context_;
};

GraphShapes InferShapes(Graph& graph, const OpRegistry& registry, const ShapeOptions& options) {
  return ShapeSolver(&graph, &registry, &options).Solve();
}

GraphShapes InferShapes(Model& model, ShapeOptions options) {
  options.producer = model.versions().producer;
  return InferShapes(model.graph(), OpRegistry(model), options);
}

bool AreCompatible(const PartialShape& a, const PartialShape& b) {
  PartialShape merged;
  return MergeShapes(a, b, &merged);
}

}  // namespace cryograph
