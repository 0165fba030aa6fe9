#include "transforms/signatures.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Field numbers of MetaGraphDef, and of the messages inside it.
enum MetaField : uint32_t { kSaverDef = 3, kCollectionDef = 4, kSignatureDef = 5 };
enum MapField : uint32_t { kKey = 1, kValue = 2 };
enum SignatureField : uint32_t { kInputs = 1, kOutputs = 2 };
enum TensorInfoField : uint32_t { kTensorName = 1, kCooSparse = 4, kCompositeTensor = 5 };
enum SaverField : uint32_t { kFilenameTensor = 1, kSaveTensor = 2, kRestoreOp = 3 };
enum CollectionField : uint32_t { kNodeList = 1, kBytesList = 2 };
constexpr uint32_t kListValue = 1;  // Of NodeList and BytesList.
enum VariableField : uint32_t { kVariableName = 1, kInitializerName = 2, kSnapshotName = 3 };

std::vector<absl::string_view> AllBytes(absl::string_view message, uint32_t number) {
  std::vector<absl::string_view> found;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) found.push_back(field.bytes);
  }
  return found;
}

// The last of them counts, as in protobuf.
absl::string_view LastBytes(absl::string_view message, uint32_t number) {
  const std::vector<absl::string_view> all = AllBytes(message, number);
  return all.empty() ? absl::string_view() : all.back();
}

absl::string_view NodeOf(absl::string_view tensor) {
  absl::ConsumePrefix(&tensor, "^");
  return tensor.substr(0, tensor.find(':'));
}

void AddNode(absl::string_view tensor, std::vector<absl::string_view>* nodes) {
  if (const absl::string_view node = NodeOf(tensor); !node.empty()) nodes->push_back(node);
}

// Composite tensors may nest; the depth of messages was bounded when the file was read.
void AddTensorInfo(absl::string_view first, std::vector<absl::string_view>* nodes) {
  std::vector<absl::string_view> pending = {first};
  while (!pending.empty()) {
    const absl::string_view info = pending.back();
    pending.pop_back();
    AddNode(LastBytes(info, kTensorName), nodes);
    const absl::string_view sparse = LastBytes(info, kCooSparse);
    for (const uint32_t part : {1, 2, 3}) AddNode(LastBytes(sparse, part), nodes);
    for (const absl::string_view component : AllBytes(LastBytes(info, kCompositeTensor), 2)) {
      pending.push_back(component);
    }
  }
}

ContainerReference SignatureOf(absl::string_view entry) {
  ContainerReference reference;
  reference.what = absl::StrCat("signature '", LastBytes(entry, kKey), "'");
  const absl::string_view signature = LastBytes(entry, kValue);
  for (const uint32_t side : {kInputs, kOutputs}) {
    for (const absl::string_view each : AllBytes(signature, side)) {
      AddTensorInfo(LastBytes(each, kValue), &reference.nodes);
    }
  }
  return reference;
}

bool AnyMissing(Graph& graph, const std::vector<absl::string_view>& nodes) {
  for (const absl::string_view node : nodes) {
    if (!graph.Find(node)) return true;
  }
  return false;
}

// A VariableDef is told from other bytes by its first two fields, "v:0" and "v/Assign".
bool DanglingVariable(Graph& graph, absl::string_view bytes) {
  std::vector<absl::string_view> nodes;
  for (const uint32_t part : {kVariableName, kInitializerName, kSnapshotName})
    AddNode(LastBytes(bytes, part), &nodes);
  return AnyMissing(graph, nodes);
}

bool HoldsVariables(absl::string_view collection) { return absl::StrContains(collection, "variables"); }

// The collection entry without what dangles; true if something was removed.
bool CleanCollection(Graph& graph, absl::string_view entry, std::string* cleaned) {
  const absl::string_view key = LastBytes(entry, kKey), collection = LastBytes(entry, kValue);
  const absl::string_view node_list = LastBytes(collection, kNodeList),
                          bytes_list = LastBytes(collection, kBytesList);
  const bool is_nodes = !node_list.empty();
  if (!is_nodes && (bytes_list.empty() || !HoldsVariables(key))) return false;
  std::string list;
  bool removed = false;
  for (const absl::string_view value : AllBytes(is_nodes ? node_list : bytes_list, kListValue)) {
    if (is_nodes ? AnyMissing(graph, {NodeOf(value)}) : DanglingVariable(graph, value)) {
      removed = true;
    } else {
      AppendBytesField(kListValue, value, &list);
    }
  }
  if (!removed) return false;
  std::string new_collection;
  AppendBytesField(is_nodes ? kNodeList : kBytesList, list, &new_collection);
  AppendBytesField(kKey, key, cleaned);
  AppendBytesField(kValue, new_collection, cleaned);
  return true;
}

}  // namespace

std::vector<ContainerReference> Signatures(const Model& model) {
  std::vector<ContainerReference> signatures;
  for (const RawField& field : model.meta_fields) {
    if (field.number == kSignatureDef) signatures.push_back(SignatureOf(field.payload));
  }
  return signatures;
}

std::vector<std::string> DropDanglingReferences(Model& model) {
  std::vector<std::string> dropped;
  std::vector<RawField> fields;
  Graph& graph = model.graph();
  for (const RawField& field : model.meta_fields) {
    if (field.number == kSignatureDef) {
      const ContainerReference signature = SignatureOf(field.payload);
      if (AnyMissing(graph, signature.nodes)) {
        dropped.push_back(signature.what);
        continue;
      }
    } else if (field.number == kSaverDef) {
      std::vector<absl::string_view> nodes;
      for (const uint32_t part : {kFilenameTensor, kSaveTensor, kRestoreOp})
        AddNode(LastBytes(field.payload, part), &nodes);
      if (AnyMissing(graph, nodes)) {
        dropped.emplace_back("the saver");
        continue;
      }
    } else if (field.number == kCollectionDef) {
      std::string cleaned;
      if (CleanCollection(graph, field.payload, &cleaned)) {
        dropped.push_back(absl::StrCat("entries of collection '", LastBytes(field.payload, kKey), "'"));
        auto owned = std::make_shared<std::string>();
        AppendBytesField(kCollectionDef, cleaned, owned.get());
        const absl::string_view raw = *owned;
        fields.push_back({kCollectionDef, raw, raw.substr(raw.size() - cleaned.size())});
        model.KeepAlive(std::move(owned));
        continue;
      }
    }
    fields.push_back(field);
  }
  if (!dropped.empty()) model.meta_fields = std::move(fields);
  return dropped;
}

}  // namespace cryograph
