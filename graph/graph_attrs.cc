// Attributes of nodes: read from the NodeDef's bytes until one is edited, then kept in a list sorted by key.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "graph/graph.h"

namespace cryograph {
namespace {

constexpr uint32_t kAttrField = 5;

// Splits a map entry of `attr`.
void DecodeEntry(absl::string_view entry, absl::string_view* key, absl::string_view* value) {
  *key = *value = absl::string_view();
  WireReader reader(entry);
  for (WireField field; reader.Next(&field);) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == 1) *key = field.bytes;
    if (field.number == 2) *value = field.bytes;
  }
}

}  // namespace

AttrView Node::attr(absl::string_view key) const {
  const Graph::Record& record = graph_->record(id_);
  if (record.attrs != Graph::kFromWire) {
    const Graph::AttrEntry* entry = graph_->FindEdited(record, key);
    if (entry == nullptr) return AttrView();
    return entry->source != nullptr ? AttrView(entry->source.get()) : AttrView(entry->value);
  }
  bool found = false;
  absl::string_view result;
  WireReader reader(record.wire);
  for (WireField field; reader.Next(&field);) {
    if (field.number != kAttrField) continue;
    absl::string_view entry_key, value;
    DecodeEntry(field.bytes, &entry_key, &value);
    if (entry_key == key) {
      found = true;
      result = value;
    }
  }
  return found ? AttrView(result) : AttrView();
}

std::vector<absl::string_view> Node::attr_keys() const {
  std::vector<absl::string_view> keys;
  const Graph::Record& record = graph_->record(id_);
  if (record.attrs != Graph::kFromWire) {
    for (const Graph::AttrEntry& entry : graph_->attr_lists_[record.attrs]) keys.push_back(entry.key);
    return keys;
  }
  WireReader reader(record.wire);
  for (WireField field; reader.Next(&field);) {
    if (field.number != kAttrField) continue;
    absl::string_view key, value;
    DecodeEntry(field.bytes, &key, &value);
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void Node::GetAttrs(std::vector<std::pair<absl::string_view, AttrView>>* attrs) const {
  attrs->clear();
  const Graph::Record& record = graph_->record(id_);
  if (record.attrs != Graph::kFromWire) {
    for (const Graph::AttrEntry& entry : graph_->attr_lists_[record.attrs]) {
      attrs->emplace_back(entry.key,
                          entry.source != nullptr ? AttrView(entry.source.get()) : AttrView(entry.value));
    }
    return;
  }
  bool sorted = true;
  WireReader reader(record.wire);
  for (WireField field; reader.Next(&field);) {
    if (field.number != kAttrField) continue;
    absl::string_view key, value;
    DecodeEntry(field.bytes, &key, &value);
    sorted = sorted && (attrs->empty() || attrs->back().first < key);
    attrs->emplace_back(key, AttrView(value));
  }
  if (sorted) return;
  std::stable_sort(attrs->begin(), attrs->end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  // Of equal keys the last one counts.
  size_t kept = 0;
  for (size_t i = 0; i < attrs->size(); ++i) {
    if (i + 1 < attrs->size() && (*attrs)[i].first == (*attrs)[i + 1].first) continue;
    (*attrs)[kept++] = (*attrs)[i];
  }
  attrs->resize(kept);
}

absl::StatusOr<Tensor> Node::constant() const {
  if (op() != "Const") {
    return absl::FailedPreconditionError(absl::StrCat("node '", name(), "' (", op(), ") is no Const"));
  }
  const AttrView value = attr("value");
  if (value.kind() != AttrView::kTensor) {
    return absl::InvalidArgumentError(
        absl::StrCat("node '", name(), "' (Const): attribute 'value' holds no tensor"));
  }
  if (value.tensor_source() != nullptr) return value.tensor_source()->Load();
  absl::StatusOr<Tensor> tensor = DecodeTensorProto(value.tensor_bytes(), nullptr);
  if (!tensor.ok()) {
    return absl::Status(tensor.status().code(),
                        absl::StrCat("node '", name(), "' (Const): ", tensor.status().message()));
  }
  return tensor;
}

Graph::AttrList Graph::SortedWireAttrs(absl::string_view wire) {
  AttrList list;
  WireReader reader(wire);
  for (WireField field; reader.Next(&field);) {
    if (field.number != kAttrField) continue;
    AttrEntry entry;
    DecodeEntry(field.bytes, &entry.key, &entry.value);
    list.push_back(std::move(entry));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const AttrEntry& a, const AttrEntry& b) { return a.key < b.key; });
  // Of entries with one key the last one counts.
  AttrList unique;
  for (AttrEntry& entry : list) {
    if (!unique.empty() && unique.back().key == entry.key) unique.pop_back();
    unique.push_back(std::move(entry));
  }
  return unique;
}

Graph::AttrList& Graph::EditableAttrs(Record& record) {
  if (record.attrs != kFromWire) return attr_lists_[record.attrs];
  record.attrs = static_cast<uint32_t>(attr_lists_.size());
  attr_lists_.push_back(SortedWireAttrs(record.wire));
  return attr_lists_.back();
}

const Graph::AttrEntry* Graph::FindEdited(const Record& record, absl::string_view key) const {
  const AttrList& list = attr_lists_[record.attrs];
  const auto found =
      std::lower_bound(list.begin(), list.end(), key,
                       [](const AttrEntry& entry, absl::string_view k) { return entry.key < k; });
  return found != list.end() && found->key == key ? &*found : nullptr;
}

void Graph::SetAttr(Node node, absl::string_view key, std::string value) {
  const AttrView old = node.attr(key);
  if (old.kind() != AttrView::kNone && old.tensor_source() == nullptr && old.bytes() == value) return;
  Touch(record(node.id()));
  AttrList& list = EditableAttrs(record(node.id()));
  auto place = std::lower_bound(list.begin(), list.end(), key,
                                [](const AttrEntry& entry, absl::string_view k) { return entry.key < k; });
  if (place == list.end() || place->key != key) {
    place = list.insert(place, AttrEntry());
    place->key = Keep(std::string(key));
  }
  place->value = Keep(std::move(value));
  place->source = nullptr;
}

void Graph::SetAttr(Node node, absl::string_view key, std::shared_ptr<const TensorSource> value) {
  SetAttr(node, key, std::string());
  Touch(record(node.id()));
  AttrList& list = EditableAttrs(record(node.id()));
  for (AttrEntry& entry : list) {
    if (entry.key == key) entry.source = std::move(value);
  }
}

bool Graph::RemoveAttr(Node node, absl::string_view key) {
  if (!node.has_attr(key)) return false;
  Touch(record(node.id()));
  AttrList& list = EditableAttrs(record(node.id()));
  list.erase(
      std::remove_if(list.begin(), list.end(), [&](const AttrEntry& entry) { return entry.key == key; }),
      list.end());
  return true;
}

void Graph::CopyAttrs(Node from, std::initializer_list<absl::string_view> keys, Node to) {
  for (const absl::string_view key : keys) {
    const Record& source = record(from.id());
    if (source.attrs != kFromWire) {
      if (const AttrEntry* entry = FindEdited(source, key); entry != nullptr && entry->source != nullptr) {
        SetAttr(to, key, entry->source);
        continue;
      }
    }
    if (const AttrView value = from.attr(key); value.kind() != AttrView::kNone) {
      SetAttr(to, key, std::string(value.bytes()));
    }
  }
}

}  // namespace cryograph
