#include "graph/topological_order.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>

#include "absl/strings/str_cat.h"
#include "graph/control_flow.h"

namespace cryograph {
namespace {

// A graph's edges once more, as flat arrays over positions in file order: who reads each node, readers in
// file order.
class Readers {
 public:
  // Without `loops_are_edges`, the edges from NextIteration to Merge are left out.
  Readers(Graph& graph, bool loops_are_edges) : position_(graph.id_limit(), kNone) {
    nodes_.reserve(static_cast<size_t>(graph.num_nodes()));
    std::vector<int8_t> kind_of_op(static_cast<size_t>(graph.num_ops()));  // 1 Merge, 2 NextIteration.
    for (int op = 0; op < graph.num_ops(); ++op) {
      const absl::string_view name = graph.OpName(op);
      kind_of_op[static_cast<size_t>(op)] = IsMerge(name) ? 1 : IsNextIteration(name) ? 2 : 0;
    }
    const auto kind = [&](Node node) { return kind_of_op[static_cast<size_t>(node.op_id())]; };
    for (Node node : graph.nodes()) {
      position_[Index(node.id())] = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back(node.id());
      is_merge_.push_back(kind(node) == 1);
    }
    begin_.assign(nodes_.size() + 1, 0);
    pending_.assign(nodes_.size(), 0);
    // Twice the same walk: count, then fill.
    for (int round = 0; round < 2; ++round) {
      for (uint32_t reader = 0; reader < nodes_.size(); ++reader) {
        const Node node = graph.node(nodes_[reader]);
        const auto edge = [&](NodeId from) {
          const uint32_t producer = position_[Index(from)];
          if (producer == kNone) return;
          if (!loops_are_edges && is_merge_[reader] && kind(graph.node(from)) == 2) return;
          if (round == 0) {
            ++begin_[producer + 1];
            ++pending_[reader];
          } else {
            readers_[fill_[producer]++] = reader;
          }
        };
        for (const InputEdge& input : node.inputs()) edge(input.node);
        for (const ControlEdge& control : node.control_inputs()) edge(control.node);
      }
      if (round == 0) {
        for (size_t i = 0; i < nodes_.size(); ++i) begin_[i + 1] += begin_[i];
        readers_.resize(begin_.back());
        fill_.assign(begin_.begin(), begin_.end());
      }
    }
    fill_ = {};
  }

  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }
  NodeId node(uint32_t position) const { return nodes_[position]; }
  uint32_t position(NodeId node) const { return position_[Index(node)]; }
  bool is_merge(uint32_t position) const { return is_merge_[position]; }
  // Edges into a node, from nodes of the graph.
  std::vector<int32_t>& pending() { return pending_; }
  absl::Span<const uint32_t> of(uint32_t position) const {
    return absl::MakeConstSpan(readers_.data() + begin_[position], begin_[position + 1] - begin_[position]);
  }

  // Everything that `placed` does not have.
  std::vector<NodeId> Others(const std::vector<NodeId>& placed) const {
    std::vector<NodeId> others;
    if (placed.size() == nodes_.size()) return others;
    std::vector<bool> is_placed(nodes_.size());
    for (NodeId id : placed) is_placed[position(id)] = true;
    for (uint32_t i = 0; i < size(); ++i) {
      if (!is_placed[i]) others.push_back(nodes_[i]);
    }
    return others;
  }

 private:
  static constexpr uint32_t kNone = 0xffffffffu;
  static uint32_t Index(NodeId id) { return static_cast<uint32_t>(id); }

  std::vector<uint32_t> position_;  // By id.
  std::vector<NodeId> nodes_;
  std::vector<bool> is_merge_;
  std::vector<int32_t> pending_;
  std::vector<uint64_t> begin_, fill_;
  std::vector<uint32_t> readers_;
};

}  // namespace

TopologicalOrder StableOrder(Graph& graph) {
  Readers readers(graph, /*loops_are_edges=*/false);
  std::vector<int32_t>& pending = readers.pending();
  TopologicalOrder result;
  result.order.reserve(readers.size());
  // Nodes are looked at in file order; only those that became ready behind the place reached need the heap.
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<uint32_t>> behind;
  for (uint32_t next = 0; next < readers.size() || !behind.empty();) {
    uint32_t position;
    if (!behind.empty() && behind.top() < next) {
      position = behind.top();
      behind.pop();
    } else if (next < readers.size()) {
      position = next++;
      if (pending[position] != 0) continue;
    } else {
      break;
    }
    result.order.push_back(readers.node(position));
    for (uint32_t reader : readers.of(position)) {
      if (--pending[reader] == 0 && reader < next) behind.push(reader);
    }
  }
  result.stuck = readers.Others(result.order);
  return result;
}

