#include "graph/graph.h"

#include <algorithm>
#include <cassert>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

constexpr uint32_t kEmptySlot = 0xffffffffu;
constexpr uint32_t kErasedSlot = 0xfffffffeu;

uint32_t Number(NodeId id) { return static_cast<uint32_t>(id); }

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '/' || c == '>' || c == '\\';
}

bool IsName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsNameChar);
}

uint32_t HashOf(absl::string_view name) {
  return static_cast<uint32_t>(absl::Hash<absl::string_view>()(name));
}

}  // namespace

// --- Look-up and interning.

Graph::Graph() {
  InternOp("");
  InternDevice("");
  InternPort("");
}

NodeRange Graph::nodes() { return NodeRange(this, NodeId{first_}, id_limit()); }

bool Graph::alive(NodeId id) const { return Number(id) < id_limit() && record(id).kind == Kind::kNode; }

Node Graph::Find(absl::string_view name) {
  const uint32_t id = Lookup(name);
  return id != kEnd && records_[id].kind == Kind::kNode ? Node(this, NodeId{id}) : Node();
}

int Graph::OpId(absl::string_view op) const {
  const auto found = op_ids_.find(op);
  return found == op_ids_.end() ? -1 : static_cast<int>(found->second);
}

absl::string_view Graph::OpName(int op_id) const { return ops_[static_cast<size_t>(op_id)]; }
absl::string_view Graph::PortText(int32_t index) const { return ports_[static_cast<size_t>(index)]; }

absl::string_view Graph::Keep(std::string text) {
  kept_->push_back(std::move(text));
  return kept_->back();
}

uint32_t Graph::InternOp(absl::string_view op) {
  if (const auto found = op_ids_.find(op); found != op_ids_.end()) return found->second;
  const absl::string_view kept = Keep(std::string(op));
  ops_.push_back(kept);
  return op_ids_[kept] = static_cast<uint32_t>(ops_.size() - 1);
}

uint32_t Graph::InternDevice(absl::string_view device) {
  if (const auto found = device_ids_.find(device); found != device_ids_.end()) return found->second;
  const absl::string_view kept = Keep(std::string(device));
  devices_.push_back(kept);
  return device_ids_[kept] = static_cast<uint32_t>(devices_.size() - 1);
}

int32_t Graph::InternPort(absl::string_view text) {
  if (const auto found = port_ids_.find(text); found != port_ids_.end())
    return static_cast<int32_t>(found->second);
  const absl::string_view kept = Keep(std::string(text));
  ports_.push_back(kept);
  port_ids_[kept] = static_cast<uint32_t>(ports_.size() - 1);
  return static_cast<int32_t>(ports_.size() - 1);
}

uint32_t Graph::Lookup(absl::string_view name) const {
  if (name_table_.empty()) return kEnd;
  const size_t mask = name_table_.size() - 1;
  const uint32_t hash = HashOf(name);
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    const NameSlot& slot = name_table_[i];
    if (slot.id == kEmptySlot) return kEnd;
    if (slot.hash == hash && slot.id != kErasedSlot && records_[slot.id].name == name) return slot.id;
  }
}

void Graph::ReserveNames(size_t count) {
  size_t size = 16;
  while (size < count * 2) size *= 2;
  if (size <= name_table_.size()) return;
  std::vector<NameSlot> old(size);
  old.swap(name_table_);
  names_used_ = 0;
  for (const NameSlot& slot : old) {
    if (slot.id >= kErasedSlot) continue;
    size_t i = slot.hash & (size - 1);
    while (name_table_[i].id != kEmptySlot) i = (i + 1) & (size - 1);
    name_table_[i] = slot;
    ++names_used_;
  }
}

uint32_t Graph::IndexName(uint32_t id) {
  if ((names_used_ + 1) * 3 > name_table_.size() * 2) ReserveNames(name_table_.size());
  const size_t mask = name_table_.size() - 1;
  const uint32_t hash = HashOf(records_[id].name);
  size_t i = hash & mask;
  for (; name_table_[i].id != kEmptySlot; i = (i + 1) & mask) {
    NameSlot& slot = name_table_[i];
    if (slot.hash != hash || slot.id == kErasedSlot || records_[slot.id].name != records_[id].name) continue;
    const uint32_t before = slot.id;
    slot.id = id;
    return before;
  }
  name_table_[i].id = id;
  name_table_[i].hash = hash;
  ++names_used_;
  return kEnd;
}

