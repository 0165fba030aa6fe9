// Node: the handle's view of the graph's records.
#include "graph/graph.h"

namespace cryograph {

absl::string_view Node::name() const { return graph_->record(id_).name; }
absl::string_view Node::op() const { return graph_->ops_[graph_->record(id_).op]; }
int Node::op_id() const { return static_cast<int>(graph_->record(id_).op); }
absl::string_view Node::device() const { return graph_->devices_[graph_->record(id_).device]; }
bool Node::is_missing() const { return graph_->record(id_).kind == Graph::Kind::kMissing; }
bool Node::is_argument() const { return graph_->record(id_).kind == Graph::Kind::kArgument; }
uint8_t Node::defects() const { return graph_->record(id_).defects; }
int Node::num_inputs() const { return static_cast<int>(graph_->record(id_).inputs.size); }
Output Node::input(int slot) const { return inputs()[static_cast<size_t>(slot)]; }
Node Node::input_node(int slot) const { return Node(graph_, input(slot).node); }
bool Node::pinned() const { return graph_->record(id_).pinned; }

absl::Span<const InputEdge> Node::inputs() const { return graph_->inputs_.Items(graph_->record(id_).inputs); }
absl::Span<const ControlEdge> Node::control_inputs() const {
  return graph_->controls_.Items(graph_->record(id_).controls);
}
absl::Span<const Use> Node::uses() const { return graph_->uses_.Items(graph_->record(id_).uses); }

bool Node::OnlyOutputUsed(int index) const {
  for (const Use& use : uses()) {
    if (use.slot != kControl && graph_->node(use.user).input(use.slot).index != index) return false;
  }
  return true;
}

bool Node::HasControlReaders() const {
  for (const Use& use : uses()) {
    if (use.slot == kControl) return true;
  }
  return false;
}

void NodeRange::Iterator::SkipOthers() {
  while (id_ != kNoNode &&
         (static_cast<uint32_t>(id_) >= limit_ || graph_->record(id_).kind != Graph::Kind::kNode)) {
    id_ = NodeId{graph_->record(id_).next};
  }
}

NodeRange::Iterator& NodeRange::Iterator::operator++() {
  id_ = NodeId{graph_->record(id_).next};
  SkipOthers();
  return *this;
}

}  // namespace cryograph
