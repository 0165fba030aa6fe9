// Makes signatures out of names of tensors.
#ifndef CRYOGRAPH_GRAPH_SIGNATURE_MAKER_H_
#define CRYOGRAPH_GRAPH_SIGNATURE_MAKER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"
#include "graph/proto/meta_graph.pb.h"

namespace cryograph {

// A tensor that a signature offers. The key may be empty: then it is the node's last path component, the
// whole path (with '/' as '_') where two share that one.
struct SignatureEntry {
  std::string key, tensor;  // "x" or "x:0".
};

// A signature of these tensors, with the dtypes and shapes that the graph knows. InvalidArgument for a tensor
// that the graph does not have, with near names, and for a key that stands twice.
absl::StatusOr<tensorflow::SignatureDef> MakeSignature(Model& model,
                                                       const std::vector<SignatureEntry>& inputs,
                                                       const std::vector<SignatureEntry>& outputs,
                                                       absl::string_view method_name);

// Nodes that the tensors of a signature name and that the graph does not have; empty if it can be run.
std::vector<std::string> MissingTensors(const tensorflow::SignatureDef& signature, Graph& graph);

// Drops signatures of `meta_graph` whose tensors the graph does not have, and returns their names, sorted. If
// then there is none and `outputs` are given, `serving_default` offers these. InvalidArgument as
// MakeSignature.
absl::StatusOr<std::vector<std::string>> FitSignatures(Model& model, const std::vector<std::string>& inputs,
                                                       const std::vector<std::string>& outputs,
                                                       tensorflow::MetaGraphDef* meta_graph);

inline constexpr char kPredictMethod[] = "tensorflow/serving/predict";
inline constexpr char kDefaultSignature[] = "serving_default";

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SIGNATURE_MAKER_H_
