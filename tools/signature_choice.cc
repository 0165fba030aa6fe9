#include "tools/signature_choice.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/wire.h"
#include "graph/op_schema.h"

namespace cryograph {
namespace {

// MetaGraphDef.signature_def (5) is a map; its keys, those of TensorFlow's own left out.
std::vector<std::string> SignatureNames(const Model& model) {
  std::vector<std::string> names;
  for (const RawField& entry : model.meta_fields) {
    if (entry.number != 5) continue;
    absl::string_view key;
    WireReader reader(entry.payload);
    for (WireField field; reader.Next(&field);) {
      if (field.number == 1 && field.type == WireType::kBytes) key = field.bytes;
    }
    if (!absl::StartsWith(key, "__saved_model_")) names.emplace_back(key);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

absl::StatusOr<std::vector<SignatureTensor>> ChooseSignature(const Model& model, const std::string& name) {
  const std::vector<std::string> names = SignatureNames(model);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const std::vector<absl::string_view> candidates(names.begin(), names.end());
    return absl::NotFoundError(
        absl::StrCat("--signature: ", model.path, " has no signature '", name, "'",
                     DidYouMean(NearestNames(name, candidates)), " (CG130)\nwhy: its signatures are ",
                     names.empty() ? "none at all" : absl::StrJoin(names, ", "), "\ntry: ",
                     names.empty() ? std::string("--output_node_names=NAME,NAME")
                                   : absl::StrCat("--signature=", names[0])));
  }
  std::vector<SignatureTensor> outputs;
  for (SignatureTensor& output : SignatureOutputs(model)) {
    if (output.signature == name) outputs.push_back(std::move(output));
  }
  if (outputs.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("--signature: the signature '", name, "' of ",
                                                      model.path, " has no dense outputs (CG130)"));
  }
  return outputs;
}

std::vector<std::string> NameOutputs(Model& model, const std::vector<SignatureTensor>& outputs) {
  std::vector<std::string> added;
  Graph& graph = model.graph();
  const OpRegistry registry(model);
  for (const SignatureTensor& output : outputs) {
    const size_t colon = output.tensor.find(':');
    const Node node = graph.Find(output.tensor.substr(0, colon));
    int32_t index = 0;
    if (!node || graph.Find(output.key)) continue;
    if (colon != std::string::npos && !absl::SimpleAtoi(output.tensor.substr(colon + 1), &index)) continue;
    const absl::StatusOr<DataType> type = registry.OutputType(graph, node.out(index));
    if (!type.ok()) continue;
    const absl::StatusOr<Node> named = graph.AddNode(output.key, "Identity", {node.out(index)});
    if (!named.ok()) continue;
    graph.SetAttr(*named, "T", AttrType(BaseType(*type)));
    added.push_back(output.key);
  }
  return added;
}

}  // namespace cryograph
