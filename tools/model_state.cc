#include "tools/model_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/wire_field.h"
#include "runtime/value.h"
#include "tools/model_names.h"

namespace cryograph {
namespace {

// MetaGraphDef fields.
constexpr uint32_t kSignatureDef = 5;

// The node that initializes a SavedModel: the signature __saved_model_init_op of TF2, or one of the
// collections of TF1; empty if there is none.
std::string InitNode(const Model& model) {
  for (const RawField& field : model.meta_fields) {
    if (field.number != kSignatureDef || BytesField(field.payload, 1) != "__saved_model_init_op") continue;
    const absl::string_view outputs = BytesField(BytesField(field.payload, 2), 2);  // SignatureDef.outputs
    return std::string(NodeNameOf(BytesField(BytesField(outputs, 2), 1)));          // TensorInfo.name
  }
  for (const char* collection : {"saved_model_main_op", "legacy_init_op"}) {
    const absl::string_view node_list =
        BytesField(model.Collection(collection), 1);  // CollectionDef.node_list
    const absl::string_view node = BytesField(node_list, 1);
    if (!node.empty()) return std::string(NodeNameOf(node));
  }
  return "";
}

// The folder of a SavedModel.
std::string FolderOf(const Model& model) {
  if (!model.variables_prefix.empty()) {
    return std::string(absl::StripSuffix(model.variables_prefix, "/variables/variables"));
  }
  const std::string& path = model.path;
  const bool is_file =
      absl::EndsWith(path, ".pb") || absl::EndsWith(path, ".pbtxt") || absl::EndsWith(path, ".cpb");
  if (!is_file) return path;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

absl::StatusOr<ModelState> ModelState::Find(Model& model, ModelStateOptions options,
                                            std::vector<std::string>* notes) {
  ModelState state;
  const std::string prefix = options.checkpoint.empty() ? model.variables_prefix : options.checkpoint;
  if (!prefix.empty()) {
    ASSIGN_OR_RETURN(state.checkpoint_, Checkpoint::Open(prefix, notes));
  }
  state.options_ = std::move(options);
  RETURN_IF_ERROR(state.FindVariables(model, notes));
  state.own_init_node_ = InitNode(model);
  state.assets_ = AssetsOf(model);
  state.folder_ = FolderOf(model);
  return state;
}

absl::Status ModelState::FindVariables(Model& model, std::vector<std::string>* notes) {
  variables_.clear();
  if (checkpoint_ == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(variables_, FindVariableValues(model, *checkpoint_, notes));
  return absl::OkStatus();
}

absl::StatusOr<ModelState> ModelState::For(Model& changed) const {
  ModelState state = *this;
  std::vector<std::string> notes;  // Find() has said them.
  RETURN_IF_ERROR(state.FindVariables(changed, &notes));
  const auto is_gone = [&](const std::string& name) { return !changed.graph().Find(NodeNameOf(name)); };
  if (is_gone(own_init_node_)) state.own_init_node_.clear();
  std::vector<std::string>& nodes = state.options_.init_nodes;
  nodes.erase(std::remove_if(nodes.begin(), nodes.end(), is_gone), nodes.end());
  const auto has_no_tensor = [&](const ModelAsset& asset) { return is_gone(asset.tensor); };
  std::vector<ModelAsset>& assets = state.assets_;
  assets.erase(std::remove_if(assets.begin(), assets.end(), has_no_tensor), assets.end());
  return state;
}

absl::Status ModelState::Restore(Executor& executor) const {
  if (checkpoint_ != nullptr) RETURN_IF_ERROR(RestoreVariables(variables_, *checkpoint_, executor));
  if (!own_init_node_.empty()) {
    std::vector<std::pair<std::string, Value>> feeds;
    for (const ModelAsset& asset : assets_) {
      ASSIGN_OR_RETURN(Value path, Value::Allocate(DT_STRING, {}, executor.pool()));
      *path.mutable_data<std::string>() = absl::StrCat(folder_, "/assets/", asset.filename);
      feeds.emplace_back(asset.tensor, std::move(path));
    }
    RETURN_IF_ERROR(executor.RunOnce(feeds, {}, {own_init_node_}, options_.init_limits).status());
  }
  if (options_.init_nodes.empty()) return absl::OkStatus();
  return executor.RunOnce({}, {}, options_.init_nodes, options_.init_limits).status();
}

}  // namespace cryograph
