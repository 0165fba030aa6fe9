// The in-memory graph that all passes share: ids, interned names, use lists, over bytes that stay in the
// file.
#ifndef CRYOGRAPH_GRAPH_GRAPH_H_
#define CRYOGRAPH_GRAPH_GRAPH_H_

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "graph/pool_lists.h"
#include "graph/tensor.h"

namespace cryograph {

class Graph;

enum class NodeId : uint32_t {};  // Index in the Graph. An erased id is never handed out again.
inline constexpr NodeId kNoNode{0xffffffffu};

// TensorFlow writes it "name:index". In a function body `index` numbers a port text: Graph::PortText().
struct Output {
  NodeId node = kNoNode;
  int32_t index = 0;
  friend bool operator==(Output a, Output b) { return a.node == b.node && a.index == b.index; }
  friend bool operator!=(Output a, Output b) { return !(a == b); }
  template <typename H>
  friend H AbslHashValue(H h, Output output) {
    return H::combine(std::move(h), static_cast<uint32_t>(output.node), output.index);
  }
};

inline constexpr int32_t kControl = -1;

// A reader of a node. For a control edge slot == kControl, and `index` is the position among
// control_inputs().
struct Use {
  NodeId user = kNoNode;
  int32_t slot = 0;
  int32_t index = 0;
};

// An input edge as a node holds it: the Output it reads, and where the producer's use list has it.
struct InputEdge : Output {
  uint32_t use = 0;
  bool explicit_zero = false;  // The file spells it "name:0", and so does the writer.
};
struct ControlEdge {
  NodeId node = kNoNode;
  uint32_t use = 0;
};

// Defects that a Graph can hold so that lint can name them; a bit mask for each node. The writer refuses them
// all.
enum NodeDefect : uint8_t {
  kDefectNone = 0,
  kDefectDuplicateName = 1,      // An earlier node has this name; references go to the last bearer.
  kDefectControlBeforeData = 2,  // The file had a data input after a control input.
  kDefectBadInputText = 4,  // "^", "", "a:b", a port that is no int32 …: it reads a missing node named so.
  kDefectBadNodeText = 8,   // An empty name or op.
};

// Handle to a node; copy it freely. Spans it returns end with the next edit of the graph.
class Node {
 public:
  Node() = default;
  Node(Graph* graph, NodeId id) : graph_(graph), id_(id) {}

  explicit operator bool() const {
    return graph_ != nullptr && id_ != kNoNode;
  }  // False for Find()'s null handle.
  friend bool operator==(Node a, Node b) { return a.graph_ == b.graph_ && a.id_ == b.id_; }
  friend bool operator!=(Node a, Node b) { return !(a == b); }

  NodeId id() const { return id_; }
  Graph& graph() const { return *graph_; }
  absl::string_view name() const;    // "block1/conv", unique in the graph.
  absl::string_view op() const;      // "Conv2D"
  int op_id() const;                 // Interned: equal types have equal numbers; see Graph::OpId().
  absl::string_view device() const;  // Empty: anywhere.

  // True for a name that is read but that no node of the file bears. Such a node is in no NodeRange; only
  // input_node() leads to it. AddNode() of that name makes it real.
  bool is_missing() const;
  // True for an argument of a function body (op "_Arg"); in no NodeRange either.
  bool is_argument() const;
  uint8_t defects() const;

  int num_inputs() const;  // Data inputs only.
  Output input(int slot) const;
  Node input_node(int slot) const;
  absl::Span<const InputEdge> inputs() const;
  absl::Span<const ControlEdge> control_inputs() const;
  Output out(int index = 0) const { return {id_, index}; }
  absl::Span<const Use> uses()
      const;  // Every reader, data and control, in no particular but a deterministic order.
  bool OnlyOutputUsed(int index) const;  // No data reader of another output; control readers do not count.
  bool HasControlReaders() const;

  bool pinned() const;  // Input, output or --keep: its name is a promise to the user.

