#include "tools/model_state.h"

#include <algorithm>
#include <set>
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
    ASSIGN_OR_RETURN(state.variables_, FindVariableValues(model, *state.checkpoint_, notes));
  }
  state.options_ = std::move(options);
  state.own_init_node_ = InitNode(model);
  state.assets_ = AssetsOf(model);
  state.folder_ = FolderOf(model);
  return state;
}

absl::StatusOr<ModelState> ModelState::For(Model& changed) const {
  ModelState state = *this;
  if (checkpoint_ != nullptr) {
    // Names that changed may still be found by the way in which the graph restores them.
    std::vector<std::string> notes;  // Find() has said them.
    ASSIGN_OR_RETURN(std::vector<VariableValue> own, FindVariableValues(changed, *checkpoint_, &notes));
    std::set<std::string> known;
    for (const VariableValue& variable : own) known.insert(variable.resource_name);
    state.variables_ = std::move(own);
    for (const VariableValue& variable : variables_) {
      if (known.count(variable.resource_name) == 0) state.variables_.push_back(variable);
    }
  }
  const auto is_gone = [&](const std::string& name) { return !changed.graph().Find(NodeNameOf(name)); };
  std::vector<std::string>& nodes = state.options_.init_nodes;
  nodes.erase(std::remove_if(nodes.begin(), nodes.end(), is_gone), nodes.end());
  if (!changed.meta_fields.empty()) {  // Its names have followed the nodes.
    state.own_init_node_ = InitNode(changed);
    state.assets_ = AssetsOf(changed);
  }
  if (is_gone(state.own_init_node_)) state.own_init_node_.clear();
  if (state.own_init_node_.empty() && nodes.empty()) state.table_initializers_ = TableInitializers(changed);
  const auto has_no_tensor = [&](const ModelAsset& asset) { return is_gone(asset.tensor); };
  std::vector<ModelAsset>& assets = state.assets_;
  assets.erase(std::remove_if(assets.begin(), assets.end(), has_no_tensor), assets.end());
  return state;
}

absl::Status ModelState::Restore(Executor& executor) const {
  if (checkpoint_ != nullptr) RETURN_IF_ERROR(RestoreVariables(variables_, *checkpoint_, executor));
  std::vector<std::pair<std::string, Value>> feeds;
  for (const ModelAsset& asset : assets_) {
    ASSIGN_OR_RETURN(Value path, Value::Allocate(DT_STRING, {}, executor.pool()));
    *path.mutable_data<std::string>() = absl::StrCat(folder_, "/assets/", asset.filename);
    feeds.emplace_back(asset.tensor, std::move(path));
  }
  if (!own_init_node_.empty()) {
    RETURN_IF_ERROR(executor.RunOnce(feeds, {}, {own_init_node_}, options_.init_limits).status());
  }
  for (const std::string& node : table_initializers_) {
    // Nobody asked for it; if its table is needed, the run says that it was never filled.
    (void)executor.RunOnce(feeds, {}, {node}, options_.init_limits);
  }
  if (options_.init_nodes.empty()) return absl::OkStatus();
  return executor.RunOnce(feeds, {}, options_.init_nodes, options_.init_limits).status();
}

std::vector<std::string> TableInitializers(Model& model) {
  std::vector<std::string> names;
  for (Node node : model.graph().nodes()) {
    if (absl::StartsWith(node.op(), "InitializeTable") || absl::StartsWith(node.op(), "LookupTableImport")) {
      names.emplace_back(node.name());
    }
  }
  return names;
}

}  // namespace cryograph
