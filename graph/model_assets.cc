#include "graph/model_assets.h"

#include <algorithm>

#include "absl/strings/string_view.h"
#include "base/wire.h"
#include "base/wire_field.h"

namespace cryograph {
namespace {

constexpr uint32_t kAssetFileDef = 6;  // Of MetaGraphDef.

// AssetFileDef: tensor_info (1) with name (1), filename (2).
void AddAsset(absl::string_view asset, std::vector<ModelAsset>* assets) {
  ModelAsset added{std::string(BytesField(BytesField(asset, 1), 1)), std::string(BytesField(asset, 2))};
  const bool known = std::any_of(assets->begin(), assets->end(),
                                 [&added](const ModelAsset& other) { return other.tensor == added.tensor; });
  if (!known) assets->push_back(std::move(added));
}

}  // namespace

std::vector<ModelAsset> AssetsOf(const Model& model) {
  std::vector<ModelAsset> assets;
  for (const RawField& field : model.meta_fields) {
    if (field.number == kAssetFileDef) AddAsset(field.payload, &assets);
  }
  // CollectionDef.any_list (5) of Any (1), whose value (2) is an AssetFileDef.
  WireReader collection(model.Collection("saved_model_assets"));
  WireField list, any;
  while (collection.Next(&list)) {
    if (list.number != 5 || list.type != WireType::kBytes) continue;
    WireReader values(list.bytes);
    while (values.Next(&any)) {
      if (any.number == 1 && any.type == WireType::kBytes) AddAsset(BytesField(any.bytes, 2), &assets);
    }
  }
  return assets;
}

}  // namespace cryograph