  // Attributes. The view is of the AttrValue's bytes; AttrView::kNone if there is no such attribute.
  AttrView attr(absl::string_view key) const;
  // T is bool, int64_t, int32_t, float, absl::string_view, std::string or DataType; `fallback` if the
  // attribute is absent or of another kind. The caller knows the op's default.
  template <typename T>
  T attr(absl::string_view key, T fallback) const {
    return attr(key).Get<T>(std::move(fallback));
  }
  bool has_attr(absl::string_view key) const { return attr(key).kind() != AttrView::kNone; }
  // Every key, sorted as raw bytes. A key that stands twice in the file is here once (its last value counts).
  std::vector<absl::string_view> attr_keys() const;
  // Every attribute with its value, sorted by key, in one walk. `attrs` is overwritten.
  void GetAttrs(std::vector<std::pair<absl::string_view, AttrView>>* attrs) const;

  // The value of a Const, fetched and expanded; not copied where the file holds it in one piece.
  // FailedPrecondition if the node is no Const; InvalidArgument if its tensor is malformed.
  absl::StatusOr<Tensor> constant() const;

 private:
  Graph* graph_ = nullptr;
  NodeId id_ = kNoNode;
};

// Nodes in order. Edit while walking: erased nodes are skipped, nodes added since the walk began are not
// visited.
class NodeRange {
 public:
  class Iterator {
   public:
    Iterator(Graph* graph, NodeId id, uint32_t limit) : graph_(graph), id_(id), limit_(limit) {
      SkipOthers();
    }
    Node operator*() const { return Node(graph_, id_); }
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return id_ != other.id_; }

   private:
    void SkipOthers();
    Graph* graph_;
    NodeId id_;
    uint32_t limit_;
  };
  NodeRange(Graph* graph, NodeId first, uint32_t limit) : graph_(graph), first_(first), limit_(limit) {}
  Iterator begin() const { return Iterator(graph_, first_, limit_); }
  Iterator end() const { return Iterator(graph_, kNoNode, limit_); }

 private:
  Graph* graph_;
  NodeId first_;
  uint32_t limit_;
};

// Every verb keeps both ends of each edge, the names and the control edges right; none is linear in the
// readers of a node but those that must visit each of them (Replace, Bypass, uses()). Movable, not copyable.
// Not thread safe.
class Graph {
 public:
  Graph();
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;
  // A graph of its own that shares all bytes with this one: the price is the index, not the weights. Handles
  // and ids mean the same in both.
  Graph Clone() const { return *this; }

  NodeRange nodes();
  int num_nodes() const { return num_nodes_; }  // Real nodes that nodes() visits.
  uint32_t id_limit() const {
    return static_cast<uint32_t>(records_.size());
  }  // All ids are below; for side tables.
  Node node(NodeId id) { return Node(this, id); }
  bool alive(NodeId id) const;               // A real node that is not erased.
  Node Find(absl::string_view name);         // Null handle if no real node has that name.
  uint64_t edits() const { return edits_; }  // Grows with every real change.

  // Interned number of an op type, -1 if no node ever had it.
  int OpId(absl::string_view op) const;
  absl::string_view OpName(int op_id) const;
  int num_ops() const { return static_cast<int>(ops_.size()); }

  // --- Nodes.
  // Adds at the end, or before `before`. AlreadyExists if the name is taken; InvalidArgument for a name or an
  // op that TensorFlow would refuse to import (empty, or with a character outside [A-Za-z0-9_.\\-/>]).
  absl::StatusOr<Node> AddNode(absl::string_view name, absl::string_view op, absl::Span<const Output> inputs,
                               Node before = Node());
  // A Const named `stem` or, if that is taken, UniqueName(stem); attributes dtype and value only.
  Node AddConst(absl::string_view stem, Tensor value, Node before = Node());
  // The same for a value that is fetched when the graph is written.
  Node AddConst(absl::string_view stem, std::shared_ptr<const TensorSource> value, Node before = Node());
  // A node with the op, device, attributes and uninterpreted fields of `from`, which may be a node of another
  // graph; without edges and pin. Bytes are shared, not copied: KeepAliveWith(from.graph()) once keeps them.
  // Errors as AddNode().
  absl::StatusOr<Node> AddCopy(absl::string_view name, Node from, Node before = Node());
  std::string UniqueName(
      absl::string_view stem) const;  // `stem`, or stem_1, stem_2 …: the first that is free.