void Graph::UnindexName(uint32_t id) {
  if (Lookup(records_[id].name) != id) return;
  const size_t mask = name_table_.size() - 1;
  size_t i = HashOf(records_[id].name) & mask;
  while (name_table_[i].id != id) i = (i + 1) & mask;
  name_table_[i].id = kErasedSlot;
}

NodeId Graph::NewRecord(absl::string_view name, Kind kind) {
  const uint32_t id = id_limit();
  records_.emplace_back();
  records_.back().name = name;
  records_.back().kind = kind;
  return NodeId{id};
}

NodeId Graph::FindOrMissing(absl::string_view name) {
  if (const uint32_t id = Lookup(name); id != kEnd) return NodeId{id};
  const NodeId id = NewRecord(name, Kind::kMissing);
  IndexName(Number(id));
  return id;
}

void Graph::LinkBefore(uint32_t id, uint32_t before) {
  const uint32_t previous = before == kEnd ? last_ : records_[before].previous;
  records_[id].previous = previous;
  records_[id].next = before;
  (previous == kEnd ? first_ : records_[previous].next) = id;
  (before == kEnd ? last_ : records_[before].previous) = id;
}

void Graph::Unlink(uint32_t id) {
  // `next` stays, so that a walk that stands on the erased node finds its way on.
  const uint32_t previous = records_[id].previous;
  const uint32_t next = records_[id].next;
  (previous == kEnd ? first_ : records_[previous].next) = next;
  (next == kEnd ? last_ : records_[next].previous) = previous;
}

// --- Edges.

uint32_t Graph::AddUse(NodeId producer, Use use) {
  PoolList& list = record(producer).uses;
  uses_.Append(list, use);
  return list.size - 1;
}

void Graph::RemoveUse(NodeId producer, uint32_t position) {
  PoolList& list = record(producer).uses;
  const absl::Span<Use> uses = uses_.Items(list);
  const uint32_t last = list.size - 1;
  if (position != last) {
    const Use moved = uses[last];
    uses[position] = moved;
    Record& user = record(moved.user);
    if (moved.slot == kControl) {
      controls_.Items(user.controls)[static_cast<size_t>(moved.index)].use = position;
    } else {
      inputs_.Items(user.inputs)[static_cast<size_t>(moved.slot)].use = position;
    }
  }
  uses_.RemoveLast(list);
}

void Graph::AppendInput(NodeId node, Output from, bool explicit_zero) {
  InputEdge edge;
  edge.node = from.node;
  edge.index = from.index;
  edge.explicit_zero = explicit_zero;
  edge.use = AddUse(from.node, {node, static_cast<int32_t>(record(node).inputs.size), from.index});
  inputs_.Append(record(node).inputs, edge);
}

void Graph::AppendControl(NodeId node, NodeId from) {
  ControlEdge edge;
  edge.node = from;
  edge.use = AddUse(from, {node, kControl, static_cast<int32_t>(record(node).controls.size)});
  controls_.Append(record(node).controls, edge);
}

void Graph::SetInput(Node node, int slot, Output from) {
  InputEdge& edge = inputs_.Items(record(node.id()).inputs)[static_cast<size_t>(slot)];
  if (edge == from) return;
  Touch(record(node.id()));
  RemoveUse(edge.node, edge.use);
  edge.node = from.node;
  edge.index = from.index;
  edge.explicit_zero = false;
  edge.use = AddUse(from.node, {node.id(), slot, from.index});
}

void Graph::AddInput(Node node, Output from) {
  Touch(record(node.id()));
  AppendInput(node.id(), from);
}

void Graph::RemoveInput(Node node, int slot) {
  Touch(record(node.id()));
  PoolList& list = record(node.id()).inputs;
  const absl::Span<InputEdge> edges = inputs_.Items(list);
  RemoveUse(edges[static_cast<size_t>(slot)].node, edges[static_cast<size_t>(slot)].use);
  for (size_t i = static_cast<size_t>(slot) + 1; i < edges.size(); ++i) {
    edges[i - 1] = edges[i];
    uses_.Items(record(edges[i].node).uses)[edges[i].use].slot = static_cast<int32_t>(i - 1);
  }
  inputs_.RemoveLast(list);
}

