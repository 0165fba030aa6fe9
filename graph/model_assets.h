// The files that a SavedModel brings along, and the tensors that are fed with their paths.
#ifndef CRYOGRAPH_GRAPH_MODEL_ASSETS_H_
#define CRYOGRAPH_GRAPH_MODEL_ASSETS_H_

#include <string>
#include <vector>

#include "graph/model.h"

namespace cryograph {

struct ModelAsset {
  std::string tensor;    // "ReadFile/filename:0"
  std::string filename;  // Below the SavedModel's folder assets/.
};

// Those of asset_file_def, where TensorFlow 2 has them, and then those of the collection saved_model_assets,
// where TensorFlow 1 does; each tensor once.
std::vector<ModelAsset> AssetsOf(const Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_MODEL_ASSETS_H_
