#include "tools/model_names.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/wire.h"
#include "base/wire_field.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

constexpr size_t kMaxListed = 8;

// "a, b, c and 4 more".
std::string Listed(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kMaxListed);
  std::string text = absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", ");
  if (shown < names.size()) absl::StrAppend(&text, " and ", names.size() - shown, " more");
  return text;
}

// Ops whose nodes end a graph without being what anyone asks for.
bool IsBookkeeping(absl::string_view op) {
  for (absl::string_view exact :
       {"NoOp", "Assert", "Const", "Save", "SaveV2", "SaveSlices", "MergeV2Checkpoints", "CountUpTo",
        "VarHandleOp", "Variable", "VariableV2"}) {
    if (op == exact) return true;
  }
  for (absl::string_view part :
       {"Assign", "Scatter", "Apply", "Summary", "Restore", "Initialize", "Enqueue", "LookupTableImport"}) {
    if (absl::StrContains(op, part)) return true;
  }
  return false;
}

bool ReadsVariable(Node node) {
  if (node.op() == "ReadVariableOp" || node.op() == "VarIsInitializedOp") return true;
  if (node.op() != "Identity" || node.num_inputs() != 1) return false;
  const absl::string_view source = node.input_node(0).op();
  return source == "Variable" || source == "VariableV2" || source == "ReadVariableOp";
}

bool HasDataReaders(Node node) {
  const absl::Span<const Use> uses = node.uses();
  return std::any_of(uses.begin(), uses.end(), [](const Use& use) { return use.slot != kControl; });
}

// MetaGraphDef.signature_def (5) is a map to SignatureDef {inputs = 1, outputs = 2}, that a map to TensorInfo
// {name = 1}.
std::vector<SignatureTensor> SignatureSide(const Model& model, uint32_t side) {
  std::vector<SignatureTensor> result;
  for (const RawField& entry : model.meta_fields) {
    if (entry.number != 5 || absl::StartsWith(BytesField(entry.payload, 1), "__saved_model_")) continue;
    WireReader reader(BytesField(entry.payload, 2));
    WireField field;
    while (reader.Next(&field)) {
      if (field.number != side || field.type != WireType::kBytes) continue;
      const absl::string_view tensor = BytesField(BytesField(field.bytes, 2), 1);
      if (tensor.empty()) continue;
      result.push_back({std::string(BytesField(entry.payload, 1)), std::string(BytesField(field.bytes, 1)),
                        std::string(tensor)});
    }
  }
  std::sort(result.begin(), result.end(), [](const SignatureTensor& a, const SignatureTensor& b) {
    return std::tie(a.signature, a.key) < std::tie(b.signature, b.key);
  });
  return result;
}

// What the graph offers instead of a name it does not have.
std::string WhatThereIs(Model& model) {
  std::string text;
  std::vector<std::string> signed_outputs;
  for (const SignatureTensor& output : SignatureOutputs(model)) {
    signed_outputs.push_back(absl::StrCat(output.tensor, " (", output.signature, ": ", output.key, ")"));
  }
  if (!signed_outputs.empty()) {
    absl::StrAppend(&text, "\nwhy: the outputs of its signatures are ", Listed(signed_outputs));
  }
  const std::vector<std::string> outputs = LikelyOutputs(model);
  if (!outputs.empty()) absl::StrAppend(&text, "\nwhy: nothing reads ", Listed(outputs));
  return text;
}

}  // namespace

absl::string_view NodeNameOf(absl::string_view text) {
  absl::ConsumePrefix(&text, "^");
  return text.substr(0, text.find(':'));
}

std::vector<std::string> LikelyOutputs(Model& model) {
  std::vector<std::string> names;
  for (Node node : model.graph().nodes()) {
    if (!IsBookkeeping(node.op()) && !HasDataReaders(node) && !ReadsVariable(node))
      names.emplace_back(node.name());
  }
  return names;
}

std::vector<SignatureTensor> SignatureInputs(const Model& model) { return SignatureSide(model, 1); }
std::vector<SignatureTensor> SignatureOutputs(const Model& model) { return SignatureSide(model, 2); }

std::vector<std::string> SignatureOutputTensors(const Model& model) {
  std::vector<std::string> tensors;
  for (SignatureTensor& output : SignatureOutputs(model)) {
    if (std::find(tensors.begin(), tensors.end(), output.tensor) == tensors.end()) {
      tensors.push_back(std::move(output.tensor));
    }
  }
  return tensors;
}

std::vector<bool> NeededNodes(Graph& graph, const std::vector<std::string>& names) {
  std::vector<bool> needed(graph.id_limit(), false);
  std::vector<NodeId> pending;
  const auto need = [&](Node node) {
    const auto id = static_cast<uint32_t>(node.id());
    if (needed[id]) return;
    needed[id] = true;
    if (!node.is_missing()) pending.push_back(node.id());
  };
  for (const std::string& name : names) {
    if (const Node node = graph.Find(NodeNameOf(name))) need(node);
  }
  while (!pending.empty()) {
    const Node node = graph.node(pending.back());
    pending.pop_back();
    for (int i = 0; i < node.num_inputs(); ++i) need(node.input_node(i));
    for (const ControlEdge& edge : node.control_inputs()) need(graph.node(edge.node));
  }
  return needed;
}

absl::Status CheckNodesExist(Model& model, const std::vector<std::string>& names, absl::string_view flag) {
  for (const std::string& name : names) {
    const absl::string_view wanted = NodeNameOf(name);
    if (model.graph().Find(wanted)) continue;
    std::vector<absl::string_view> candidates;
    std::string below;  // The last node of the scope that the name may mean.
    int num_below = 0;
    const std::string scope = absl::StrCat(wanted, "/");
    for (Node node : model.graph().nodes()) {
      candidates.push_back(node.name());
      if (absl::StartsWith(node.name(), scope)) {
        below = std::string(node.name());
        ++num_below;
      }
    }
    std::string message = absl::StrCat(flag, ": ", model.path, " has no node '", wanted, "'",
                                       DidYouMean(NearestNames(wanted, candidates)), " (CG101)");
    if (num_below > 0) {
      absl::StrAppend(&message, "\nwhy: '", wanted, "' is a scope of ", cli::Counted(num_below, "node"),
                      ", the last of them is '", below, "'");
    }
    absl::StrAppend(
        &message, WhatThereIs(model),
        "\ntry: a name of the graph, not of a Python variable or layer: the Keras layer 'dense' ends in "
        "dense/BiasAdd or dense/Softmax");
    return absl::NotFoundError(message);
  }
  return absl::OkStatus();
}

absl::Status NoOutputsGiven(Model& model, absl::string_view flag) {
  return cli::UsageError(absl::StrCat(flag, " must name at least one node of ", model.path, " (CG104)",
                                      WhatThereIs(model), "\ntry: ", flag, "=NAME,NAME"));
}

}  // namespace cryograph