void Graph::AddControlInput(Node node, Node from) {
  if (node == from || HasControlEdge(node, from)) return;
  Touch(record(node.id()));
  AppendControl(node.id(), from.id());
}

bool Graph::HasControlEdge(Node node, Node from) {
  // Looked up on the shorter side: either may have a million edges, seldom both.
  if (node.control_inputs().size() <= from.uses().size()) {
    for (const ControlEdge& edge : node.control_inputs()) {
      if (edge.node == from.id()) return true;
    }
    return false;
  }
  for (const Use& use : from.uses()) {
    if (use.slot == kControl && use.user == node.id()) return true;
  }
  return false;
}

void Graph::RedirectControlInput(Node node, int position, Node from) {
  if (node == from || HasControlEdge(node, from)) {
    RemoveControlInput(node, position);
    return;
  }
  Touch(record(node.id()));
  ControlEdge& edge = controls_.Items(record(node.id()).controls)[static_cast<size_t>(position)];
  RemoveUse(edge.node, edge.use);
  edge.node = from.id();
  edge.use = AddUse(from.id(), {node.id(), kControl, position});
}

void Graph::RemoveControlInput(Node node, int position) {
  Touch(record(node.id()));
  PoolList& list = record(node.id()).controls;
  const absl::Span<ControlEdge> edges = controls_.Items(list);
  RemoveUse(edges[static_cast<size_t>(position)].node, edges[static_cast<size_t>(position)].use);
  const auto move = [&](size_t from, size_t to) {
    edges[to] = edges[from];
    uses_.Items(record(edges[to].node).uses)[edges[to].use].index = static_cast<int32_t>(to);
  };
  // A node that waits for a million others must not cost a million steps for each that goes.
  constexpr size_t kMostMoves = 64;
  const size_t first = static_cast<size_t>(position);
  if (edges.size() - first > kMostMoves) {
    move(edges.size() - 1, first);
  } else {
    for (size_t i = first + 1; i < edges.size(); ++i) move(i, i - 1);
  }
  controls_.RemoveLast(list);
}

void Graph::RemoveAllControlInputs(Node node) {
  PoolList& list = record(node.id()).controls;
  if (list.size == 0) return;
  Touch(record(node.id()));
  for (; list.size > 0; controls_.RemoveLast(list)) {
    const ControlEdge edge = controls_.Items(list).back();
    RemoveUse(edge.node, edge.use);
  }
}

void Graph::DropEdges(NodeId node) {
  Record& dropped = record(node);
  for (; dropped.inputs.size > 0; inputs_.RemoveLast(dropped.inputs)) {
    const InputEdge edge = inputs_.Items(dropped.inputs).back();
    RemoveUse(edge.node, edge.use);
  }
  for (; dropped.controls.size > 0; controls_.RemoveLast(dropped.controls)) {
    const ControlEdge edge = controls_.Items(dropped.controls).back();
    RemoveUse(edge.node, edge.use);
  }
  inputs_.Free(dropped.inputs);
  controls_.Free(dropped.controls);
}

// --- Nodes.

absl::StatusOr<Node> Graph::AddNode(absl::string_view name, absl::string_view op,
                                    absl::Span<const Output> inputs, Node before) {
  if (!IsName(name) || !IsName(op)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' (", op, ") is no valid name and op for a node"));
  }
  uint32_t id = Lookup(name);
  if (id != kEnd && records_[id].kind != Kind::kMissing) {
    return absl::AlreadyExistsError(
        absl::StrCat("there is a node '", name, "' (", Node(this, NodeId{id}).op(), ") already"));
  }
  if (id == kEnd) {
    id = Number(NewRecord(Keep(std::string(name)), Kind::kNode));
    IndexName(id);
  }
  records_[id].kind = Kind::kNode;
  records_[id].op = InternOp(op);
  LinkBefore(id, before ? Number(before.id()) : kEnd);
  ++num_nodes_;
  Touch(records_[id]);
  inputs_.Reserve(records_[id].inputs, static_cast<uint32_t>(inputs.size()));
  for (const Output& input : inputs) AppendInput(NodeId{id}, input);
  return Node(this, NodeId{id});
}

