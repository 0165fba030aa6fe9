#include "tools/signature_choice.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/wire.h"
#include "graph/op_schema.h"
#include "graph/signature_maker.h"

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

SignatureUse UsedSignature(const Model& model, const std::string& name,
                           const std::vector<std::string>& outputs) {
  const std::vector<SignatureTensor> all = SignatureOutputs(model);
  const auto speaks = [&](const std::string& signature) {
    bool any = false;
    for (const SignatureTensor& output : all) {
      if (output.signature != signature) continue;
      any = true;
      const absl::string_view node = NodeNameOf(output.tensor);
      if (std::none_of(outputs.begin(), outputs.end(),
                       [&](const std::string& each) { return NodeNameOf(each) == node; })) {
        return false;
      }
    }
    return any;
  };
  SignatureUse use;
  use.name = name;
  if (name.empty()) {
    for (const std::string& each : SignatureNames(model)) {
      if (speaks(each) && (use.name.empty() || each == kDefaultSignature)) use.name = each;
    }
  }
  if (use.name.empty()) return use;
  const auto of = [&](const std::vector<SignatureTensor>& tensors, std::vector<SignatureTensor>* side) {
    for (const SignatureTensor& tensor : tensors) {
      if (tensor.signature == use.name) side->push_back(tensor);
    }
  };
  of(SignatureInputs(model), &use.inputs);
  of(all, &use.outputs);
  return use;
}

std::string SignatureUse::Text() const {
  if (name.empty()) return "";
  bool other = false;
  const auto list = [&](absl::string_view title, const std::vector<SignatureTensor>& tensors) {
    if (tensors.empty()) return std::string();
    return absl::StrCat(title,
                        absl::StrJoin(tensors, ", ", [&](std::string* out, const SignatureTensor& tensor) {
                          other |= NodeNameOf(tensor.tensor) != tensor.key;
                          absl::StrAppend(out, tensor.key, " = ", tensor.tensor);
                        }));
  };
  const std::string in = list(" inputs ", inputs), out = list(" outputs ", outputs);
  return other ? absl::StrCat("signature ", name, ":", in, in.empty() || out.empty() ? "" : ";", out) : "";
}

int NameInputs(Graph& graph, std::vector<SignatureTensor>& inputs) {
  int named = 0;
  for (SignatureTensor& input : inputs) {
    const std::string old(NodeNameOf(input.tensor));
    const Node node = graph.Find(old);
    if (!node || old == input.key || !absl::StartsWith(node.op(), "Placeholder") || graph.Find(input.key))
      continue;
    if (!graph.Rename(node, input.key).ok()) continue;
    for (SignatureTensor& each : inputs) {
      if (NodeNameOf(each.tensor) == old)
        each.tensor = absl::StrCat(input.key, each.tensor.substr(old.size()));
    }
    ++named;
  }
  return named;
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
