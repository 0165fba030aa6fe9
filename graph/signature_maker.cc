#include "graph/signature_maker.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/meta_graph.h"
#include "graph/op_schema.h"

namespace cryograph {
namespace {

using TensorInfos = google::protobuf::Map<std::string, tensorflow::TensorInfo>;

class Maker {
 public:
  explicit Maker(Model* model) : graph_(model->graph()), registry_(*model) {}

  absl::Status Fill(const std::vector<SignatureEntry>& entries, TensorInfos* infos) {
    for (const SignatureEntry& entry : entries) {
      const absl::string_view text = entry.tensor;
      const size_t colon = text.rfind(':');
      const Node node = graph_.Find(text.substr(0, colon));
      int port = 0;
      if (!node || (colon != absl::string_view::npos &&
                    (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0))) {
        return NoSuchTensor(text);
      }
      const absl::StatusOr<std::vector<DataType>> types = registry_.OutputTypes(node);
      if (types.ok() && port >= static_cast<int>(types->size())) {
        return absl::InvalidArgumentError(absl::StrCat("the signature cannot name '", text, "': node '",
                                                       node.name(), "' (", node.op(), ") has ", types->size(),
                                                       " outputs"));
      }
      std::string key = entry.key;
      if (key.empty()) {
        key = std::string(node.name().substr(node.name().rfind('/') + 1));
        if (port != 0) absl::StrAppend(&key, "_", port);
        if (infos->contains(key))
          key = absl::StrCat(absl::StrReplaceAll(node.name(), {{"/", "_"}}), "_", port);
      }
      if (infos->contains(key)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the signature has two tensors of the key '", key, "'"));
      }
      tensorflow::TensorInfo& info = (*infos)[key];
      info.set_name(absl::StrCat(node.name(), ":", port));
      if (types.ok())
        info.set_dtype(static_cast<tensorflow::DataType>(BaseType((*types)[static_cast<size_t>(port)])));
      SetShape(node, port, &info);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status NoSuchTensor(absl::string_view text) {
    std::vector<absl::string_view> names;
    for (const Node node : graph_.nodes()) names.push_back(node.name());
    return absl::InvalidArgumentError(absl::StrCat("the signature cannot name '", text,
                                                   "': the graph has no such tensor",
                                                   DidYouMean(NearestNames(NodeOfTensor(text), names))));
  }

  static void SetShape(Node node, int port, tensorflow::TensorInfo* info) {
    PartialShape shape;
    shape.unknown_rank = true;
    const std::vector<PartialShape> inferred = node.attr("_output_shapes").list_shape();
    if (node.attr("shape").kind() == AttrView::kShape && absl::StartsWith(node.op(), "Placeholder")) {
      shape = node.attr("shape").shape();
    } else if (port < static_cast<int>(inferred.size())) {
      shape = inferred[static_cast<size_t>(port)];
    }
    info->mutable_tensor_shape()->set_unknown_rank(shape.unknown_rank);
    for (const int64_t dim : shape.dims) info->mutable_tensor_shape()->add_dim()->set_size(dim);
  }

  Graph& graph_;
  OpRegistry registry_;
};

void CollectMissing(const tensorflow::TensorInfo& info, Graph& graph, std::set<std::string>* missing) {
  const auto check = [&](const std::string& tensor) {
    if (!tensor.empty() && !graph.Find(NodeOfTensor(tensor))) missing->emplace(NodeOfTensor(tensor));
  };
  check(info.name());
  check(info.coo_sparse().values_tensor_name());
  check(info.coo_sparse().indices_tensor_name());
  check(info.coo_sparse().dense_shape_tensor_name());
  for (const auto& component : info.composite_tensor().components())
    CollectMissing(component, graph, missing);
}

}  // namespace

absl::StatusOr<tensorflow::SignatureDef> MakeSignature(Model& model,
                                                       const std::vector<SignatureEntry>& inputs,
                                                       const std::vector<SignatureEntry>& outputs,
                                                       absl::string_view method_name) {
  tensorflow::SignatureDef signature;
  Maker maker(&model);
  RETURN_IF_ERROR(maker.Fill(inputs, signature.mutable_inputs()));
  RETURN_IF_ERROR(maker.Fill(outputs, signature.mutable_outputs()));
  signature.set_method_name(std::string(method_name));
  return signature;
}

std::vector<std::string> MissingTensors(const tensorflow::SignatureDef& signature, Graph& graph) {
  std::set<std::string> missing;
  for (const auto& entry : signature.inputs()) CollectMissing(entry.second, graph, &missing);
  for (const auto& entry : signature.outputs()) CollectMissing(entry.second, graph, &missing);
  return std::vector<std::string>(missing.begin(), missing.end());
}

absl::StatusOr<std::vector<std::string>> FitSignatures(Model& model, const std::vector<std::string>& inputs,
                                                       const std::vector<std::string>& outputs,
                                                       tensorflow::MetaGraphDef* meta_graph) {
  std::vector<std::string> removed;
  auto& signatures = *meta_graph->mutable_signature_def();
  for (const auto& signature : signatures) {
    if (!MissingTensors(signature.second, model.graph()).empty()) removed.push_back(signature.first);
  }
  std::sort(removed.begin(), removed.end());
  for (const std::string& name : removed) signatures.erase(name);
  if (!signatures.empty() || outputs.empty()) return removed;
  const auto entries = [](const std::vector<std::string>& tensors) {
    std::vector<SignatureEntry> result;
    for (const std::string& tensor : tensors) result.push_back({"", tensor});
    return result;
  };
  ASSIGN_OR_RETURN(signatures[kDefaultSignature],
                   MakeSignature(model, entries(inputs), entries(outputs), kPredictMethod));
  return removed;
}

}  // namespace cryograph