absl::StatusOr<Node> Graph::AddCopy(absl::string_view name, Node from, Node before) {
  absl::StatusOr<Node> node = AddNode(name, from.op(), {}, before);
  if (!node.ok()) return node;
  const Graph& source_graph = from.graph();
  const Record& source = source_graph.record(from.id());
  const uint32_t device = InternDevice(from.device());
  Record& copy = record(node->id());
  copy.device = device;
  copy.wire = source.wire;
  if (source.attrs != kFromWire) {
    copy.attrs = static_cast<uint32_t>(attr_lists_.size());
    attr_lists_.push_back(AttrList(source_graph.attr_lists_[source.attrs]));
  }
  return node;
}

void Graph::KeepAliveWith(const Graph& other) {
  owners_.insert(owners_.end(), other.owners_.begin(), other.owners_.end());
  owners_.push_back(other.kept_);
}

Node Graph::AddConst(absl::string_view stem, Tensor value, Node before) {
  const DataType dtype = value.dtype;
  const absl::StatusOr<std::string> proto = EncodeTensorProto(value);
  assert(proto.ok() && "a constant of a type that has no TensorProto form");
  const absl::StatusOr<Node> node = AddNode(UniqueName(stem), "Const", {}, before);
  assert(node.ok() && "UniqueName gave a name that is taken");
  SetAttr(*node, "dtype", AttrType(dtype));
  SetAttr(*node, "value", AttrTensor(*proto));
  return *node;
}

Node Graph::AddConst(absl::string_view stem, std::shared_ptr<const TensorSource> value, Node before) {
  const DataType dtype = value->dtype();
  const absl::StatusOr<Node> node = AddNode(UniqueName(stem), "Const", {}, before);
  assert(node.ok() && "UniqueName gave a name that is taken");
  SetAttr(*node, "dtype", AttrType(dtype));
  SetAttr(*node, "value", std::move(value));
  return *node;
}

std::string Graph::UniqueName(absl::string_view stem) const {
  if (Lookup(stem) == kEnd) return std::string(stem);
  for (uint32_t& i = next_suffix_[std::string(stem)];;) {
    std::string name = absl::StrCat(stem, "_", ++i);
    if (Lookup(name) == kEnd) return name;
  }
}

absl::Status Graph::Rename(Node node, absl::string_view name) {
  if (node.name() == name) return absl::OkStatus();
  if (!IsName(name))
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no valid name for a node"));
  if (const uint32_t other = Lookup(name); other != kEnd) {
    return absl::AlreadyExistsError(absl::StrCat("cannot rename node '", node.name(), "': there is a node '",
                                                 name, "' (", Node(this, NodeId{other}).op(), ") already"));
  }
  Record& renamed = record(node.id());
  UnindexName(Number(node.id()));
  bearer_.try_emplace(std::string(renamed.name), node.id());
  renamed.name = Keep(std::string(name));
  renamed.renamed = true;
  Touch(renamed);
  IndexName(Number(node.id()));
  return absl::OkStatus();
}

void Graph::SetOp(Node node, absl::string_view op) {
  if (node.op() == op) return;
  Touch(record(node.id()));
  const uint32_t id = InternOp(op);
  record(node.id()).op = id;
}

void Graph::SetDevice(Node node, absl::string_view device) {
  if (node.device() == device) return;
  Touch(record(node.id()));
  record(node.id()).device = InternDevice(device);
}

void Graph::Pin(Node node) { record(node.id()).pinned = true; }

absl::Status Graph::Replace(Node from, Node to) {
  if (from == to) return absl::InvalidArgumentError("a node cannot replace itself");
  while (!from.uses().empty()) {
    const Use use = from.uses().back();
    const Node user = node(use.user);
    if (use.slot != kControl) {
      SetInput(user, use.slot, to.out(user.input(use.slot).index));
    } else {
      RedirectControlInput(user, use.index, to);
    }
  }
  for (const ControlEdge& edge :
       std::vector<ControlEdge>(from.control_inputs().begin(), from.control_inputs().end())) {
    AddControlInput(to, node(edge.node));
  }
  const std::string name(from.name());
  if (from.pinned()) Pin(to);
  record(from.id()).pinned = false;
  RETURN_IF_ERROR(Erase(from));
  successor_[Number(from.id())] = to.id();
  return Rename(to, name);
}

