#include "graph/node_import.h"

#include <limits>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

enum NodeDefField : uint32_t { kName = 1, kOp = 2, kInput = 3, kDevice = 4, kAttr = 5, kLastKnown = 7 };

// True if `field` stands as a deterministic writer puts it: the shortest varints.
bool IsMinimal(const WireField& field) {
  return field.type == WireType::kBytes &&
         field.raw.size() == BytesFieldSize(field.number, field.bytes.size());
}

// True if the map entry is key then value, each once, minimally encoded; gives the key.
bool IsCanonicalEntry(absl::string_view entry, absl::string_view* key) {
  WireReader reader(entry);
  WireField field;
  if (!reader.Next(&field) || field.number != 1 || !IsMinimal(field)) return false;
  *key = field.bytes;
  if (!reader.Next(&field) || field.number != 2 || !IsMinimal(field)) return false;
  return !reader.Next(&field) && reader.ok();
}

// Watches the fields of one NodeDef: is it what NodeEncoder would write?
class CanonicalCheck {
 public:
  void See(const WireField& field) {
    const bool repeated = field.number == kInput || field.number == kAttr || field.number > kLastKnown;
    if (field.number < last_ || (field.number == last_ && !repeated)) canonical_ = false;
    last_ = field.number;
    if (field.number > kAttr) return;
    if (!IsMinimal(field)) canonical_ = false;
    if (field.number != kInput && field.bytes.empty()) canonical_ = false;
    if (field.number == kAttr) {
      absl::string_view key;
      if (!IsCanonicalEntry(field.bytes, &key) || (attrs_ > 0 && key <= last_key_)) canonical_ = false;
      last_key_ = key;
      ++attrs_;
    }
  }
  bool canonical() const { return canonical_; }

 private:
  bool canonical_ = true;
  uint32_t last_ = 0;
  int attrs_ = 0;
  absl::string_view last_key_;
};

// Reads decimal digits into a port number.
bool ParsePort(absl::string_view digits, int32_t* port) {
  if (digits.empty()) return false;
  int64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
    if (value > std::numeric_limits<int32_t>::max()) return false;
  }
  *port = static_cast<int32_t>(value);
  return true;
}

}  // namespace

void NodeImporter::AddArgument(absl::string_view name) {
  const NodeId id = graph_.NewRecord(name, Graph::Kind::kArgument);
  graph_.record(id).op = graph_.InternOp("_Arg");
  graph_.IndexName(static_cast<uint32_t>(id));
}

void NodeImporter::AddInput(NodeId node, absl::string_view text) {
  const auto bad = [&](absl::string_view name) {
    graph_.record(node).defects |= kDefectBadInputText;
    return graph_.FindOrMissing(name);
  };
  if (!text.empty() && text[0] == '^') {
    const absl::string_view name = text.substr(1);
    const bool is_bad = name.empty() || name.find(':') != absl::string_view::npos || name[0] == '^';
    graph_.AppendControl(node, is_bad ? bad(name) : graph_.FindOrMissing(name));
    return;
  }
  if (graph_.record(node).controls.size > 0) graph_.record(node).defects |= kDefectControlBeforeData;
  if (graph_.is_function_) {
    const size_t colon = text.find(':');
    const absl::string_view name = text.substr(0, colon);
    const NodeId producer = name.empty() ? bad(name) : graph_.FindOrMissing(name);
    const absl::string_view port =
        colon == absl::string_view::npos ? absl::string_view() : text.substr(colon);
    graph_.AppendInput(node, {producer, graph_.InternPort(port)});
    return;
  }
  const size_t colon = text.rfind(':');
  const absl::string_view name = text.substr(0, colon);
  int32_t port = 0;
  if (name.empty() || name.find(':') != absl::string_view::npos ||
      (colon != absl::string_view::npos && !ParsePort(text.substr(colon + 1), &port))) {
    graph_.AppendInput(node, {bad(text), 0});
    return;
  }
  graph_.AppendInput(node, {graph_.FindOrMissing(name), port}, colon != absl::string_view::npos && port == 0);
}

void NodeImporter::AddNodes(const std::vector<absl::string_view>& nodes) {
  const uint32_t first = graph_.id_limit();
  graph_.records_.reserve(first + nodes.size());
  graph_.ReserveNames(first + nodes.size());
  for (const absl::string_view wire : nodes) {
    absl::string_view name, op, device;
    CanonicalCheck check;
    uint32_t num_inputs = 0, num_controls = 0;
    WireReader reader(wire);
    for (WireField field; reader.Next(&field);) {
      check.See(field);
      switch (field.number) {
        case kName:
          name = field.bytes;
          break;
        case kOp:
          op = field.bytes;
          break;
        case kInput:
          ++(!field.bytes.empty() && field.bytes[0] == '^' ? num_controls : num_inputs);
          break;
        case kDevice:
          device = field.bytes;
          break;
        default:
          break;
      }
    }
    const NodeId id = graph_.NewRecord(name, Graph::Kind::kNode);
    Graph::Record& record = graph_.record(id);
    record.wire = wire;
    record.verbatim = check.canonical();
    record.op = graph_.InternOp(op);
    record.device = graph_.InternDevice(device);
    if (name.empty() || op.empty()) record.defects |= kDefectBadNodeText;
    graph_.inputs_.Reserve(record.inputs, num_inputs);
    graph_.controls_.Reserve(record.controls, num_controls);
    if (graph_.IndexName(static_cast<uint32_t>(id)) != Graph::kEnd) record.defects |= kDefectDuplicateName;
    graph_.LinkBefore(static_cast<uint32_t>(id), Graph::kEnd);
    ++graph_.num_nodes_;
  }
  const uint32_t end = graph_.id_limit();
  for (uint32_t i = first; i < end; ++i) {
    WireReader reader(graph_.records_[i].wire);
    for (WireField field; reader.Next(&field);) {
      if (field.number == kInput) AddInput(NodeId{i}, field.bytes);
      if (field.number > kInput && graph_.records_[i].verbatim) break;
    }
  }
}

absl::StatusOr<Node> NodeImporter::AddCopy(absl::string_view name, Node of) {
  const Graph& other = of.graph();
  ASSIGN_OR_RETURN(const Node copy, graph_.AddNode(name, of.op(), {}));
  if (copied_from_ != &other) {
    copied_from_ = &other;
    graph_.owners_.push_back(other.kept_);
    graph_.owners_.insert(graph_.owners_.end(), other.owners_.begin(), other.owners_.end());
  }
  const Graph::Record& source = other.record(of.id());
  Graph::Record& made = graph_.record(copy.id());
  made.wire = source.wire;
  made.device = graph_.InternDevice(of.device());
  if (source.attrs != Graph::kFromWire) {
    Graph::AttrList attrs = other.attr_lists_[source.attrs];
    made.attrs = static_cast<uint32_t>(graph_.attr_lists_.size());
    graph_.attr_lists_.push_back(std::move(attrs));
  }
  return copy;
}

}  // namespace cryograph
