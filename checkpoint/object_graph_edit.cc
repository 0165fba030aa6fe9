#include "checkpoint/object_graph_edit.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Field numbers of TrackableObjectGraph and its parts.
constexpr uint32_t kNodes = 1, kAttributes = 2, kSlotVariables = 3, kCheckpointKey = 3, kSlotVariableNode = 3;

absl::Status Damaged(const WireReader& reader) {
  return absl::DataLossError(
      absl::StrCat("the object graph cannot be read at byte ", reader.position(), " of one of its messages"));
}

// A TrackableObject's attributes that stay, and how many there were.
struct EditedNode {
  std::vector<std::string> attributes;  // One for each that was there; empty: it goes.
  bool lost_all = false;
};

absl::StatusOr<std::string> EditAttribute(
    absl::string_view attribute,
    absl::FunctionRef<absl::optional<std::string>(absl::string_view key)> new_key) {
  absl::string_view key;
  std::string rest;
  WireReader reader(attribute);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == kCheckpointKey && field.type == WireType::kBytes) {
      key = field.bytes;
    } else {
      absl::StrAppend(&rest, field.raw);
    }
  }
  if (!reader.ok()) return Damaged(reader);
  const absl::optional<std::string> renamed = new_key(key);
  if (!renamed.has_value()) return std::string();
  if (*renamed == key) return std::string(attribute);
  AppendBytesField(kCheckpointKey, *renamed, &rest);
  return rest;
}

absl::StatusOr<std::string> RewriteNode(absl::string_view node, const EditedNode& edited,
                                        const std::vector<EditedNode>& all) {
  std::string result;
  size_t attribute = 0;
  WireReader reader(node);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == kAttributes && field.type == WireType::kBytes) {
      const std::string& bytes = edited.attributes[attribute++];
      if (!bytes.empty()) AppendBytesField(kAttributes, bytes, &result);
      continue;
    }
    if (field.number == kSlotVariables && field.type == WireType::kBytes) {
      WireReader slot(field.bytes);
      WireField part;
      bool lost = false;
      while (slot.Next(&part)) {
        if (part.number != kSlotVariableNode || part.type != WireType::kVarint) continue;
        lost = part.varint < all.size() && all[static_cast<size_t>(part.varint)].lost_all;
      }
      if (!slot.ok()) return Damaged(slot);
      if (lost) continue;
    }
    absl::StrAppend(&result, field.raw);
  }
  return result;
}

}  // namespace

absl::StatusOr<std::string> EditObjectGraph(
    absl::string_view graph, absl::FunctionRef<absl::optional<std::string>(absl::string_view key)> new_key) {
  std::vector<EditedNode> nodes;
  WireReader reader(graph);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number != kNodes || field.type != WireType::kBytes) continue;
    EditedNode& node = nodes.emplace_back();
    WireReader object(field.bytes);
    WireField part;
    while (object.Next(&part)) {
      if (part.number != kAttributes || part.type != WireType::kBytes) continue;
      ASSIGN_OR_RETURN(node.attributes.emplace_back(), EditAttribute(part.bytes, new_key));
      node.lost_all = node.attributes.size() == 1 || node.lost_all;
      node.lost_all = node.lost_all && node.attributes.back().empty();
    }
    if (!object.ok()) return Damaged(object);
  }
  if (!reader.ok()) return Damaged(reader);
  std::string result;
  size_t next = 0;
  reader = WireReader(graph);
  while (reader.Next(&field)) {
    if (field.number != kNodes || field.type != WireType::kBytes) {
      absl::StrAppend(&result, field.raw);
      continue;
    }
    ASSIGN_OR_RETURN(const std::string node, RewriteNode(field.bytes, nodes[next], nodes));
    ++next;
    AppendBytesField(kNodes, node, &result);
  }
  return result;
}

}  // namespace cryograph