absl::Status Graph::MergeInto(Node duplicate, Node survivor) {
  if (duplicate == survivor) return absl::InvalidArgumentError("a node is no duplicate of itself");
  if (duplicate.pinned()) {
    return absl::FailedPreconditionError(
        absl::StrCat("node '", duplicate.name(), "' is an input or output of the graph and must stay"));
  }
  while (!duplicate.uses().empty()) {
    const Use use = duplicate.uses().back();
    const Node user = node(use.user);
    if (use.slot != kControl) {
      SetInput(user, use.slot, survivor.out(user.input(use.slot).index));
    } else {
      RedirectControlInput(user, use.index, survivor);
    }
  }
  RETURN_IF_ERROR(Erase(duplicate));
  successor_[Number(duplicate.id())] = survivor.id();
  return absl::OkStatus();
}

absl::Status Graph::Bypass(Node bypassed, Output source) {
  if (bypassed.pinned()) {
    return absl::FailedPreconditionError(
        absl::StrCat("node '", bypassed.name(), "' is an input or output of the graph and must stay"));
  }
  if (!bypassed.OnlyOutputUsed(0)) {
    return absl::FailedPreconditionError(
        absl::StrCat("node '", bypassed.name(), "' has readers of more than its first output"));
  }
  const Node producer = node(source.node);
  if (producer == bypassed) {
    return absl::FailedPreconditionError(absl::StrCat("node '", bypassed.name(), "' reads itself"));
  }
  const std::vector<ControlEdge> inherited(bypassed.control_inputs().begin(),
                                           bypassed.control_inputs().end());
  while (!bypassed.uses().empty()) {
    const Use use = bypassed.uses().back();
    const Node user = node(use.user);
    if (use.slot != kControl) {
      SetInput(user, use.slot, source);
    } else {
      RedirectControlInput(user, use.index, producer);
    }
    for (const ControlEdge& edge : inherited) AddControlInput(user, node(edge.node));
  }
  RETURN_IF_ERROR(Erase(bypassed));
  successor_[Number(bypassed.id())] = producer.id();
  return absl::OkStatus();
}

absl::Status Graph::Erase(Node node) {
  const NodeId id = node.id();
  return Erase(absl::MakeConstSpan(&id, 1));
}

absl::Status Graph::Erase(absl::Span<const NodeId> dead) {
  // Marked first, so that readers among the dead do not count; a refusal takes the marks back.
  for (const NodeId id : dead) record(id).kind = Kind::kErased;
  for (const NodeId id : dead) {
    for (const Use& use : node(id).uses()) {
      if (record(use.user).kind == Kind::kErased) continue;
      for (const NodeId each : dead) record(each).kind = Kind::kNode;
      return absl::FailedPreconditionError(absl::StrCat("node '", node(id).name(), "' cannot be removed: '",
                                                        node(use.user).name(), "' reads it"));
    }
  }
  for (const NodeId id : dead) {
    DropEdges(id);
    Record& erased = record(id);
    bearer_.try_emplace(std::string(erased.name), id);
    UnindexName(Number(id));
    Unlink(Number(id));
    if (erased.attrs != kFromWire) attr_lists_[erased.attrs].clear();
    --num_nodes_;
    ++edits_;
  }
  for (const NodeId id : dead) uses_.Free(record(id).uses);
  return absl::OkStatus();
}

void Graph::SetOrder(absl::Span<const NodeId> order) {
  uint32_t position = first_;
  bool same = true;
  for (const NodeId id : order) {
    if (Number(id) != position) {
      same = false;
      break;
    }
    position = records_[position].next;
  }
  if (same) return;
  first_ = last_ = kEnd;
  for (const NodeId id : order) LinkBefore(Number(id), kEnd);
  ++edits_;
}

void Graph::Clear(Node node, absl::string_view op) {
  Record& cleared = record(node.id());
  Touch(cleared);
  DropEdges(node.id());
  cleared.op = InternOp(op);
  cleared.device = 0;
  cleared.wire = absl::string_view();
  EditableAttrs(cleared).clear();
}

}  // namespace cryograph
