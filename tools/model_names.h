// The names in a model that a user can mean: what tools say when one of them is not there.
#ifndef CRYOGRAPH_TOOLS_MODEL_NAMES_H_
#define CRYOGRAPH_TOOLS_MODEL_NAMES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"

namespace cryograph {

// "^dense/BiasAdd:0" names the node dense/BiasAdd.
absl::string_view NodeNameOf(absl::string_view text);

// Nodes whose value nothing reads and that look like results (no update, save or summary op), in file order.
std::vector<std::string> LikelyOutputs(Model& model);

// A tensor of a signature: "serving_default: probabilities" and "softmax:0".
struct SignatureTensor {
  std::string signature, key, tensor;
};
// Outputs of the signatures of a MetaGraph or SavedModel, sorted by signature and key. Sparse ones are left
// out, and so are signatures for the loader ("__saved_model_init_op").
std::vector<SignatureTensor> SignatureOutputs(const Model& model);
std::vector<SignatureTensor> SignatureInputs(const Model& model);
// The tensors of SignatureOutputs(), each once.
std::vector<std::string> SignatureOutputTensors(const Model& model);

// By node id: whether one of `names`, nodes or tensors, is the node or depends on it. Names that the graph
// does not have are passed over.
std::vector<bool> NeededNodes(Graph& graph, const std::vector<std::string>& names);

// OK if every one of `names` (nodes or tensors) is a node of the main graph; else NotFound (CG101) for the
// first that is not, with the nearest names and what the graph ends in. `flag` is where the name stood
// ("--outputs").
absl::Status CheckNodesExist(Model& model, const std::vector<std::string>& names, absl::string_view flag);

// The usage error for an empty list of outputs (CG104), with the likely ones.
absl::Status NoOutputsGiven(Model& model, absl::string_view flag);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_MODEL_NAMES_H_