  // AlreadyExists if another node has the name. Readers follow. Colocations follow with FixColocations().
  absl::Status Rename(Node node, absl::string_view name);
  void SetOp(Node node, absl::string_view op);
  void SetDevice(Node node, absl::string_view device);
  void Pin(Node node);

  // --- Edges.
  void SetInput(Node node, int slot, Output from);
  void AddInput(Node node, Output from);
  void RemoveInput(Node node, int slot);
  void AddControlInput(Node node, Node from);  // Does nothing if it is there already, or node == from.
  // `position` is one among control_inputs(). Those behind it move up by one; if they are many (more than
  // 64), the last one alone takes its place.
  void RemoveControlInput(Node node, int position);
  void RemoveAllControlInputs(Node node);
  bool HasControlEdge(Node node, Node from);
  // The control input at `position` comes from `from` instead; it goes if there is one from there already.
  void RedirectControlInput(Node node, int position, Node from);

  // `to` takes over name, pin, readers (output k of `from` becomes output k of `to`) and control inputs;
  // `from` is erased. `to` must not be `from`.
  absl::Status Replace(Node from, Node to);
  // Readers of output 0 read `source` instead; control readers wait for source's node; the readers inherit
  // the node's control inputs; the node is erased. FailedPrecondition if another output is read, or if the
  // node is pinned.
  absl::Status Bypass(Node node, Output source);
  // Readers of `duplicate`, of any output and by control, read `survivor` instead, which computes the same;
  // `duplicate` is erased. FailedPrecondition if it is pinned; InvalidArgument if the two are one.
  absl::Status MergeInto(Node duplicate, Node survivor);
  // FailedPrecondition, naming a reader, if one is left.
  absl::Status Erase(Node node);
  // All at once, in any order; FailedPrecondition if a node outside `dead` reads one inside.
  absl::Status Erase(absl::Span<const NodeId> dead);

  // Makes `order` (every live node once) the order of nodes().
  void SetOrder(absl::Span<const NodeId> order);
  // Turns `node` into another op in place: new op, no inputs, no control inputs, no attributes, no device.
  void Clear(Node node, absl::string_view op);

  // --- Attributes. Values are serialized AttrValues (graph/attr.h makes them).
  void SetAttr(Node node, absl::string_view key, std::string value);
  void SetAttr(Node node, absl::string_view key, std::shared_ptr<const TensorSource> value);
  bool RemoveAttr(Node node, absl::string_view key);  // False if it was not there.
  // Value bytes are kept as they are, even if InvalidArgument to TensorFlow. Keys that `from` lacks are
  // skipped.
  void CopyAttrs(Node from, std::initializer_list<absl::string_view> keys, Node to);

  // Colocation names nodes in strings (_class: "loc:@name"). Rename, Replace, Bypass and Erase remember what
  // became of a name; this rewrites all of them in one walk: a renamed or replaced node's new name; an entry
  // whose node is gone is dropped. The pass manager calls it after every pass. Returns the number of entries
  // dropped.
  int FixColocations();

  // --- Function bodies only.
  bool is_function() const { return is_function_; }
  absl::string_view PortText(int32_t index) const;  // ":sum:0"; empty for index 0, which is an argument's.
  // The index that stands for such a text in this body.
  int32_t PortIndex(absl::string_view text) { return InternPort(text); }

  // Keeps `text` alive as long as the graph.
  absl::string_view Keep(std::string text);
  void KeepAlive(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }
  // All bytes that nodes of `other` show now live as long as this graph.
  void KeepAliveWith(const Graph& other);

 private:
  friend class Node;
  friend class NodeRange::Iterator;
  friend class NodeImporter;
  friend class NodeEncoder;

  enum class Kind : uint8_t { kNode, kMissing, kArgument, kErased };