TopologicalOrder StackOrder(Graph& graph) {
  Readers readers(graph, /*loops_are_edges=*/true);
  std::vector<int32_t>& pending = readers.pending();
  std::vector<uint32_t> stack;
  TopologicalOrder result;
  result.order.reserve(readers.size());
  for (uint32_t i = 0; i < readers.size(); ++i) {
    if (pending[i] == 0) {
      stack.push_back(i);
    } else if (readers.is_merge(i)) {
      pending[i] = static_cast<int32_t>(graph.node(readers.node(i)).control_inputs().size()) + 1;
    }
  }
  while (!stack.empty()) {
    const uint32_t position = stack.back();
    stack.pop_back();
    result.order.push_back(readers.node(position));
    for (uint32_t reader : readers.of(position)) {
      if (--pending[reader] == 0)
        stack.push_back(reader);  // A Merge goes below zero later, and is not put again.
    }
  }
  result.stuck = readers.Others(result.order);
  return result;
}

std::vector<std::vector<NodeId>> FindCycles(Graph& graph, const std::vector<NodeId>& stuck) {
  std::vector<std::vector<NodeId>> cycles;
  if (stuck.empty()) return cycles;
  Readers readers(graph, /*loops_are_edges=*/false);
  constexpr uint32_t kUnseen = 0xffffffffu;
  const uint32_t size = readers.size();
  std::vector<bool> included(size);
  for (NodeId id : stuck) included[readers.position(id)] = true;

  // Tarjan's strongly connected components, without recursion.
  struct Step {
    uint32_t position;
    size_t next_reader;
  };
  std::vector<uint32_t> number(size, kUnseen), low(size, 0);
  std::vector<bool> open(size);
  std::vector<uint32_t> open_stack;
  std::vector<Step> steps;
  uint32_t counter = 0;
  for (NodeId start : stuck) {
    if (number[readers.position(start)] != kUnseen) continue;
    steps.push_back({readers.position(start), 0});
    while (!steps.empty()) {
      Step& step = steps.back();
      const uint32_t here = step.position;
      if (step.next_reader == 0) {
        number[here] = low[here] = counter++;
        open_stack.push_back(here);
        open[here] = true;
      }
      const absl::Span<const uint32_t> next = readers.of(here);
      bool descended = false;
      while (step.next_reader < next.size()) {
        const uint32_t reader = next[step.next_reader++];
        if (!included[reader]) continue;
        if (number[reader] == kUnseen) {
          steps.push_back({reader, 0});
          descended = true;
          break;
        }
        if (open[reader]) low[here] = std::min(low[here], number[reader]);
      }
      if (descended) continue;
      if (low[here] == number[here]) {
        std::vector<uint32_t> component;
        uint32_t member;
        do {
          member = open_stack.back();
          open_stack.pop_back();
          open[member] = false;
          component.push_back(member);
        } while (member != here);
        const absl::Span<const uint32_t> of = readers.of(here);
        if (component.size() > 1 || std::find(of.begin(), of.end(), here) != of.end()) {
          std::sort(component.begin(), component.end());
          std::vector<NodeId>& cycle = cycles.emplace_back();
          for (uint32_t position : component) cycle.push_back(readers.node(position));
        }
      }
      steps.pop_back();
      if (!steps.empty()) low[steps.back().position] = std::min(low[steps.back().position], low[here]);
    }
  }
  std::sort(cycles.begin(), cycles.end(), [&](const auto& a, const auto& b) {
    return readers.position(a.front()) < readers.position(b.front());
  });
  return cycles;
}

std::string CycleText(Graph& graph, const std::vector<NodeId>& cycle) {
  if (cycle.empty()) return "";
  std::vector<NodeId> members = cycle;
  std::sort(members.begin(), members.end());
  // Breadth first against the data, from the first node to the first one that it reads back.
  std::vector<NodeId> from(members.size(), kNoNode);  // The node of the cycle that reads the member.
  const auto index = [&](NodeId id) {
    const auto found = std::lower_bound(members.begin(), members.end(), id);
    return found != members.end() && *found == id ? found - members.begin() : -1;
  };
  std::vector<NodeId> queue = {cycle.front()};
  bool closed = false;
  for (size_t head = 0; head < queue.size() && !closed; ++head) {
    const Node node = graph.node(queue[head]);
    const auto visit = [&](NodeId producer) {
      const auto at = index(producer);
      if (at < 0 || closed || from[static_cast<size_t>(at)] != kNoNode) return;
      if (IsMerge(node.op()) && IsNextIteration(graph.node(producer).op())) return;
      from[static_cast<size_t>(at)] = node.id();
      closed = producer == cycle.front();
      queue.push_back(producer);
    };
    for (const InputEdge& input : node.inputs()) visit(input.node);
    for (const ControlEdge& control : node.control_inputs()) visit(control.node);
  }
  std::vector<absl::string_view> names = {graph.node(cycle.front()).name()};
  for (NodeId at = cycle.front(); closed;) {
    at = from[static_cast<size_t>(index(at))];
    names.push_back(graph.node(at).name());
    if (at == cycle.front()) break;
  }
  constexpr size_t kShown = 8;
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names.size() > kShown + 1 && i == kShown / 2) {
      absl::StrAppend(&text, " -> (", names.size() - kShown, " more)");
      i = names.size() - kShown / 2;
    }
    absl::StrAppend(&text, i == 0 ? "" : " -> ", names[i]);
  }
  return text;
}

}  // namespace cryograph
