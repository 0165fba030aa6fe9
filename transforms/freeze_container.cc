#include "transforms/freeze_container.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Field numbers of MetaGraphDef.
constexpr uint32_t kSaverDef = 3, kCollectionDef = 4, kSignatureDef = 5, kAssetFileDef = 6,
                   kObjectGraphDef = 7;

bool IsBytes(const WireField& field, uint32_t number) {
  return field.number == number && field.type == WireType::kBytes;
}

class Fitter {
 public:
  explicit Fitter(Model& model) : model_(model), graph_(model.graph()) {}

  std::vector<std::string> Run() {
    std::vector<RawField> fields;
    for (RawField& field : model_.meta_fields) {
      switch (field.number) {
        case kSaverDef:
        case kObjectGraphDef:
          continue;
        case kCollectionDef:
          if (!KeepsCollection(field.payload)) continue;
          break;
        case kSignatureDef:
          if (!FitSignature(field)) continue;
          break;
        case kAssetFileDef:
          if (!TensorInField(field.payload, 1)) continue;
          break;
        default:
          break;
      }
      fields.push_back(field);
    }
    model_.meta_fields = std::move(fields);
    return std::move(lines_);
  }

 private:
  bool HasNode(absl::string_view tensor) {
    return static_cast<bool>(graph_.Find(tensor.substr(0, tensor.find(':'))));
  }

  // True if every tensor that a TensorInfo names is there: name (1), coo_sparse (4: three names),
  // composite_tensor (5: components (2) are TensorInfos).
  bool HasTensors(absl::string_view info, int depth = 0) {
    WireReader reader(info);
    WireField field, part;
    while (reader.Next(&field)) {
      if (IsBytes(field, 1) && !HasNode(field.bytes)) return false;
      if (IsBytes(field, 4)) {
        WireReader names(field.bytes);
        while (names.Next(&part)) {
          if (part.number <= 3 && part.type == WireType::kBytes && !HasNode(part.bytes)) return false;
        }
      }
      if (IsBytes(field, 5)) {
        if (depth > 50) return false;
        WireReader components(field.bytes);
        while (components.Next(&part)) {
          if (IsBytes(part, 2) && !HasTensors(part.bytes, depth + 1)) return false;
        }
      }
    }
    return true;
  }

  // The TensorInfo in field `number` of a message, if there is one, names tensors that are there.
  bool TensorInField(absl::string_view message, uint32_t number) {
    WireReader reader(message);
    WireField field;
    while (reader.Next(&field)) {
      if (IsBytes(field, number)) return HasTensors(field.bytes);
    }
    return true;
  }

  // A collection is a list of nodes (1), which must all be there, or of assets (5); others are about
  // variables and about how the graph was built.
  bool KeepsCollection(absl::string_view entry) {
    WireReader map(entry);
    WireField part, list, value;
    bool kept = false;
    while (map.Next(&part)) {
      if (!IsBytes(part, 2)) continue;
      WireReader collection(part.bytes);
      while (collection.Next(&list)) {
        if (!IsBytes(list, 1) && !IsBytes(list, 5)) return false;
        kept = true;
        WireReader nodes(IsBytes(list, 1) ? list.bytes : absl::string_view());
        while (nodes.Next(&value)) {
          if (IsBytes(value, 1) && !HasNode(value.bytes)) return false;
        }
      }
    }
    return kept;
  }

  // False if the signature must go. An entry of MetaGraphDef.signature_def: key (1), SignatureDef (2) with
  // maps of inputs (1) and outputs (2) from names to TensorInfos.
  bool FitSignature(RawField& field) {
    WireReader map(field.payload);
    WireField part;
    absl::string_view name, signature;
    std::string rest;
    while (map.Next(&part)) {
      if (IsBytes(part, 1)) name = part.bytes;
      if (IsBytes(part, 2)) {
        signature = part.bytes;
      } else {
        rest.append(part.raw.data(), part.raw.size());
      }
    }
    const bool internal = absl::StartsWith(name, "__saved_model_");
    std::string fitted;
    std::vector<std::string> gone;
    int outputs = 0;
    WireReader reader(signature);
    while (reader.Next(&part)) {
      if (IsBytes(part, 1) || IsBytes(part, 2)) {
        if (!TensorInField(part.bytes, 2)) {
          WireReader entry(part.bytes);
          WireField key;
          while (entry.Next(&key)) {
            if (IsBytes(key, 1))
              gone.push_back(absl::StrCat(part.number == 1 ? "input '" : "output '", key.bytes, "'"));
          }
          continue;
        }
        if (part.number == 2) ++outputs;
      }
      fitted.append(part.raw.data(), part.raw.size());
    }
    if (gone.empty()) return true;
    if (outputs == 0) {
      if (!internal)
        lines_.push_back(
            absl::StrCat("signature '", name, "' was removed: the graph has none of its outputs"));
      return false;
    }
    for (const std::string& what : gone) {
      if (!internal)
        lines_.push_back(absl::StrCat("signature '", name, "': ", what, " was removed with its node"));
    }
    AppendBytesField(2, fitted, &rest);
    auto bytes = std::make_shared<std::string>();
    AppendBytesField(kSignatureDef, rest, bytes.get());
    field.raw = *bytes;
    field.payload = field.raw.substr(field.raw.size() - rest.size());
    model_.KeepAlive(bytes);
    return true;
  }

  Model& model_;
  Graph& graph_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> FitContainerToGraph(Model& model) { return Fitter(model).Run(); }

}  // namespace cryograph