  struct Record {
    absl::string_view name;
    absl::string_view
        wire;  // NodeDef of the file, if any: attributes not yet edited, fields we do not interpret.
    PoolList inputs, controls, uses;
    uint32_t op = 0, device = 0;
    uint32_t attrs = kFromWire;  // Index in attr_lists_, once an attribute was edited.
    uint32_t previous = kEnd, next = kEnd;
    Kind kind = Kind::kNode;
    bool pinned = false;
    bool verbatim = false;  // `wire` is what the writer would write: nothing was edited and it was canonical.
    bool renamed = false;   // The readers' `wire` has another name than this.
    uint8_t defects = 0;
  };
  Graph(const Graph&) = default;  // Clone() alone: a copy is never meant by accident.

  static constexpr uint32_t kFromWire = 0xffffffffu;
  static constexpr uint32_t kEnd = 0xffffffffu;

  // One attribute of an edited node: serialized AttrValue, or a value that is fetched on writing.
  struct AttrEntry {
    absl::string_view key;
    absl::string_view value;
    std::shared_ptr<const TensorSource> source;
  };
  using AttrList = std::vector<AttrEntry>;  // Sorted by key.

  Record& record(NodeId id) { return records_[static_cast<uint32_t>(id)]; }
  const Record& record(NodeId id) const { return records_[static_cast<uint32_t>(id)]; }
  uint32_t InternOp(absl::string_view op);
  uint32_t InternDevice(absl::string_view device);
  NodeId NewRecord(absl::string_view name, Kind kind);
  NodeId FindOrMissing(
      absl::string_view name);  // For import: the bearer of the name, made as missing if there is none.
  uint32_t Lookup(absl::string_view name) const;  // kEnd if unknown.
  uint32_t IndexName(uint32_t id);                // Returns whom the name led to before, kEnd if to nobody.
  void ReserveNames(size_t count);
  void UnindexName(uint32_t id);
  void LinkBefore(uint32_t id, uint32_t before);
  void Unlink(uint32_t id);
  void Touch(Record& record) {
    record.verbatim = false;
    ++edits_;
  }
  uint32_t AddUse(NodeId producer, Use use);
  void RemoveUse(NodeId producer, uint32_t position);
  void AppendInput(NodeId node, Output from, bool explicit_zero = false);
  void AppendControl(NodeId node, NodeId from);
  void DropEdges(NodeId node);
  static AttrList SortedWireAttrs(absl::string_view wire);
  AttrList& EditableAttrs(Record& record);
  const AttrEntry* FindEdited(const Record& record, absl::string_view key) const;
  int32_t InternPort(absl::string_view text);

  std::vector<Record> records_;
  PoolLists<InputEdge> inputs_;
  PoolLists<ControlEdge> controls_;
  PoolLists<Use> uses_;
  std::vector<absl::string_view> ops_, devices_, ports_;
  absl::flat_hash_map<absl::string_view, uint32_t> op_ids_, device_ids_, port_ids_;
  // Open addressing: ids by hash of their record's name; the hash's low half saves looking at most other
  // names.
  struct NameSlot {
    uint32_t id = kEnd;
    uint32_t hash = 0;
  };
  std::vector<NameSlot> name_table_;
  size_t names_used_ = 0;  // Slots of name_table_ that are not empty.
  std::vector<AttrList> attr_lists_;
  // Since the last FixColocations(): who bore a name that was given up, and who stands for a node that was
  // erased.
  absl::flat_hash_map<std::string, NodeId> bearer_;
  absl::flat_hash_map<uint32_t, NodeId> successor_;
  // Texts that views show; shared with clones, which may add to it, too.
  std::shared_ptr<std::deque<std::string>> kept_ = std::make_shared<std::deque<std::string>>();
  std::vector<std::shared_ptr<const void>> owners_;
  uint32_t first_ = kEnd, last_ = kEnd;
  mutable absl::flat_hash_map<std::string, uint32_t> next_suffix_;  // Where UniqueName() looks on.
  int num_nodes_ = 0;
  uint64_t edits_ = 0;
  bool is_function_ = false;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_GRAPH_H_
